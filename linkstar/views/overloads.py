"""Asks once more before somebody is given more work than fits into the days."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_login import current_user

from linkstar.models import Project, Task, User
from linkstar.reports.overload import Overload
from linkstar.views import answers

ANSWERED = ("csrf_token", "overload", "owner_id")  # what the dialog says itself; all else is kept as it was typed


def question(
    project: Project, owner: User, values: Mapping[str, Any], task: Task | None = None, *, target: str = ""
) -> Any:
    """The dialog that asks; nothing where there is nothing to ask, or where it was answered for this owner.
    The answer is sent to the same address, and what that draws goes to `target`."""
    if request.form.get("overload", type=int) == owner.id:
        return None
    overload = Overload.of(project, owner, values, current_user, task)
    if overload is None:
        return None
    typed = [pair for pair in request.form.items(multi=True) if pair[0] not in ANSWERED]
    return answers.dialog(
        "workload/_question.html", "layouts/alone.html", 422, overload=overload, project=project, task=task,
        typed=typed, target=target,
    )  # fmt: skip
