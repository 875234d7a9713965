from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit, db, record_id
from linkstar.forms.task import QuickTaskForm, TaskForm
from linkstar.i18n import _, language
from linkstar.models import PLATFORMS, Label, MoveRefused, NotAllowed, Project, Task, User
from linkstar.models.audit_event import new_change
from linkstar.reports.obstacles import Obstacles
from linkstar.views import access, answers
from linkstar.views.overloads import question

blueprint = Blueprint("tasks", __name__, url_prefix="/projects/<id:project_id>/tasks")

PLACES = ("stage_id", "phase_id")


@blueprint.get("/new")
def new(project_id: int) -> Any:
    project = access.get_project(project_id, "create")
    form = TaskForm(formdata=None, owner_id=current_user.id, source_language=language(), priority="medium")
    return answers.dialog(
        "tasks/_new.html", "layouts/alone.html", project=project, form=form.offer(project, current_user, current_user)
    )


@blueprint.post("")
def create(project_id: int) -> Any:
    """Adds a task: one line at the foot of a column, or the whole form."""
    project = access.get_project(project_id, "create")
    return _create_quickly(project) if "title" in request.form else _create_fully(project)


def _create_quickly(project: Project) -> Any:
    form = QuickTaskForm()
    stage = _pick(project.stages, form.stage_id.data) or project.stages[0]
    phase = _pick(project.phases, form.phase_id.data)
    column = {"stage_id": form.stage_id.data, "phase_id": form.phase_id.data, "begun": stage.kind != "backlog"}
    passed = form.validate()
    if (form.stage_id.data and stage.id != form.stage_id.data) or (form.phase_id.data and phase is None):
        passed = False
        form.title.errors = [*form.title.errors, _("This column is not there any more. Load the page again.")]
    if passed and stage.kind != "backlog" and not form.due_on.data:
        passed = False
        form.due_on.errors = [_("A task that has begun needs its due day.")]
    owner = current_user._get_current_object()
    if form.owner_id.raw_data:
        owner = _pick(project.people_for(current_user), form.owner_id.data)
    if owner is None or form.platform.data not in (None, *PLATFORMS):
        passed = False
        form.title.errors = [*form.title.errors, _("That is not one of the choices any more. Choose again.")]
    if not passed:
        return render_template("projects/tasks/_quick.html", project=project, form=form, opened=True, **column), 422
    here = "".join(f":has([name={name}][value='{column[name]}'])" for name in PLACES if column[name])
    if asked := question(project, owner, {"due_on": form.due_on.data}, target=f"form.quick-form{here}"):
        return asked
    change = new_change()
    try:
        task = Task.create(
            project, by=current_user, change=change, owner=owner, stage=stage, phase=phase, due_on=form.due_on.data,
            platform=form.platform.data,
            source_language=language(), parent=_parent(project), **{f"title_{language()}": form.title.data},
        )  # fmt: skip
    except MoveRefused as refusal:
        db.session.rollback()
        form.title.errors = [*form.title.errors, *_sentences(refusal)]
        return render_template("projects/tasks/_quick.html", project=project, form=form, opened=True, **column), 422
    commit()
    empty = QuickTaskForm(formdata=None)
    return answers.changed(
        project, [task], _("Added “%(title)s”", title=form.title.data), change=change,
        also="projects/tasks/_added.html", form=empty, opened=True, **column,
    )  # fmt: skip


def _create_fully(project: Project) -> Any:
    form = TaskForm().offer(project, current_user, current_user)
    if not form.validate():
        return answers.dialog("tasks/_new.html", "layouts/alone.html", 422, project=project, form=form)
    owner = db.session.get_one(User, form.owner_id.data)
    values = {name: value for name, value in form.values().items() if name != "owner_id"}
    if asked := question(project, owner, values, draft=f"new-task-{project.id}"):
        return asked
    parent, change = _parent(project), new_change()
    try:
        task = Task.create(
            project, by=current_user, change=change, owner=owner, stage=project.stages[0], parent=parent,
            labels=Label.named(project.workspace_id, form.label_names()), **values,
        )  # fmt: skip
    except MoveRefused as refusal:
        db.session.rollback()
        form.phase_id.errors = [*form.phase_id.errors, *_sentences(refusal)]
        return answers.dialog("tasks/_new.html", "layouts/alone.html", 422, project=project, form=form)
    commit()
    return answers.changed(
        project, [task], _("Added “%(title)s”", title=task.title_zh or task.title_en), change=change,
        also="layouts/_no_dialog.html", back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _sentences(refusal: MoveRefused) -> list[str]:
    """What holds back a task that is only being made."""
    return Obstacles(refusal.task, refusal.stage, refusal.phase, current_user, refusal.holds).sentences


def _parent(project: Project) -> Task | None:
    if not request.form.get("parent_id"):
        return None
    parent = access.get_task(record_id(request.form["parent_id"]) or 0, "edit")
    if parent.project_id != project.id:
        raise NotAllowed("edit")
    return parent


def _pick(records: list[Any], record_id: int | None) -> Any:
    return next((record for record in records if record.id == record_id), None)
