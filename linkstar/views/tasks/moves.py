from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.move import MoveForm
from linkstar.i18n import _, both
from linkstar.models import MoveRefused, NotAllowed, StaleVersion, Task
from linkstar.views import access, answers

blueprint = Blueprint("moves", __name__, url_prefix="/moves")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    """All that dragging does, and more: stages, phases, up and down, owner, date."""
    return _dialog(access.get_task(task_id, "move"), MoveForm(formdata=None))


@blueprint.post("")
def create(task_id: int) -> Any:
    task = access.get_task(task_id, "move")
    form = MoveForm()
    passed = form.validate()
    to = form.target(task.project, current_user)
    if not passed or form.errors:
        return _dialog(task, form, 422)
    if ({"owner", "platform"} & to.keys() or form.due_on.data) and not task.allows(current_user, "edit"):
        raise NotAllowed("edit")
    if form.due_on.data and task.start_on and form.due_on.data < task.start_on:
        form.due_on.errors = [_("The due date is before the start date.")]
        return _dialog(task, form, 422)
    left = task.stage_id
    try:
        change = _move(task, form, to)
    except StaleVersion:
        db.session.rollback()
        form.version.errors = [_("Someone changed the owner or the date first. Look again, then move it.")]
        return _dialog(access.get_task(task_id, "move"), form, 409)
    except MoveRefused:
        db.session.rollback()
        return refused(task_id, form)
    commit()
    return answers.changed(
        task.project, [task], _said(task, left), change=change, also="layouts/_no_dialog.html", task=task,
        back=_home(task),
    )  # fmt: skip


def refused(task_id: int, form: MoveForm) -> Any:
    """The move did not happen: the dialog says what is missing and takes it at once."""
    form.due_on.errors = [_("A task that has begun needs its due day. Choose one and it moves.")]
    return _dialog(access.get_task(task_id, "move"), form, 422)


def _move(task: Task, form: MoveForm, to: dict[str, Any]) -> str:
    """Owner and date from the dialog are an edit of the version that the dialog showed, in the same change."""
    edits: dict[str, Any] = {"due_on": form.due_on.data} if form.due_on.data else {}
    if form.version.data is not None and "owner" in to:
        edits["owner_id"] = to.pop("owner").id
    edits = {name: value for name, value in edits.items() if getattr(task, name) != value}
    change = task.edit(edits, by=current_user, version=form.version.data) if edits else None
    return task.move_to(
        by=current_user, to=to, before=form.before_id.data, after=form.after_id.data, place=form.place.data,
        change=change,
    )  # fmt: skip


def _home(task: Task) -> str:
    if task.project.known_to(current_user):
        return url_for("projects.board.show", project_id=task.project_id)
    return url_for("tasks.show", task_id=task.id)


def _said(task: Task, left: int) -> str:
    if task.stage_id != left:
        return _("Moved to “%(stage)s”", stage=both(task.stage, "name"))
    return _("Moved")


def _dialog(task: Task, form: MoveForm, status: int = 200) -> Any:
    return answers.dialog(
        "tasks/moves/_form.html", "layouts/alone.html", status, task=task, form=form, project=task.project,
        people=task.project.people_for(current_user),
    )  # fmt: skip
