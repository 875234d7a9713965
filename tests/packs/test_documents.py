import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from linkstar import packs

TEMPLATES = [template.key for template in packs.pack().templates]


@pytest.fixture
def walk(walks: str) -> packs.Template:
    return packs.parse(walks, "walks.yaml").template("walk")


def known(walks: str) -> list[packs.Pack]:
    return [packs.parse(walks, "walks.yaml")]


@pytest.mark.parametrize("key", TEMPLATES)
def test_a_template_is_the_same_after_a_round_trip(key):
    template = packs.template(key)
    document = json.loads(json.dumps(packs.document(template), ensure_ascii=False))
    assert packs.template_from(document, key) == template
    assert packs.document(packs.template_from(document, key)) == document


@pytest.mark.parametrize("raw", packs.read(packs.TEMPLATES)["templates"], ids=TEMPLATES)
def test_a_document_says_what_the_file_says(raw):
    document = packs.document(packs.template(raw["key"]))
    assert {"scheduling": "backward"} | document == raw


@pytest.mark.parametrize("key", TEMPLATES)
def test_a_self_contained_template_needs_no_pack(key):
    template = packs.template(key)
    document = packs.self_contained(template, packs.pack())
    alone = packs.template_from(document, key)
    named = {name for task in template.tasks.values() for name in task.checklists}
    assert {each.key for each in alone.checklists} == named
    assert all(each == packs.checklist(each.key) for each in alone.checklists)
    assert packs.self_contained(alone, packs.pack()) == document
    assert packs.difference(alone, document) == []


def test_an_uploaded_pack_is_read_with_what_it_defines_and_what_is_shipped(walks):
    pack = packs.parse(walks.encode(), "walks.yaml")
    assert (pack.key, pack.version, pack.name_zh) == ("walks", "1", "散步包")
    assert pack.template("walk").tasks["dress"].checklists == ("shoes", "prop65")
    assert pack.template("walk").tasks["out"].after == (("dress", 1), ("plan", -0.5))
    assert str(pack.checklist("shoes").checked_on) == "2026-11-01"
    assert pack.template("walk").phases[1].waits_for == ("before",)
    assert pack.roles == ()


def test_a_pack_is_the_same_after_a_round_trip(walks):
    for pack in (packs.parse(walks, "walks.yaml"), packs.pack()):
        document = packs.pack_document(pack)
        again = packs.parse(json.dumps(document, ensure_ascii=False), "again.json")
        assert packs.pack_document(again) == document
        assert (again.templates, again.checklists) == (pack.templates, pack.checklists)


def test_a_list_of_the_template_itself_wins_over_the_shipped_one(walk, walks):
    document = packs.self_contained(walk, known(walks)[0])
    assert [each["key"] for each in document["checklists"]] == ["shoes", "prop65"]
    document["checklists"][1]["title_en"] = "Our own warning"
    document["applies_to"] = document["checklists"][0]["applies_to"] = {}
    alone = packs.template_from(document, "walk")
    held = packs.self_contained(alone, known(walks)[0])
    assert held["checklists"][1]["title_en"] == "Our own warning"


def test_a_saved_template_brings_stages_gates_and_a_lag_for_each_dependency(walk, walks):
    document = packs.document(walk) | {
        "stages": [
            {"key": "todo", "name_zh": "待办", "name_en": "To do", "kind": "backlog"},
            {"key": "done", "name_zh": "完成", "name_en": "Done", "kind": "done", "wip_limit": 3,
             "checklists": ["launch_readiness"]},
        ],
    }  # fmt: skip
    document["phases"][1]["tasks"][0] |= {"waiting": True, "note_zh": "只有中文"}
    saved = packs.template_from(document, "saved", known(walks))
    assert saved.stages[1].wip_limit == 3
    assert saved.tasks["out"].waiting
    assert packs.document(saved) == document
    lists = packs.self_contained(saved, known(walks)[0])["checklists"]
    assert [each["key"] for each in lists] == ["shoes", "prop65", "launch_readiness"]


def test_a_template_that_stands_alone_is_checked_as_strictly(walk, walks):
    for change, fault in (
        ({"colour": "red"}, "unknown_field"),
        ({"owner_role": "gardener"}, "unknown_role"),
        ({"name_en": None}, "no_english"),
        ({"phases": []}, "no_anchor"),
        ({"key": None}, "no_field"),
    ):
        with pytest.raises(packs.PackFault) as refused:
            packs.template_from(packs.document(walk) | change, "saved template", known(walks))
        assert (refused.value.file, refused.value.fault) == ("saved template", fault)
    with pytest.raises(packs.PackFault) as refused:
        packs.template_from(packs.document(walk), "saved template")
    assert (refused.value.fault, refused.value.facts) == ("unknown_category", {"value": "care_beds"})


VALUES: Any = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5) | some.dates(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(data=some.data())
def test_whatever_stands_in_a_field_is_read_or_refused_with_a_sentence(data):
    """A field of a template, a phase, a task, a list or an item is anything: no other error comes out of it."""
    document = packs.self_contained(packs.template("short_video_pipeline"), packs.pack())
    part = data.draw(some.sampled_from(["template", "phase", "task", "checklist", "item", "anchor", "applies_to"]))
    row = {
        "template": document,
        "phase": document["phases"][1],
        "task": document["phases"][1]["tasks"][0],
        "checklist": document["checklists"][0],
        "item": document["checklists"][0]["items"][0],
        "anchor": document["anchor"],
        "applies_to": document["applies_to"],
    }[part]
    row[data.draw(some.sampled_from(sorted(row)) | some.text(max_size=5))] = data.draw(VALUES)
    try:
        template = packs.template_from(document, "anything")
    except packs.PackFault as fault:
        assert "anything" in str(fault)
    else:
        json.dumps(packs.document(template), allow_nan=False).encode()
        assert packs.template_from(packs.document(template), "again") == template
