from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from linkstar import clock
from linkstar.forms.calendar_day import CalendarDayForm
from linkstar.models import Membership
from linkstar.planning.working_days import COUNTRIES, FIRST, LAST
from linkstar.reports.calendar_year import CalendarYear
from linkstar.views.workspaces import membership_inside
from linkstar.words import COUNTRY_NAMES

blueprint = Blueprint("calendars", __name__, url_prefix="/calendars/<country>")


@blueprint.get("")
def show(country: str) -> Any:
    """The days of a year on which a country does not do what the weekday says."""
    membership = membership_inside()
    year = request.args.get("year", clock.today(ZoneInfo(current_user.timezone)).year, type=int)
    return page(membership, country, year, CalendarDayForm(formdata=None))


def page(membership: Membership, country: str, year: int, form: CalendarDayForm) -> str:
    if country not in COUNTRIES or not FIRST.year <= year <= LAST.year:
        abort(404)
    return render_template(
        "calendars/show.html",
        calendar=CalendarYear(membership.workspace_id, country, year),
        country_names=COUNTRY_NAMES,
        form=form,
        may_keep=membership.keeps_workspace,
    )
