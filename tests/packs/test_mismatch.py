from dataclasses import replace

from linkstar import packs
from linkstar.packs import AppliesTo, Edge, Template, completed, missing_for

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


def with_tasks(template: Template, **changes: dict[str, object]) -> Template:
    """The template with these fields of these tasks changed."""
    return replace(template, phases=tuple(
        replace(phase, tasks=tuple(replace(task, **changes.get(task.key, {})) for task in phase.tasks))
        for phase in template.phases
    ))  # fmt: skip


def after(template: Template, key: str) -> dict[str, float]:
    return dict(template.tasks[key].after)


def test_completed_electronics_approve_the_size_chart_where_apparel_does():
    whole = completed(ELECTRONICS, ["apparel"], TEMPLATES)
    added = [key for key in whole.tasks if key not in ELECTRONICS.tasks]
    assert added == ["fabric_test", "size_grading", "fit_sample", "size_chart_approval"]
    assert {phase.key for phase in whole.phases for task in phase.tasks if task.key in added} == {"product"}
    approval = whole.tasks["size_chart_approval"]
    assert (approval.title_zh, approval.checklists) == ("尺码表审批", ("apparel_size_chart",))
    assert after(whole, "size_chart_approval") == {"fit_sample": 0}
    for key in ("golden_sample", "po", "listing_final"):
        assert after(whole, key) == {**after(ELECTRONICS, key), "size_chart_approval": 0}
    for key in ("amz_docs_submit", "customs_docs"):
        assert after(whole, key) == {**after(ELECTRONICS, key), "fabric_test": 0}
    linked = {"golden_sample", "po", "listing_final", "amz_docs_submit", "customs_docs"}
    assert {key: task for key, task in whole.tasks.items() if key not in {*added, *linked}} == {
        key: task for key, task in ELECTRONICS.tasks.items() if key not in linked
    }
    assert packs.template_from(packs.document(whole), "whole") == whole


def test_what_fits_is_complete():
    assert completed(ELECTRONICS, ["electronics"], TEMPLATES) is ELECTRONICS
    assert completed(ELECTRONICS, [], TEMPLATES) is ELECTRONICS


def test_a_variant_brings_its_lag_and_the_lists_of_what_is_missing_only():
    own = packs.template_from(packs.self_contained(APPAREL, packs.pack()), "own")
    lists = {each.key: replace(each, authority="Us") for each in own.checklists}
    assert {"apparel_size_chart", "launch_readiness"} <= set(lists)
    own = replace(with_tasks(own, listing_final={"lag": 3}), checklists=tuple(lists.values()))
    whole = completed(ELECTRONICS, ["apparel"], [own])
    assert after(whole, "listing_final")["size_chart_approval"] == 3
    assert after(whole, "listing_final")["images"] == 0
    missing = missing_for(ELECTRONICS, ["apparel"], [own])
    assert {each.key for each in whole.checklists} == {key for task in missing for key in task.checklists}
    ours = replace(ELECTRONICS, checklists=(packs.checklist("apparel_size_chart"),))
    held = {each.key: each.authority for each in completed(ours, ["apparel"], [own]).checklists}
    assert (held["apparel_size_chart"], held["textile_label"]) == (ours.checklists[0].authority, "Us")


def test_a_variant_for_other_categories_has_no_say():
    toys = replace(APPAREL, key="amazon_us_launch_toys", applies_to=AppliesTo(
        categories=("toys",), platforms=("amazon",)
    ), phases=(replace(APPAREL.phases[0], tasks=tuple(APPAREL.tasks.values())),))  # fmt: skip
    assert completed(ELECTRONICS, ["apparel"], [toys, *TEMPLATES]) == completed(ELECTRONICS, ["apparel"], TEMPLATES)


def test_a_phase_that_is_not_here_is_the_first_one():
    elsewhere = replace(APPAREL, phases=tuple(
        replace(phase, key="fitting" if phase.key == "product" else phase.key) for phase in APPAREL.phases
    ))  # fmt: skip
    whole = completed(ELECTRONICS, ["apparel"], [elsewhere])
    assert [task.key for task in whole.phases[0].tasks][-1] == "size_chart_approval"
    assert [task.key for task in whole.phases[1].tasks] == [task.key for task in ELECTRONICS.phases[1].tasks]


def test_where_an_order_would_be_a_circle_the_tasks_come_without_it():
    first = ELECTRONICS.phases[0].tasks[0].key
    circle = with_tasks(APPAREL, **{first: {"depends_on": (Edge(task="size_chart_approval", lag=0),)}})
    whole = completed(ELECTRONICS, ["apparel"], [circle])
    assert "size_chart_approval" in whole.tasks
    assert all(whole.tasks[key] == task for key, task in ELECTRONICS.tasks.items())
    packs.template_from(packs.document(whole), "whole")


def test_a_gate_counts_when_a_circle_is_looked_for():
    gated = replace(ELECTRONICS, phases=tuple(
        replace(phase, waits_for=("initiation",) if phase.key == "product" else ()) for phase in ELECTRONICS.phases
    ))  # fmt: skip
    blocking = next(task.key for task in gated.phases[0].tasks if task.blocking)
    chart = (Edge(task="size_chart_approval", lag=0),)
    circle = with_tasks(APPAREL, **{"size_grading": {"depends_on": ()}, blocking: {"depends_on": chart}})
    assert "size_chart_approval" in after(completed(ELECTRONICS, ["apparel"], [circle]), blocking)
    whole = completed(gated, ["apparel"], [circle])
    assert whole.tasks[blocking] == gated.tasks[blocking]
    packs.template_from(packs.document(whole), "whole")
