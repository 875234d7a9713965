from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user
from sqlalchemy import or_, select

from linkstar.extensions import commit, db
from linkstar.forms.plan import DependencyForm
from linkstar.i18n import _, both
from linkstar.models import CycleRefused, Dependency, NotAllowed, Project, Task
from linkstar.views import access, answers

blueprint = Blueprint("dependencies", __name__, url_prefix="/dependencies")

OFFERED = 1000


@blueprint.get("/new")
def new(task_id: int) -> Any:
    return _dialog(access.get_task(task_id, "edit"), DependencyForm(formdata=None))


@blueprint.post("")
def create(task_id: int) -> Any:
    """One task waits for another from now on, or with another lag than before."""
    task = access.get_task(task_id, "edit")
    form = DependencyForm()
    other = _other(task, form) if form.validate() else None
    if other is None:
        return _dialog(task, form, 422)
    successor, predecessor = (other, task) if form.direction.data == "after" else (task, other)
    if not successor.allows(current_user, "edit"):
        raise NotAllowed("edit")
    try:
        change = successor.wait_for(predecessor, by=current_user, lag=form.lag.data or 0)
    except CycleRefused as refusal:
        db.session.rollback()
        form.other.errors = [_circle(refusal)]
        return _dialog(access.get_task(task_id, "edit"), form, 422)
    commit()
    let_go = not predecessor.still_blocks or successor.project.allows(current_user, "release")
    return _answer(task, other, _("Added"), change if let_go else None)


@blueprint.post("/removal")
def destroy(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    form = DependencyForm()
    other = _other(task, form)
    link = _between(task, other) if other else None
    if other is None or link is None:
        form.other.errors = [_("These tasks do not wait for each other any more.")]
        return _dialog(task, form, 422)
    successor, predecessor = (task, other) if link.successor_id == task.id else (other, task)
    if not successor.allows(current_user, "edit"):
        raise NotAllowed("edit")
    change = successor.stop_waiting_for(predecessor, by=current_user)
    commit()
    return _answer(task, other, _("Removed"), change)


def _between(task: Task, other: Task) -> Dependency | None:
    """Whichever of the two waits."""
    return db.session.get(Dependency, (task.id, other.id)) or db.session.get(Dependency, (other.id, task.id))


def _here(task: Task) -> Any:
    """What can be linked with the task: what the person sees of its project and of the programme's others."""
    programme = task.project.programme_id
    return Task.visible_to(current_user).where(
        Task.project_id.in_(select(Project.id).where(or_(Project.id == programme, Project.parent_id == programme))),
        Task.id != task.id,
    )


def _other(task: Task, form: DependencyForm) -> Task | None:
    """The task that was picked; what is not there, not seen or of another programme is an error of its field."""
    other = db.session.scalar(_here(task).where(Task.id == form.other_id)) if form.other_id else None
    if other is None:
        elsewhere = form.other_id and db.session.scalar(Task.visible_to(current_user).where(Task.id == form.other_id))
        form.other.errors = [
            _("Tasks wait for each other inside one project or program only.")
            if elsewhere and elsewhere is not task
            else _("Pick another task from the list.")
        ]
    return other


def _circle(refusal: CycleRefused) -> str:
    ids = [task.id for task in refusal.tasks]
    seen = set(db.session.scalars(select(Task.id).where(Task.seen_by(current_user), Task.id.in_(ids))))
    names = [both(task, "title") if task.id in seen else _("a restricted task") for task in refusal.tasks]
    return _("They would wait for each other in a circle: %(circle)s", circle=" → ".join([*names, names[0]]))


def _answer(task: Task, other: Task, said: str, change: str | None) -> Any:
    return answers.changed(
        task.project, [task, other], said, change=change, also="layouts/_no_dialog.html", task=task,
        back=url_for("tasks.show", task_id=task.id, _anchor=f"dependencies-{task.id}"),
    )  # fmt: skip


def _dialog(task: Task, form: DependencyForm, status: int = 200) -> Any:
    query = _here(task).order_by(Task.project_id != task.project_id, Task.project_id, Task.position).limit(OFFERED)
    return answers.dialog(
        "tasks/dependencies/_form.html", "layouts/alone.html", status, task=task, form=form, project=task.project,
        offered=list(db.session.scalars(query)),
    )  # fmt: skip
