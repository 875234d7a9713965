from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import commit, db
from linkstar.forms.calendar_event import CalendarEventForm
from linkstar.i18n import _
from linkstar.models import CalendarEvent, Membership
from linkstar.models.audit_event import in_both
from linkstar.planning.working_days import FIRST, LAST
from linkstar.reports.market_days import MarketDay, overlaid, pack_day, pack_days
from linkstar.reports.market_year import MarketYear
from linkstar.views.workspaces import membership_inside
from linkstar.words import MARKET_KIND_NAMES

blueprint = Blueprint("calendar_events", __name__, url_prefix="/calendar_events")


@blueprint.get("")
def index() -> Any:
    membership = membership_inside()
    return render_template(
        "calendar_events/index.html",
        market=MarketYear(membership.workspace_id, _year(), request.args.get("kind")),
        kind_names=MARKET_KIND_NAMES,
        may_keep=membership.keeps_workspace,
    )


@blueprint.get("/new")
def new() -> Any:
    """A day of our own; with ?event=, what we say of one of the pack's in a year."""
    membership = membership_inside(keeper=True)
    told = _told(request.args.get("event"), _year())
    if told and (row := _row_about(membership, told)):
        return redirect(url_for("calendar_events.edit", event_id=row.id), 303)
    form = CalendarEventForm(formdata=None, obj=told, data={"kind": "own"}).offer(told)
    if told and told not in pack_days(told.year):
        form.first_on.data = form.last_on.data = None
    return _page(form, None)


@blueprint.post("")
def create() -> Any:
    membership = membership_inside(keeper=True)
    told = _told(request.form.get("event"), request.form.get("year", 0, type=int))
    form = CalendarEventForm().offer(told)
    if not form.validate():
        return _page(form, None), 422
    if told:
        membership.workspace.hold()
        if row := _row_about(membership, told):
            return _edit(row, stale=True), 409
        title = in_both(told.name_zh, told.name_en)
        CalendarEvent.overlay(
            membership.workspace_id, told.key, told.year, form.values(), title=title, by=current_user
        )  # fmt: skip
    else:
        CalendarEvent.add(membership.workspace_id, form.values(), by=current_user)
    return _saved(form)


@blueprint.get("/<id:event_id>/edit")
def edit(event_id: int) -> Any:
    return _edit(_get(membership_inside(keeper=True), event_id))


@blueprint.put("/<id:event_id>")
def update(event_id: int) -> Any:
    membership = membership_inside(keeper=True)
    membership.workspace.hold()
    row = _get(membership, event_id)
    told = _told(row.pack_event, row.year or 0)
    form = CalendarEventForm().offer(told)
    if not form.validate():
        return _page(form, row), 422
    if form.seen.data != row.fingerprint:
        return _edit(row, stale=True), 409
    row.edit(form.values(), title=in_both(told.name_zh, told.name_en) if told else None, by=current_user)
    return _saved(form)


@blueprint.delete("/<id:event_id>")
def destroy(event_id: int) -> Any:
    """Away; one of the pack's days is where its rule says again."""
    row = _get(membership_inside(keeper=True), event_id)
    told, year = _told(row.pack_event, row.year or 0), row.year or row.first_on.year
    row.remove(title=in_both(told.name_zh, told.name_en) if told else None, by=current_user)
    commit()
    session["toast"] = {"message": _("Back to the rule") if told else _("Removed"), "change": None}
    return redirect(url_for("calendar_events.index", year=year), 303)


def _year() -> int:
    year = request.args.get("year", clock.today(ZoneInfo(current_user.timezone)).year, type=int)
    return year if FIRST.year <= year <= LAST.year else abort(404)


def _told(key: str | None, year: int) -> MarketDay | None:
    """What the pack says of a day; one that it does not know, or of no year, is nowhere."""
    if not key:
        return None
    return (pack_day(key, year) if FIRST.year <= year <= LAST.year else None) or abort(404)


def _row_about(membership: Membership, told: MarketDay) -> CalendarEvent | None:
    here = CalendarEvent.workspace_id == membership.workspace_id
    about = CalendarEvent.pack_event == told.key, CalendarEvent.year == told.year
    return db.session.scalar(select(CalendarEvent).where(here, *about))


def _get(membership: Membership, event_id: int) -> CalendarEvent:
    here = CalendarEvent.workspace_id == membership.workspace_id
    return db.session.scalar(select(CalendarEvent).where(CalendarEvent.id == event_id, here)) or abort(404)


def _edit(row: CalendarEvent, *, stale: bool = False) -> str:
    told = _told(row.pack_event, row.year or 0)
    shown = overlaid(told, row) if told else row
    form = CalendarEventForm(formdata=None, obj=shown, data={"hidden": row.hidden, "seen": row.fingerprint})
    if stale:
        form.form_errors.append(_("Someone changed this day first. This is what it says now; nothing was saved."))
    return _page(form.offer(told), row)


def _page(form: CalendarEventForm, row: CalendarEvent | None) -> str:
    return render_template("calendar_events/form.html", form=form, row=row, told=form.told)


def _saved(form: CalendarEventForm) -> Any:
    commit()
    session["toast"] = {"message": _("Saved"), "change": None}
    assert form.first_on.data
    return redirect(url_for("calendar_events.index", year=form.first_on.data.year), 303)
