"""Asks once more before somebody is given more work than fits into the days."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_login import current_user

from linkstar.models import Project, Task, User
from linkstar.reports.overload import Overload
from linkstar.views import answers

ANSWERED = ("csrf_token", "overload", "owner_id")  # what the dialog says itself; all else is kept as it was typed


def taker(task: Task) -> User:
    """Who owns the task when the question is answered: somebody else where it was given away instead."""
    wanted = request.form.get("owner_id", task.owner_id, type=int)
    if wanted == task.owner_id:
        return task.owner
    return next((person for person in task.project.people_for(current_user) if person.id == wanted), task.owner)


def question(
    project: Project, owner: User, values: Mapping[str, Any], task: Task | None = None, *, target: str = "",
    draft: str = "",
) -> Any:  # fmt: skip
    """The dialog that asks; nothing where there is nothing to ask, or where it was answered for this owner.
    The answer is sent to the same address, and what that draws goes to `target`; `draft` is what
    the form that asks is kept as on the device, until all of it has arrived."""
    if request.form.get("overload", type=int) == owner.id:
        return None
    overload = Overload.of(project, owner, values, current_user, task)
    if overload is None:
        return None
    typed = [pair for pair in request.form.items(multi=True) if pair[0] not in ANSWERED]
    return answers.dialog(
        "workload/_question.html", "layouts/alone.html", 422, overload=overload, project=project, task=task,
        typed=typed, target=target, draft=draft,
    )  # fmt: skip
