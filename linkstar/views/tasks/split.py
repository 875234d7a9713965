from functools import partial
from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar import packs
from linkstar.extensions import commit, db
from linkstar.i18n import _, ngettext
from linkstar.models import AlreadySplit, NotAllowed, Plan, Split, Task
from linkstar.reports.overload import Overload, Wanted
from linkstar.views import access, answers

blueprint = Blueprint("split", __name__, url_prefix="/split")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    """The steps that the task would become."""
    task = _task(task_id)
    trouble, split = _split(task)
    return _dialog(task, split, trouble, 422 if trouble else 200)


@blueprint.post("")
def create(task_id: int) -> Any:
    task = _task(task_id)
    trouble, split = _split(task)
    if split is None:
        return _dialog(task, None, trouble, 422)
    try:
        steps = split.run(by=current_user)
    except AlreadySplit:
        db.session.rollback()
        task = _task(task_id)
        return _dialog(task, None, _split(task)[0], 422)
    commit()
    said = ngettext("Split into %(num)s step", "Split into %(num)s steps", len(steps))
    return answers.changed(
        task.project, [task, *steps], said, also="layouts/_no_dialog.html", task=task,
        back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _task(task_id: int) -> Task:
    task = access.get_task(task_id, "edit")
    if not task.project.allows(current_user, "edit"):
        raise NotAllowed("edit")
    return task


def _split(task: Task) -> tuple[str | None, Split | None]:
    recipe = packs.recipe_for(f"{task.title_zh or ''} {task.title_en or ''}")
    if task.completed_at or Plan.is_anchor(task):
        return _("This task cannot be split: it is finished, or the plan hangs on it."), None
    if Split.is_split(task):
        return _("This task has its steps already."), None
    if recipe is None:
        return _("There is no recipe for a task like this. Add subtasks by hand."), None
    return None, Split(task, recipe)


def _overloads(task: Task, split: Split) -> list[Overload]:
    """Who would have too much to do by the steps, and by what is left of the task itself."""
    project = task.project
    changes = [Wanted(project, task, task.owner, split.left)]
    for step, owner, span in split.rows:
        days = {"start_on": span and span.start, "due_on": span and span.finish}
        changes.append(Wanted(project, None, owner, days | {"duration": step.duration, "waiting": step.waiting}))
    return Overload.of_all(changes, current_user, partial(project.people_for, current_user))


def _dialog(task: Task, split: Split | None, trouble: str | None, status: int) -> Any:
    return answers.dialog(
        "tasks/split/_form.html", "layouts/alone.html", status, task=task, split=split, trouble=trouble,
        project=task.project, overloads=_overloads(task, split) if split else [],
    )  # fmt: skip
