from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from linkstar.extensions import commit, db, record_id
from linkstar.forms.move import MoveForm
from linkstar.i18n import _, both
from linkstar.models import MoveRefused, NotAllowed, Project, StaleVersion, Task
from linkstar.reports.obstacles import Obstacles
from linkstar.views import access, answers
from linkstar.views.admission import own_path
from linkstar.views.overloads import question

blueprint = Blueprint("moves", __name__, url_prefix="/moves")

MOVE = ("stage_id", "phase_id", "owner_id", "platform", "before_id", "after_id", "place", "due_on", "version")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    """All that dragging does, and more: stages, phases, up and down, owner, date. With an owner alone, that one is
    chosen already; with the target of a move that was refused: what still holds it."""
    task = access.get_task(task_id, "move")
    move = {name: value for name, value in request.args.items() if name in MOVE}
    if move.keys() - {"owner_id"}:
        return refused(task, move, 200)
    form = MoveForm(MultiDict(move))
    form.target(task.project, current_user)
    return _dialog(task, MoveForm(formdata=None) if form.errors else form)


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
    dates = {"due_on": form.due_on.data} if form.due_on.data else {}
    if ("owner" in to or dates) and (asked := question(task.project, to.get("owner", task.owner), dates, task)):
        return asked
    left = task.stage_id
    try:
        change = _move(task, form, to)
    except StaleVersion:
        db.session.rollback()
        form.version.errors = [_("Someone changed the owner or the date first. Look again, then move it.")]
        return _dialog(access.get_task(task_id, "move"), form, 409)
    except MoveRefused:
        db.session.rollback()
        return refused(access.get_task(task_id, "move"), _sent(form))
    commit()
    return answers.changed(
        task.project, [task], _said(task, left), change=change, also="layouts/_no_dialog.html", task=task,
        back=_home(task),
    )  # fmt: skip


def refused(task: Task, move: dict[str, str], status: int = 422) -> Any:
    """The move did not happen: the dialog says what is missing, takes it at once, and repeats the move."""
    context = refusal(task, move)
    return answers.dialog(context.pop("fragment"), "layouts/alone.html", status, **context)


def refused_as(refusal: MoveRefused) -> Any:
    """The same for a refusal that another way than a move has met."""
    task = access.get_task(refusal.task.id, "move")
    move = {"stage_id": str(refusal.stage.id)} if refusal.stage.id != task.stage_id else {}
    if refusal.phase and refusal.phase.id != task.phase_id:
        move["phase_id"] = str(refusal.phase.id)
    return refused(task, move)


def refusal(task: Task, move: dict[str, str], **context: Any) -> dict[str, Any]:
    """What the dialog of a refused move is drawn from."""
    form = MoveForm(MultiDict(move))
    to = form.target(task.project, current_user)
    obstacles = Obstacles(task, to.get("stage", task.stage), to.get("phase", task.phase), current_user)
    query: dict[str, Any] = dict(move)
    back = url_for("tasks.moves.new", task_id=task.id, **query)
    return {
        "fragment": "tasks/moves/_refused.html", "task": task, "project": task.project, "form": form, "move": move,
        "obstacles": obstacles, "back": back, **context,
    }  # fmt: skip


def held_back() -> tuple[Task, dict[str, str]] | None:
    """The refused move in whose dialog a form stood, by the address that the form leads back to."""
    address = urlsplit(own_path(request.form.get("back")) or "")
    first, last = "/tasks/", "/moves/new"
    if not (request.htmx and address.path.startswith(first) and address.path.endswith(last)):  # type: ignore[attr-defined]
        return None
    task_id = record_id(address.path[len(first) : -len(last)])
    move = {name: value for name, value in parse_qsl(address.query, keep_blank_values=True) if name in MOVE}
    return (access.get_task(task_id, "move"), move) if task_id is not None and move else None


def given(project: Project, tasks: list[Task], said: str, *, also: str, back: str, **context: Any) -> Any:
    """After something was ticked, handed in or asked for: the dialog of the move that waits for it, drawn again with
    what is left; or the place where the form stood."""
    if waiting := held_back():
        drawn = refusal(*waiting)
        held = waiting[0]
        return answers.changed(drawn.pop("project"), [held, *tasks], said, also="layouts/dialog.html", **drawn)
    back = own_path(request.form.get("back")) or back
    return answers.changed(project, tasks, said, also=also, back=back, **context)


def not_taken(**context: Any) -> Any:
    """What was given in the dialog of a refused move is not taken: the dialog with what is wrong with it."""
    if waiting := held_back():
        context = refusal(*waiting, **context)
        return answers.dialog(context.pop("fragment"), "layouts/alone.html", 422, **context)
    return None


def _sent(form: MoveForm) -> dict[str, str]:
    return {name: form[name].raw_data[0] for name in MOVE if form[name].raw_data}


def _move(task: Task, form: MoveForm, to: dict[str, Any]) -> str:
    """Owner and date from the dialog are an edit of the version that the dialog showed, in the same change."""
    edits: dict[str, Any] = {"due_on": form.due_on.data} if form.due_on.data else {}
    if form.version.data is not None and "owner" in to:
        edits["owner_id"] = to.pop("owner").id
    edits = {name: value for name, value in edits.items() if getattr(task, name) != value}
    change = task.edit(edits, by=current_user, version=form.version.data) if edits else None
    return task.move_to(
        by=current_user, to=to, before=form.before_id.data, after=form.after_id.data, place=form.place.data,
        seen_in=form.from_id.data, change=change,
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
