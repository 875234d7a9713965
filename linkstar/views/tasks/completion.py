from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.i18n import _
from linkstar.models import MoveRefused, Stage, Task
from linkstar.views import access, answers
from linkstar.views.tasks.moves import refused

blueprint = Blueprint("completion", __name__, url_prefix="/completion")


@blueprint.put("")
def update(task_id: int) -> Any:
    """Done: the task goes to the project's first stage of kind done."""
    return _move(task_id, ("done",), _("Done"))


@blueprint.delete("")
def destroy(task_id: int) -> Any:
    """Not done after all: back to work, or to the backlog where no stage is for work."""
    return _move(task_id, ("active", "backlog"), _("Open again"))


def _move(task_id: int, kinds: tuple[str, ...], said: str) -> Any:
    task = access.get_task(task_id, "move")
    stage = _stage(task, kinds)
    try:
        change = task.move_to(by=current_user, to={"stage": stage})
    except MoveRefused:
        db.session.rollback()
        return refused(access.get_task(task_id, "move"), {"stage_id": str(stage.id)})
    commit()
    return answers.changed(
        task.project, [task], said, change=change, task=task, back=url_for("tasks.show", task_id=task.id)
    )


def _stage(task: Task, kinds: tuple[str, ...]) -> Stage:
    """The first stage of the wanted kind; where the task stands already, if that is of the kind."""
    stages = [stage for kind in kinds for stage in task.project.stages if stage.kind == kind]
    return task.stage if task.stage in stages or not stages else stages[0]
