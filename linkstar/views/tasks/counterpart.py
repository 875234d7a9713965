from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar.extensions import commit, db
from linkstar.forms.counterpart import CounterpartForm, fill
from linkstar.forms.partner import ENDS_TOO_LATE
from linkstar.i18n import _
from linkstar.models import NotAllowed, Partner, Plan, StaleVersion, Task, User
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.panel import Panel
from linkstar.reports.preview import Preview
from linkstar.views import access, answers

blueprint = Blueprint("counterpart", __name__, url_prefix="/counterpart")


@blueprint.get("/edit")
def edit(task_id: int) -> Any:
    task = _task(task_id)
    return _dialog(task, CounterpartForm(formdata=None, data=fill(task)).offer(task, _partners(task), _people(task)))


@blueprint.post("")
def update(task_id: int) -> Any:
    """Who answers, and what begins later because answers take their time; that is shown first."""
    task = _task(task_id)
    form = CounterpartForm().offer(task, _partners(task), _people(task))
    if not form.validate():
        return _dialog(task, form, 422)
    days, country = task.answer_buffer, task.answered_in
    try:
        change = task.edit(form.values(), by=current_user, version=form.version.data or 0)
    except StaleVersion:
        db.session.rollback()
        form.version.data = None
        form.form_errors.append(_("Someone changed this task first. Look at it again, then save."))
        return _dialog(_task(task_id), form, 409)
    db.session.expire(task, ["partner", "counterpart"])
    slower = task.answer_buffer > days or task.answered_in != country
    try:
        replan = Plan(task.project, lock=True).with_answers([task] if slower else [])
    except OutOfRange:
        form.round_trips.errors = [ENDS_TOO_LATE]
        drawn = _dialog(task, form, 422)
        db.session.rollback()
        return drawn
    preview = Preview(replan, current_user)
    answered = form.confirms and form.seen.data == replan.fingerprint
    if preview.asks and not answered:
        drawn = _dialog(task, form, 409 if form.confirms else 422, preview)
        db.session.rollback()
        return drawn
    moves = replan.others if form.confirms == "others" else []
    if moves:
        if not preview.may_push:
            raise NotAllowed("edit")
        change = replan.apply(by=current_user, change=change)
    commit()
    return answers.changed(
        task.project, [task, *(shift.task for shift in moves)], _("Saved"), change=change,
        also="tasks/dates/_saved.html", task=task, panel=Panel(task, current_user),
        back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _task(task_id: int) -> Task:
    task = access.get_task(task_id, "edit")
    if not task.seen_whole_by(current_user):
        raise NotAllowed("edit")
    return task


def _partners(task: Task) -> list[Partner]:
    here = Partner.workspace_id == task.workspace_id
    return list(db.session.scalars(select(Partner).where(here).order_by(Partner.name)))


def _people(task: Task) -> list[User]:
    """Who sees the task and lives by another clock than its owner."""
    return [
        person
        for person in task.readers()
        if person.timezone != task.owner.timezone or person.id == task.counterpart_id
    ]


def _dialog(task: Task, form: CounterpartForm, status: int = 200, preview: Preview | None = None) -> Any:
    return answers.dialog(
        "tasks/counterpart/_form.html", "layouts/alone.html", status, task=task, project=task.project, form=form,
        preview=preview, stale=preview is not None and status == 409,
    )  # fmt: skip
