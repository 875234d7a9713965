from typing import Any

from flask import Blueprint, request
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.plan import DelayForm
from linkstar.i18n import _
from linkstar.models import DayPassed, NotAllowed, Plan, Task
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.what_if import WhatIf
from linkstar.views import access, answers
from linkstar.views.tasks.dates import moved

blueprint = Blueprint("delay", __name__, url_prefix="/delay")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    """What if it is late by so many days? Nothing is written."""
    task = access.get_task(task_id, "edit")
    asked = "days" in request.args
    form = DelayForm(request.args if asked else None)
    if not asked:
        form.days.data = 5
    if trouble := _trouble(task):
        form.days.errors = [trouble]
        return _dialog(task, form, 422)
    if asked and not form.validate():
        return _dialog(task, form, 422)
    try:
        what_if = WhatIf(Plan(task.project).late_by(task, form.days.data or 1), current_user)
    except OutOfRange:
        form.days.errors = [_("The plan would run past the year 2100.")]
        return _dialog(task, form, 422)
    return _dialog(task, form, 200, what_if)


@blueprint.post("")
def create(task_id: int) -> Any:
    """Adopts exactly what was shown, as one change."""
    task = access.get_task(task_id, "edit")
    form = DelayForm()
    if trouble := _trouble(task):
        form.days.errors = [trouble]
        return _dialog(task, form, 422)
    if not form.validate():
        return _dialog(task, form, 422)
    try:
        replan = Plan(task.project, lock=True).late_by(task, form.days.data or 1)
    except OutOfRange:
        form.days.errors = [_("The plan would run past the year 2100.")]
        return _dialog(task, form, 422)
    what_if = WhatIf(replan, current_user)
    if form.seen.data != replan.fingerprint:
        return _dialog(task, form, 409, what_if)
    if not what_if.may_push:
        raise NotAllowed("edit")
    try:
        change = replan.apply(by=current_user)
    except DayPassed:
        db.session.rollback()
        form.days.errors = [_("It would end on a day that has passed. Write more days.")]
        return _dialog(access.get_task(task_id, "edit"), form, 422)
    commit()
    return moved(task, replan, change)


def _trouble(task: Task) -> str | None:
    if task.completed_at:
        return _("It is finished, so it cannot be late any more.")
    return None if task.due_on else _("It has no date yet, so it cannot be late.")


def _dialog(task: Task, form: DelayForm, status: int, what_if: WhatIf | None = None) -> Any:
    return answers.dialog(
        "tasks/delay/_form.html", "layouts/alone.html", status, task=task, form=form, preview=what_if,
        project=task.project, stale=status == 409,
    )  # fmt: skip
