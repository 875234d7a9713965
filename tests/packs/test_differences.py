import copy
from typing import Any

import pytest

from linkstar import packs
from linkstar.packs import Change


@pytest.fixture
def document(walks: str) -> dict[str, Any]:
    """The walk as a document, with its lists inside."""
    pack = packs.parse(walks, "walks.yaml")
    return packs.self_contained(pack.template("walk"), pack)


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (each.kind, each.what, each.key, each.field, each.before, each.after) for each in packs.difference(old, new)
    ]


def test_a_template_does_not_differ_from_itself(document):
    assert packs.difference(document, copy.deepcopy(document)) == []
    for template in packs.pack().templates:
        assert packs.difference(template, packs.document(template)) == []


def test_a_changed_task_tells_the_field_with_both_values(document):
    new = copy.deepcopy(document)
    new["phases"][0]["tasks"][0] |= {"duration": 2, "note_en": "Boots"}
    [duration, note] = packs.difference(document, new)
    assert duration == Change(
        kind="changed", what="task", key="dress", name_zh="穿鞋", name_en="Put shoes on",
        field="duration", before=0.5, after=2,
    )  # fmt: skip
    assert (note.field, note.before, note.after) == ("note_en", None, "Boots")


def test_an_added_task_comes_with_its_dependencies(document):
    new = copy.deepcopy(document)
    hat = {"key": "hat", "title_zh": "戴帽", "title_en": "Hat on", "role": "ops"}
    hat |= {"duration": 0, "depends_on": ["dress"], "blocking": False}
    new["phases"][0]["tasks"].append(hat)
    new["phases"][1]["tasks"][0]["depends_on"].append("hat")
    assert changes(document, new) == [
        ("added", "task", "hat", None, None, None),
        ("added", "dependency", "dress → hat", "lag", None, 0),
        ("added", "dependency", "hat → out", "lag", None, -0.5),
    ]
    assert {each[:3] for each in changes(new, document)} == {
        ("removed", "task", "hat"),
        ("removed", "dependency", "hat → out"),
        ("removed", "dependency", "dress → hat"),
    }
    assert packs.difference(document, new)[2].name_zh == "戴帽 → 出门"


def test_a_lag_is_told_at_its_dependency_however_it_is_written(document):
    new = copy.deepcopy(document)
    out = new["phases"][1]["tasks"][0]
    out |= {"depends_on": ["dress", {"task": "plan", "lag": -0.5}], "lag": 2}
    assert changes(document, new) == [("changed", "dependency", "dress → out", "lag", 1, 2)]


def test_phases_stages_lists_and_items_are_told(document):
    new = copy.deepcopy(document)
    new["phases"][0]["name_en"] = "First"
    new["phases"][1]["tasks"] += new["phases"][0]["tasks"][1:]
    del new["phases"][0]["tasks"][1:]
    new["stages"] = [{"key": "todo", "name_zh": "待办", "name_en": "To do", "kind": "backlog"}]
    new["checklists"][0]["items"][1]["level"] = "required"
    del new["checklists"][0]["items"][0]
    del new["checklists"][1]
    assert changes(document, new) == [
        ("changed", "phase", "before", "name_en", "Before", "First"),
        ("changed", "task", "plan", "phase", "before", "after"),
        ("added", "stage", "todo", None, None, None),
        ("removed", "checklist", "prop65", None, None, None),
        ("removed", "item", "shoes.laces", None, None, None),
        ("changed", "item", "shoes.soles", "level", "advisory", "required"),
    ]


def test_what_follows_from_other_changes_is_not_told(document):
    """An offset is computed unless the start is fixed."""
    new = copy.deepcopy(document)
    new["total_before_anchor"] = 9
    new["phases"][0]["tasks"][0]["offset"] = -7
    new["phases"][0]["tasks"][1]["offset"] = -3
    assert changes(document, new) == [("changed", "task", "plan", "offset", -2, -3)]


def test_a_newer_pack_tells_what_it_would_change(walks):
    old = packs.parse(walks, "walks.yaml")
    newer = walks.replace('version: "1"', 'version: "2"').replace("duration: 1,", "duration: 3,")
    newer = newer.replace("level: advisory", "level: required").replace("- key: walk\n", "- key: walk\n", 1)
    newer += newer[newer.index("- key: walk\n") :].replace("key: walk\n", "key: run\n").replace("散步", "跑步")
    new = packs.parse(newer, "walks.yaml")
    told = packs.pack_difference(packs.pack_document(old), packs.pack_document(new))
    assert [(each.kind, each.what, each.key, each.field, each.before, each.after) for each in told] == [
        ("changed", "pack", "walks", "version", "1", "2"),
        ("changed", "task", "walk.plan", "duration", 1, 3),
        ("added", "template", "run", None, None, None),
        ("changed", "item", "shoes.soles", "level", "advisory", "required"),
    ]
    assert told[2].name_zh == "跑步"
    assert packs.pack_difference(packs.pack_document(old), packs.pack_document(old)) == []
