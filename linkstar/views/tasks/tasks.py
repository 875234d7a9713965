from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, make_response, render_template, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.approval import RequestForm
from linkstar.forms.task import TaskForm, fill
from linkstar.i18n import _
from linkstar.models import (
    Approval,
    DayPassed,
    DeleteTask,
    Label,
    MoveRefused,
    NotAllowed,
    Plan,
    Replan,
    StaleVersion,
    Task,
    User,
)
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.merge import Merge
from linkstar.reports.obstacles import Obstacles
from linkstar.reports.panel import Panel
from linkstar.reports.preview import Preview
from linkstar.views import access, answers
from linkstar.views.overloads import question
from linkstar.views.tasks.moves import refused_as
from linkstar.views.tasks.trashing import request_dialog

blueprint = Blueprint("tasks", __name__, url_prefix="/tasks/<id:task_id>")


@blueprint.get("")
def show(task_id: int) -> Any:
    """The task: a page of its own, or for htmx the panel beside a board."""
    task = access.get_task(task_id)
    template = "tasks/_panel.html" if request.htmx else "tasks/show.html"  # type: ignore[attr-defined]
    return render_template(template, panel=Panel(task, current_user), task=task)


@blueprint.get("/edit")
def edit(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    form = TaskForm(formdata=None, data=fill(task)).offer(task.project, task.owner, current_user)
    return _form(task, form)


@blueprint.post("")
def update(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    form = TaskForm(data=fill(task) | {"version": None}).offer(task.project, task.owner, current_user)
    if not form.validate():
        return _form(task, form, 422)
    if form.version.data is None:
        form.version.errors = [_("This page had become too old")]
        return _form(task, form, 422)
    owner = db.session.get_one(User, form.owner_id.data)
    if form.version.data == task.version and (
        asked := question(
            task.project, owner, form.values(), task, target="#task-panel", draft=f"task-{task.id}-{task.version}"
        )
    ):
        return asked
    pushes = _pushed(task, form)
    answer = request.form.get("answer")
    if pushes and (answer not in ("others", "only") or request.form.get("seen") != pushes.fingerprint):
        return _question(task, pushes, 409 if answer else 422)
    labels = Label.named(task.workspace_id, form.label_names()) if form.labels_came() else None
    try:
        change = task.edit(form.values(), by=current_user, version=form.version.data, labels=labels)
        if pushes and answer == "others":
            _push(pushes, change)
    except StaleVersion as stale:
        db.session.rollback()
        return _merge(access.get_task(task_id, "edit"), form, stale.seen)
    except DayPassed:
        db.session.rollback()
        field = form.start_on if form.start_on.data else form.due_on
        field.errors = [_("This day has passed. Choose today or a later one.")]
        return _form(access.get_task(task_id, "edit"), form, 422)
    except MoveRefused as refusal:
        db.session.rollback()
        return _refused(access.get_task(task_id, "edit"), form, refusal)
    commit()
    return answers.changed(
        task.project, [task, *(shift.task for shift in pushes.others)] if pushes else [task], _("Saved"),
        change=change, back=url_for("tasks.show", task_id=task.id), also="tasks/dates/_saved.html",
        panel=Panel(task, current_user), task=task,
    )  # fmt: skip


@blueprint.post("/trashing")
def destroy(task_id: int) -> Any:
    """Into the trash, from where it comes back with everything attached. Who may not do that alone asks for it, and
    nothing is deleted."""
    task = access.get_task(task_id)
    if not task.may_be_trashed_by(current_user):
        return _asked(task)
    project = task.project
    change = task.trash(by=current_user)
    commit()
    known = project.known_to(current_user)
    board = url_for("projects.board.show", project_id=project.id) if known else url_for("my_work.show")
    said = _("Moved to the trash")
    if urlsplit(request.htmx.current_url or "").path == url_for("tasks.show", task_id=task_id):  # type: ignore[attr-defined]
        session["toast"] = {"message": said, "change": change}
        return answers.leave(board)  # the page that the reader is on is gone with the task
    return answers.changed(project, [task], said, change=change, back=board, also="tasks/_no_panel.html")


def _asked(task: Task) -> Any:
    operation = DeleteTask.of(task)
    if not operation.may_be_asked_by(current_user):
        raise NotAllowed("delete")
    form = RequestForm()
    if not form.validate():
        return request_dialog(task, form, 422)
    Approval.ask(operation, by=current_user, reason=form.reason.data)
    commit()
    return answers.changed(
        task.project,
        [task],
        _("Asked for deletion. Nothing is deleted yet."),
        also="layouts/_no_dialog.html",
        back=url_for("tasks.show", task_id=task.id),
    )


def _pushed(task: Task, form: TaskForm) -> Replan | None:
    """What the typed dates push, where they are new and push anything."""
    values = form.values()
    start, due = (values.get(name, getattr(task, name)) for name in ("start_on", "due_on"))
    same = (start, due) == (task.start_on, task.due_on)
    if due is None or same or task.project.unit == "hour" or form.version.data != task.version:
        return None
    try:
        replan = Plan(task.project, lock=True).with_dates(task, start or due, due)
    except OutOfRange:
        return None
    return replan if replan.others else None


def _push(replan: Replan, change: str | None) -> None:
    if not all(project.allows(current_user, "edit") for project in replan.projects):
        raise NotAllowed("edit")
    replan.apply(by=current_user, change=change)


def _question(task: Task, replan: Replan, status: int) -> Any:
    """Nothing is saved yet: the dialog shows what the dates push, and keeps what was typed."""
    typed = [pair for pair in request.form.items(multi=True) if pair[0] not in ("csrf_token", "answer", "seen")]
    return answers.dialog(
        "tasks/dates/_question.html", "layouts/alone.html", status, task=task, project=task.project, typed=typed,
        preview=Preview(replan, current_user), stale=status == 409,
    )  # fmt: skip


def _refused(task: Task, form: TaskForm, refusal: MoveRefused) -> Any:
    """Above the form, which keeps what was typed, the dialog of what holds the task; without htmx its sentences."""
    obstacles = Obstacles(task, refusal.stage, refusal.phase, current_user, refusal.holds)
    if obstacles.only_due_on:
        form.due_on.errors = [*form.due_on.errors, *obstacles.sentences]
    elif request.htmx and task.allows(current_user, "move"):  # type: ignore[attr-defined]
        return refused_as(refusal)
    else:
        form.phase_id.errors = [*form.phase_id.errors, *obstacles.sentences]
    return _form(task, form, 422)


def _form(task: Task, form: TaskForm, status: int = 200) -> Any:
    template = "tasks/_edit.html" if request.htmx else "tasks/edit.html"  # type: ignore[attr-defined]
    drawn = render_template(template, task=task, form=form, panel=Panel(task, current_user))
    return make_response(drawn, status, {"HX-Retarget": f"#doc-{task.id}"})


def _merge(task: Task, form: TaskForm, seen: int) -> Any:
    """409: both texts side by side, what was typed kept, and a form that knows the newest version."""
    merge = Merge(task, form, seen)
    template = "tasks/_merge.html" if request.htmx else "tasks/merge.html"  # type: ignore[attr-defined]
    drawn = render_template(template, task=task, form=form, merge=merge, panel=Panel(task, current_user))
    return make_response(drawn, 409, {"HX-Retarget": f"#doc-{task.id}"})
