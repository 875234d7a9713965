"""A calendar as other programs read it (RFC 5545): days as days, moments with their zone."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, url_for
from icalendar import Calendar, Event
from sqlalchemy import or_, select

from linkstar import clock
from linkstar.extensions import db
from linkstar.i18n import LANGUAGES, _, both, force_locale
from linkstar.models import CalendarFeed, Project
from linkstar.reports.calendar_items import CalendarItem, calendar_items

BACK, AHEAD = timedelta(days=90), timedelta(days=400)
LASTS = timedelta(minutes=15)  # of a post or another moment, so that programs draw it
KINDS = {
    "personal": ("milestone", "checklist", "task", "post"),
    "project": ("milestone", "checklist", "task", "post"),
    "marketing": ("event", "cutoff", "post"),
}


class Feed:
    def __init__(self, feed: CalendarFeed) -> None:
        self.feed, self.reader = feed, feed.user
        self.zone = ZoneInfo(feed.user.timezone)

    @property
    def name(self) -> str:
        """In the language of the moment."""
        if self.feed.project:
            return both(self.feed.project, "name")
        return _("Marketing calendar") if self.feed.kind == "marketing" else _("My tasks and posts")

    def written(self) -> bytes:
        """In the person's language, titles only of what the person sees."""
        with force_locale(LANGUAGES[self.reader.language]):
            return self._calendar().to_ical()

    def items(self) -> list[CalendarItem]:
        today = clock.today(self.zone)
        return calendar_items(
            self.reader,
            self.feed.workspace_id,
            today - BACK,
            today + AHEAD,
            zone=self.zone,
            project_ids=self._projects(),
            kinds=KINDS[self.feed.kind],
            owner_id=self.reader.id if self.feed.kind == "personal" else None,
        )

    def _projects(self) -> list[int] | None:
        """Of a project's calendar: the project and what belongs to it."""
        if self.feed.project_id is None:
            return None
        here = or_(Project.id == self.feed.project_id, Project.parent_id == self.feed.project_id)
        return list(db.session.scalars(select(Project.id).where(here)))

    def _calendar(self) -> Calendar:
        calendar = Calendar()
        calendar.add("prodid", "-//Linkstar//Calendar//EN")
        calendar.add("version", "2.0")
        calendar.add("x-wr-calname", self.name)
        calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
        for item in self.items():
            calendar.add_component(self._event(item))
        calendar.add_missing_timezones()
        return calendar

    def _event(self, item: CalendarItem) -> Event:
        event = Event()
        event.add("uid", f"{_key(item)}@{self.feed.workspace.key}.linkstar")
        event.add("dtstamp", datetime.combine(clock.today(UTC), time(), UTC))  # else no two readings were alike
        event.add("summary", item.title)
        if item.moment:
            zone = ZoneInfo((item.task and item.task.audience_timezone) or self.reader.timezone)
            event.add("dtstart", item.moment.astimezone(zone))
            event.add("dtend", (item.moment + LASTS).astimezone(zone))
        else:
            event.add("dtstart", item.day)
            event.add("dtend", item.last_on + timedelta(days=1))
            event.add("transp", "TRANSPARENT")  # a day's mark keeps nobody busy
        if item.task:
            event.add("sequence", item.task.version)
            event.add("url", current_app.config["PUBLIC_URL"] + url_for("tasks.show", task_id=item.task.id))
        if words := self._words(item):
            event.add("description", words)
        return event

    def _words(self, item: CalendarItem) -> str:
        if item.market:
            return "\n".join(filter(None, (item.market.note, item.market.sensitivity)))
        project = item.project
        return both(project, "name") if project and project.known_to(self.reader) else ""


def _key(item: CalendarItem) -> str:
    """What stands for it from one reading to the next."""
    if item.market:
        return f"{item.market.key}-{item.market.year}".replace(":", "-")
    record: Any = item.certificate or item.task
    kind = "certificate" if item.certificate else "post" if item.kind == "post" else "task"
    return f"{kind}-{record.id}"
