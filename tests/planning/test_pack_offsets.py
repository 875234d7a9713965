"""The pack says where each of its 409 tasks starts; the scheduler must come to the same."""

from typing import Any

import pytest
import yaml

from linkstar import packs
from linkstar.planning.schedule import Step, offsets

with (packs.FOLDER / packs.TEMPLATES).open("rb") as file:
    TEMPLATES: list[dict[str, Any]] = yaml.load(file, yaml.CSafeLoader)["templates"]


def tasks_of(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [task for phase in template["phases"] for task in phase["tasks"]]


def step(task: dict[str, Any]) -> Step[str]:
    return Step(
        key=task["key"],
        duration=task["duration"],
        after=tuple((predecessor, task.get("lag", 0)) for predecessor in task["depends_on"]),
        start=task.get("start"),
        offset=task["offset"] if task.get("start") == "fixed" else 0,
    )


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template["key"])
def test_each_task_starts_where_the_pack_says(template):
    tasks = tasks_of(template)
    assert offsets(map(step, tasks), template["anchor"]["task"]) == {task["key"]: task["offset"] for task in tasks}


def test_these_are_all_409_of_them():
    assert sum(len(tasks_of(template)) for template in TEMPLATES) == 409
