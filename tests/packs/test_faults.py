import re

import pytest

from linkstar import packs

CHINESE = re.compile(r"[\u4e00-\u9fff]")
FAULTS = [
    # what stands in the file, what is written instead, the key that is named, the fault
    ("owner_role: pmo", "owner_role: pmo\n  colour: red", "walk", "unknown_field"),
    ("as_of: 2026-11-01", "as_off: 2026-11-01", "walks.yaml", "unknown_field"),
    ('version: "1"', 'version: "1", templates: []', "pack", "unknown_field"),
    ("role: ops, ", "", "walk.before.dress", "no_field"),
    ("  unit: working_day\n", "", "walk", "no_field"),
    ("key: soles, ", "", "shoes.items[2]", "no_field"),
    ("key: soles", "key: ' '", "shoes.items[2]", "not_a_key"),
    ("pack: {", "# {", "walks.yaml", "no_field"),
    ("title_en: Put shoes on, ", "", "walk.before.dress", "no_english"),
    ("title_zh: 出门", "title_zh: ' '", "walk.after.out", "no_chinese"),
    ("name_en: Care beds", "name_en: ''", "care_beds", "no_english"),
    ("  note_zh: 雨天看靴子\n", "", "shoes", "no_chinese"),
    ("zh: 鞋带系好, ", "", "shoes.laces", "no_chinese"),
    ("  name_en: Walk", "  name_en: [Walk]", "walk", "not_text"),
    ("name_en: Walks", 'name_en: "Wa\\0lks"', "pack", "not_text"),
    ("weather: dry", "weather: [dry]", "walk.variables", "not_a_whole_number"),
    ("hours: 2", "hours: .nan", "walk.variables", "not_a_number"),
    ("duration: 0.5", "duration: half", "walk.before.dress", "not_a_number"),
    ("duration: 0.5", "duration: true", "walk.before.dress", "not_a_number"),
    ("blocking: true", "blocking: 1", "walk.before.dress", "not_yes_or_no"),
    ("as_of: 2026-11-01", "as_of: 2026-11-01 08:00:00", "walks.yaml", "not_a_date"),
    ("depends_on: [dress]", "depends_on: dress", "walk.before.plan", "not_a_list"),
    ("depends_on: [dress]", "depends_on: [1]", "walk.before.plan", "not_text"),
    ("depends_on: [dress]", "depends_on: [{task: dress}]", "walk.before.plan.depends_on", "no_field"),
    ("{type: event_day, task: out, name_zh: 出门日, name_en: Day out}", "out", "walk.anchor", "not_a_mapping"),
    ("- {key: care_beds,", "- beds\n- {key: care_beds,", "categories[1]", "not_a_mapping"),
    ("key: walk\n", "key: a walk\n", "a walk", "not_a_key"),
    ("lead_time_days: [0, 1]", "lead_time_days: [3, 1]", "shoes", "not_a_range"),
    ("lead_time_days: [0, 1]", "lead_time_days: [-3, 1]", "shoes", "negative"),
    ("role: ops", "role: gardener", "walk.before.dress", "unknown_role"),
    ("depends_on: [dress]", "depends_on: [undress]", "walk.before.plan", "unknown_predecessor"),
    ("depends_on: []", "depends_on: [out]", "walk", "cycle"),
    ("name_en: Before", "name_en: Before\n    waits_for: [after]", "walk", "cycle"),
    ("[{task: dress, lag: 1}, plan]", "[{task: dress, lag: 1}, dress]", "walk.after.out", "duplicate_key"),
    ("key: plan", "key: dress", "walk.before", "duplicate_key"),
    ("key: out,", "key: dress,", "walk", "duplicate_key"),
    ("key: soles", "key: laces", "shoes", "duplicate_key"),
    ("  region: US", "  region: US\n  region: US-CA", "walks.yaml", "field_twice"),
    ("[shoes, prop65]", "[shoes, socks]", "walk.before.dress", "unknown_checklist"),
    ("short_video_pipeline", "long_video_pipeline", "walk.after.out", "unknown_template"),
    ("evidence: photo", "evidence: oath", "shoes.laces", "unknown_choice"),
    ("level: advisory", "level: perhaps", "shoes.soles", "unknown_choice"),
    ("start: fixed", "start: soon", "walk.before.plan", "unknown_choice"),
    ("{categories: [care_beds], platforms: [amazon]}", "{categories: [horses]}", "walk.applies_to", "unknown_category"),
    ("platforms: [amazon]", "platforms: [agora]", "walk.applies_to", "unknown_platform"),
    ("content_types: []", "content_types: [smoke]", "shoes.applies_to", "unknown_content_type"),
    ("stage: initiation", "stage: last", "shoes", "unknown_stage"),
    ("region: US", "region: Mars", "shoes", "unknown_region"),
    ("waits_for: [before]", "waits_for: [between]", "walk.after", "unknown_phase"),
    ("America/New_York", "America/Atlantis", "walk.before.plan", "unknown_time_zone"),
    ("duration: 0.5", "duration: -0.5", "walk.before.dress", "negative"),
    ("duration: 0.5", "duration: 0.4", "walk.before.dress", "not_quarters"),
    ("lag: 1}", "lag: 0.1}", "walk.after.out.depends_on", "not_quarters"),
    ("duration: 0.5", "duration: 1.0e+300", "walk.before.dress", "too_large"),
    ("duration: 0.5", "duration: .inf", "walk.before.dress", "not_a_number"),
    ("title_zh: 出门", f"title_zh: {'门' * 201}", "walk.after.out", "too_long"),
    ("anchor: {type: event_day, task: out", "anchor: {type: event_day, task: in", "walk", "no_anchor"),
    ("offset: -2, ", "", "walk.before.plan", "fixed_without_offset"),
    ("unit: working_day", "unit: [", "walks.yaml", "not_yaml"),
    ("name_en: Walks}", "name_en: !!python/object:os.system {}}", "walks.yaml", "not_yaml"),
    ("as_of: 2026-11-01", "as_of: 2026-13-41", "walks.yaml", "not_yaml"),
    ("  region: US", "  region: &here US", "walks.yaml", "alias"),
    ("hours: 2", f"hours: {'[' * 60}{']' * 60}", "walks.yaml", "too_deep"),
]


