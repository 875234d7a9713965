from datetime import date

from linkstar import packs
from linkstar.words import PLATFORM_NAMES, ROLE_NAMES


def test_the_us_pack_is_whole():
    pack = packs.pack("us")
    tasks = [task for template in pack.templates for task in template.tasks.values()]
    assert packs.shipped() == ["us"]
    assert (pack.name_zh, pack.name_en, pack.version) == ("美国通用包", "US general pack", "2026.11")
    assert (len(pack.templates), len(tasks), sum(task.blocking for task in tasks)) == (12, 409, 104)
    assert (len(pack.checklists), sum(len(each.items) for each in pack.checklists)) == (55, 365)
    assert [role.key for role in pack.roles] == list(ROLE_NAMES)
    assert pack.disclaimer_en is not None and pack.disclaimer_en.startswith("For process control only, not legal adv")


def test_it_is_read_once():
    assert packs.pack() is packs.pack()
    assert packs.template("bfcm_campaign") is packs.pack().template("bfcm_campaign")


def test_every_key_that_it_names_has_a_name_in_both_languages():
    pack = packs.pack()
    named = {
        "categories": {each.key for each in pack.categories} | {"all"},
        "platforms": {each.key for each in pack.platforms} | {"all"},
        "content_types": {each.key for each in pack.content_types},
    }
    for part in (*pack.templates, *pack.checklists):
        for field, keys in named.items():
            assert set(getattr(part.applies_to, field)) <= keys
    used = {key for each in pack.checklists for key in each.applies_to.categories}
    used |= {key for each in pack.templates for key in each.applies_to.categories}
    assert {each.key for each in pack.categories} == used - {"all"}
    assert {each.stage for each in pack.checklists} == {each.key for each in pack.stages}
    assert set(PLATFORM_NAMES) <= {each.key for each in pack.platforms}


def test_the_electronics_launch_keeps_what_its_file_says():
    template = packs.template("amazon_us_launch_electronics")
    assert [phase.name_zh for phase in template.phases][:2] == ["立项", "样品与认证"]
    assert len(template.tasks) == 71
    grant, recheck = template.tasks["fcc_grant"], template.tasks["ip_recheck"]
    assert grant.blocking and grant.after == (("fcc_test", 0),)
    assert (recheck.start, recheck.offset) == ("fixed", -15)
    assert template.tasks["copy_native"].counterpart_tz == "America/Los_Angeles"
    assert template.tasks["retro"].after == tuple((key, 5) for key in template.tasks["retro"].depends_on)
    assert template.variant_of == "amazon_us_launch"
    assert template.anchor.name_zh == "开售日"
    assert [each.template for each in packs.template("quarterly_growth_plan").subprojects] == [
        "creator_outreach", "short_video_pipeline", "compliance_remediation",
    ]  # fmt: skip
    assert packs.template("bfcm_campaign").tasks["bf_awd_deadline"].offset_calendar_days == -44


def test_a_checklist_says_whose_rule_it_is_and_when_it_was_checked():
    fcc = packs.checklist("fcc_part15")
    assert (fcc.authority, fcc.region, fcc.confidence, fcc.checked_on) == ("FCC", "US", "high", date(2026, 11, 21))
    item = next(item for item in packs.checklist("ftc_endorsement").items if item.key == "material_connection")
    assert (item.level, item.evidence, item.evidence_zh, item.citation) == (
        "required", "text", "写明关系类型", "16 CFR 255.5",
    )  # fmt: skip


def test_a_gate_is_waived_by_two_of_the_roles_that_the_pack_names():
    waiver = packs.pack().operation("gate_exception")
    assert (waiver.approvers, waiver.min_approvals) == (("legal", "pmo"), 2)


def applies(key: str, categories: str, platforms: str, content_types: str = "") -> bool:
    return packs.checklist(key).applies(
        categories=categories.split(), platforms=platforms.split(), content_types=content_types.split()
    )


def test_a_checklist_applies_by_category_platform_and_content():
    assert applies("fcc_part15", "lighting", "amazon")
    assert applies("fcc_part15", "apparel electronics", "walmart")
    assert not applies("fcc_part15", "apparel", "amazon")
    assert applies("fba_inbound", "toys", "walmart amazon")
    assert not applies("fba_inbound", "lighting", "tiktok")
    assert applies("ftc_endorsement", "toys", "amazon", "email live")
    assert not applies("ftc_endorsement", "toys", "amazon", "listing")
    assert applies("ftc_endorsement", "toys", "amazon")  # no content types: content of every type
    assert applies("ip_clearance", "toys", "amazon", "listing")  # restricts no content types
    assert applies("meta_ads_policy", "toys", "facebook", "ad")
    assert not applies("meta_ads_policy", "toys", "amazon", "ad")
