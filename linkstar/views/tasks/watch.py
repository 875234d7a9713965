from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.models import NotAllowed, Task
from linkstar.reports.panel import Panel
from linkstar.views import access, answers

blueprint = Blueprint("watch", __name__, url_prefix="/watch")


@blueprint.put("")
def update(task_id: int) -> Any:
    task = _task(task_id)
    task.watch(by=current_user)
    commit()
    return _answer(task, _("You watch this task"))


@blueprint.delete("")
def destroy(task_id: int) -> Any:
    task = _task(task_id)
    task.unwatch(by=current_user)
    commit()
    return _answer(task, _("You no longer watch this task"))


def _task(task_id: int) -> Task:
    """Outsiders neither watch nor stop: to take part in a task is what makes it visible to them."""
    task = access.get_task(task_id)
    if not task.seen_whole_by(current_user):
        raise NotAllowed("edit")
    return task


def _answer(task: Task, said: str) -> Any:
    return answers.changed(
        task.project, [task], said, also="tasks/_watch.html", task=task, panel=Panel(task, current_user),
        back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip
