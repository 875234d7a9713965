from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.plan import Answered, DatesForm, TimesForm
from linkstar.i18n import _, ngettext
from linkstar.models import DayPassed, NotAllowed, Plan, Replan, Task
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.preview import Preview
from linkstar.views import access, answers

blueprint = Blueprint("dates", __name__, url_prefix="/dates")


@blueprint.get("/edit")
def edit(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    return _dialog(task, _form(task, formdata=None, obj=task))


@blueprint.post("")
def update(task_id: int) -> Any:
    """First what the new dates push, where they push anything; then, when that is answered, one change."""
    task = access.get_task(task_id, "edit")
    form = _form(task)
    if not form.validate():
        return _dialog(task, form, 422)
    try:
        replan = form.replan(Plan(task.project, lock=True), task)
    except OutOfRange:
        form.due_on.errors = [_("Choose a day between 2000 and 2100.")]
        return _dialog(task, form, 422)
    preview = Preview(replan, current_user)
    if preview.asks and form.confirms is None:
        return _dialog(task, form, 422, preview)
    if preview.asks and form.seen.data != replan.fingerprint:
        return _dialog(task, form, 409, preview)
    others = form.confirms == "others"
    if others and not preview.may_push:
        raise NotAllowed("edit")
    try:
        change = replan.apply(by=current_user, others=others) if replan.shifts else None
    except DayPassed:
        db.session.rollback()
        form.start_on.errors = [_("This day has passed. Choose today or a later one.")]
        return _dialog(access.get_task(task_id, "edit"), form, 422)
    change = task.edit({"locked": form.locked.data}, by=current_user, change=change) or change
    commit()
    return moved(task, replan, change, others=others)


def moved(task: Task, replan: Replan, change: str | None, *, others: bool = True) -> Any:
    """The answer after a task's dates have changed, and those of others with it."""
    tasks = list({task, *(shift.task for shift in replan.shifts if others)})
    count = len(tasks)
    said = ngettext("%(num)s task moved", "%(num)s tasks moved", count) if others and count > 1 else _("Saved")
    return answers.changed(
        task.project, tasks, said, change=change, also="layouts/_no_dialog.html", task=task,
        back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _form(task: Task, **given: Any) -> Answered:
    hours = task.project.unit == "hour" and task.start_at and task.due_at
    return TimesForm(**given) if hours else DatesForm(**given)


def _dialog(task: Task, form: Answered, status: int = 200, preview: Preview | None = None) -> Any:
    return answers.dialog(
        "tasks/dates/_form.html", "layouts/alone.html", status, task=task, form=form, preview=preview,
        project=task.project, stale=status == 409,
    )  # fmt: skip
