from dataclasses import replace

from linkstar import packs
from linkstar.packs import AppliesTo, missing_for

TEMPLATES = packs.pack().templates
ELECTRONICS, APPAREL = packs.template("amazon_us_launch_electronics"), packs.template("amazon_us_launch_apparel")


def test_electronics_for_apparel_lack_the_size_chart_approval():
    missing = missing_for(ELECTRONICS, ["apparel"], TEMPLATES)
    assert [task.key for task in missing] == ["fabric_test", "size_grading", "fit_sample", "size_chart_approval"]
    assert missing[-1].title_zh == "尺码表审批"
    assert missing[-1].depends_on == ("fit_sample",)
    assert not {task.key for task in missing} & set(ELECTRONICS.tasks)


def test_apparel_for_electronics_lacks_the_fcc_grant():
    missing = {task.key for task in missing_for(APPAREL, ["lighting"], TEMPLATES)}
    assert {"fcc_test", "fcc_grant", "ul_test"} <= missing


def test_where_the_template_fits_nothing_is_missing():
    assert missing_for(ELECTRONICS, ["electronics"], TEMPLATES) == []
    assert missing_for(ELECTRONICS, ["apparel", "electronics"], TEMPLATES) == []
    assert missing_for(packs.template("amazon_us_launch"), ["apparel"], TEMPLATES) == []
    assert missing_for(ELECTRONICS, [], TEMPLATES) == []


def test_other_platforms_and_other_kinds_of_project_are_no_variants():
    assert missing_for(packs.template("tiktok_shop_us_launch"), ["footwear"], TEMPLATES) == []
    assert "auto_parts" in packs.template("compliance_remediation").applies_to.categories
    assert missing_for(ELECTRONICS, ["auto_parts"], TEMPLATES) == []
    walmart = replace(APPAREL, applies_to=AppliesTo(categories=("apparel",), platforms=("walmart",)))
    assert missing_for(ELECTRONICS, ["apparel"], [walmart]) == []


def test_a_saved_variant_is_found_by_its_key():
    own = replace(APPAREL, key="amazon_us_launch_socks", variant_of=None)
    assert "size_chart_approval" in {task.key for task in missing_for(ELECTRONICS, ["apparel"], [own])}


def test_a_missing_task_comes_after_what_is_there_or_added_only():
    there = {key: task for key, task in APPAREL.tasks.items() if key != "sample_review"}
    phases = tuple(
        replace(phase, tasks=tuple(task for task in phase.tasks if task.key in there)) for phase in ELECTRONICS.phases
    )
    missing = missing_for(replace(ELECTRONICS, phases=phases), ["apparel"], [replace(APPAREL, phases=tuple(
        replace(phase, tasks=tuple(task for task in phase.tasks if task.key in there)) for phase in APPAREL.phases
    ))])  # fmt: skip
    assert {task.key: task.depends_on for task in missing}["size_grading"] == ()