@pytest.mark.parametrize("there, instead, key, code", FAULTS, ids=[f"{row[3]} {row[1][:30]!r}" for row in FAULTS])
def test_a_broken_pack_is_refused_with_its_file_key_and_fault(walks, said, there, instead, key, code):
    assert there in walks
    with pytest.raises(packs.PackFault) as refused:
        packs.parse(walks.replace(there, instead, 1), "walks.yaml")
    fault = refused.value
    assert (fault.file, fault.key, fault.fault) == ("walks.yaml", key, code)
    english, chinese = said(fault, "en"), said(fault, "zh")
    assert CHINESE.search(chinese)
    assert english != chinese
    for sentence in (english, chinese):
        assert "walks.yaml" in sentence and key in sentence
        assert all(str(fact) in sentence for fact in fault.facts.values())


def test_the_sentence_says_what_to_mend(walks, said):
    def refused(there: str, instead: str) -> Exception:
        with pytest.raises(packs.PackFault) as fault:
            packs.parse(walks.replace(there, instead, 1), "walks.yaml")
        return fault.value

    loop = refused("depends_on: []", "depends_on: [out]")
    assert said(loop, "en").startswith("walks.yaml: in walk these wait for each other in a circle: ")
    assert sorted(set(said(loop, "zh").rstrip("。").rpartition("：")[2].split(" → "))) == ["dress", "out"]
    level = refused("level: advisory", "level: perhaps")
    assert said(level, "en") == "walks.yaml: level of shoes.soles is perhaps; it can be: required, advisory."
    english = refused("title_en: Put shoes on", "title_en: ''")
    assert said(english, "zh") == "walks.yaml：walk.before.dress 的 title_en 缺少英文内容。"
    torn = refused("unit: working_day", "unit: [")
    assert said(torn, "en") == "walks.yaml cannot be read as YAML; the trouble begins in line 26."


@pytest.mark.parametrize(
    "data, code",
    [
        (b"", "not_a_mapping"),
        ("- one\n- two\n", "not_a_mapping"),
        ("just words", "not_a_mapping"),
        (b"\x00\x01\x02", "not_yaml"),
        ("散步: 包".encode("gb18030"), "not_yaml"),
        (b"\xff" * 40, "not_yaml"),
        ("a: 1\n---\nb: 2\n", "not_yaml"),
        ("? [a, b]\n: 1\n", "not_yaml"),
        ("pack: walks", "no_field"),
        (f"pack: {{key: walks}}\n{'#' * 2**21}", "too_big"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias"),
        ("[" * 100_000, "too_deep"),
        ("{a: " * 100_000, "too_deep"),
        ("x: " + "9" * 5000, "not_yaml"),
    ],
)
def test_what_is_no_pack_at_all_is_refused(data, code):
    with pytest.raises(packs.PackFault) as refused:
        packs.parse(data, "walks.yaml")
    assert (refused.value.file, refused.value.key, refused.value.fault) == ("walks.yaml", "walks.yaml", code)


def test_somebodys_long_text_is_not_repeated_at_length(walks, said):
    with pytest.raises(packs.PackFault) as refused:
        packs.parse(walks.replace("level: required", f"level: {'x' * 10_000}"), "walks.yaml")
    assert len(said(refused.value, "en")) < 400


def test_what_a_shipped_pack_has_not_is_named():
    with pytest.raises(packs.PackFault, match=r"us: moon_landing is not there\."):
        packs.template("moon_landing")
    with pytest.raises(packs.PackFault, match=r"us: moon_dust is not there\."):
        packs.checklist("moon_dust")
    with pytest.raises(packs.PackFault, match=r"moon: moon is not there\."):
        packs.pack("moon")
