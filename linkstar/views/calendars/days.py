from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, session, url_for
from flask_login import current_user

from linkstar import clock
from linkstar.extensions import commit, db
from linkstar.forms.calendar_day import CalendarDayForm
from linkstar.i18n import _
from linkstar.i18n import day as in_words
from linkstar.models import CalendarDay
from linkstar.planning.working_days import COUNTRIES
from linkstar.views.calendars.calendars import page
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("days", __name__, url_prefix="/days")


@blueprint.post("")
def create(country: str) -> Any:
    """The workspace's own word about a day; a second one replaces the first."""
    membership = membership_inside(keeper=True)
    form = CalendarDayForm()
    day = form.day.data
    if not form.validate() or day is None:
        shown = day if day and not form.day.errors else clock.today(ZoneInfo(current_user.timezone))
        return page(membership, country, shown.year, form), 422
    if country not in COUNTRIES:
        abort(404)
    CalendarDay.write(
        membership.workspace_id, country, day, form.works.data == "worked", by=current_user,
        name_zh=form.name_zh.data, name_en=form.name_en.data,
    )  # fmt: skip
    return _changed(country, day)


@blueprint.delete("/<day>")
def destroy(country: str, day: str) -> Any:
    """Back to the country's own calendar; a day that is as it was stays so."""
    membership = membership_inside(keeper=True)
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        abort(404)
    if country not in COUNTRIES:
        abort(404)
    row = db.session.get(CalendarDay, (membership.workspace_id, country, wanted))
    if row:
        row.forget(by=current_user)
    return _changed(country, wanted)


def _changed(country: str, day: date) -> Any:
    commit()
    said = _("%(day)s is changed. Running projects keep their dates until their plan is moved.", day=in_words(day))
    session["toast"] = {"message": said, "change": None}
    return redirect(url_for("calendars.show", country=country, year=day.year), 303)
