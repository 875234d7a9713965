from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms import FIRST_DAY, LAST_DAY
from linkstar.forms.plan import Answered, DatesForm, TimesForm
from linkstar.i18n import _, ngettext
from linkstar.models import DayPassed, NotAllowed, Plan, Replan, Task, calendars_of
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.calendar_page import day_in
from linkstar.reports.calendar_year import holidays_on
from linkstar.reports.preview import Preview
from linkstar.views import access, answers
from linkstar.views.overloads import question, taker

blueprint = Blueprint("dates", __name__, url_prefix="/dates")

DATES = ("start_on", "due_on", "start_at", "due_at")


@blueprint.get("/edit")
def edit(task_id: int) -> Any:
    """The dialog; while the days are chosen, what is off on the last of them. ?day= is where the task was put on a
    calendar, ?start= and ?due= where on a chart, and what that pushes is said at once."""
    task = access.get_task(task_id, "edit")
    if request.htmx and "due_on" in request.args:  # type: ignore[attr-defined]
        form = _form(task, formdata=request.args)
        return render_template("tasks/dates/_holidays.html", task=task, **_off(task, form))
    form = _form(task, formdata=None, obj=task)
    day = day_in(request.args.get("day", ""))
    if day:
        zone = request.args.get("zone", "")
        form.put_on(day, ZoneInfo(zone if zone in available_timezones() else current_user.timezone), task)
    elif not form.put_between(request.args.get("start", ""), request.args.get("due", "")):
        return _dialog(task, form)
    try:
        preview = Preview(form.replan(Plan(task.project), task), current_user)
    except OutOfRange:
        return _dialog(task, form)
    return _dialog(task, form, preview=preview if preview.asks else None)


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
    owner = taker(task)
    if asked := question(task.project, owner, {name: form[name].data for name in DATES if name in form}, task):
        return asked
    try:
        change = replan.apply(by=current_user, others=others) if replan.shifts else None
    except DayPassed:
        db.session.rollback()
        form.start_on.errors = [_("This day has passed. Choose today or a later one.")]
        return _dialog(access.get_task(task_id, "edit"), form, 422)
    change = task.edit({"locked": form.locked.data, "owner_id": owner.id}, by=current_user, change=change) or change
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


def _form(task: Task, **given: Any) -> DatesForm | TimesForm:
    hours = task.project.unit == "hour" and task.start_at and task.due_at
    return TimesForm(**given) if hours else DatesForm(**given)


def _off(task: Task, form: Answered) -> dict[str, Any]:
    """What is off on the new day, not only where the owner is: who hands goods over on the fourth of July needs both
    countries at work. A weekend is the owner's, or none where its Saturday makes up for a holiday."""
    day = form.due_on.data if isinstance(form, DatesForm) else None
    if not day or not FIRST_DAY <= day <= LAST_DAY:
        return {"holidays": [], "weekend": None}
    holidays, country = holidays_on(task.workspace_id, day), task.owner.country
    rests = country not in dict(holidays) and not calendars_of(task.workspace_id)[country].works(day)
    return {"holidays": holidays, "weekend": day if rests else None}


def _dialog(task: Task, form: Answered, status: int = 200, preview: Preview | None = None) -> Any:
    return answers.dialog(
        "tasks/dates/_form.html", "layouts/alone.html", status, task=task, form=form, preview=preview,
        project=task.project, stale=status == 409, **_off(task, form),
    )  # fmt: skip
