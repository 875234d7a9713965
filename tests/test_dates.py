"""A day is a day: picked, saved, drawn, dragged, exported and read again, in every zone there is and where clocks
change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
import vobject
from icalendar import Calendar
from werkzeug.datastructures import MultiDict

from linkstar.forms.plan import DatesForm
from linkstar.models import CalendarFeed, Plan, Task
from linkstar.planning.moments import SkippedTime, moment_at
from linkstar.reports.calendar_items import calendar_items
from linkstar.reports.cards import Due
from linkstar.reports.feed import Feed

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
YEAR = [date(2026, 10, 1) + timedelta(days=number) for number in range(365)]


def changes(zone: ZoneInfo) -> list[date]:
    """The days of a year on which the clocks of the zone are changed."""
    offsets = [datetime.combine(day, time(), zone).utcoffset() for day in [*YEAR, YEAR[-1] + timedelta(days=1)]]
    return [day for day, now, then in zip(YEAR, offsets, offsets[1:], strict=False) if now != then]


def test_the_walk_meets_both_changes_in_both_directions():
    assert changes(ZoneInfo("America/Los_Angeles")) == [date(2026, 11, 1), date(2027, 3, 14)]
    assert changes(ZoneInfo("Europe/Zurich")) == [date(2026, 10, 25), date(2027, 3, 28)]
    assert changes(ZoneInfo("Asia/Shanghai")) == []


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_day_stays_the_day_that_was_picked(app, session, world):
    yu, tasks = world.yu, [world.script, world.listing]
    feed = CalendarFeed.create("personal", world.shanlan.id, by=yu)
    for name in ZONES:
        zone = ZoneInfo(name)
        days = [*changes(zone), date(2026, 12, 31), date(2027, 1, 1)][:2]
        yu.timezone = name
        Task.follow_owner(yu)
        for task, day in zip(tasks, days, strict=True):
            with app.test_request_context():
                form = DatesForm(MultiDict({"due_on": day.isoformat()}))
                assert form.validate() and form.due_on._value() == day.isoformat(), name
                picked = form.due_on.data
            task.edit({"due_on": picked}, by=world.yue)
            session.flush()
            session.refresh(task, ["due_on", "late_from"])
            assert task.due_on == day, name
            ends = task.late_from.astimezone(zone)
            assert ends.date() == day + timedelta(days=1) and ends.hour < 3, name  # some skip midnight itself
            assert Due.of(day, name, done=False).iso == day.isoformat()

        drawn = calendar_items(yu, world.shanlan.id, min(days), max(days), zone=zone, kinds=("task", "checklist"))
        assert {item.task.id: item.day for item in drawn if item.task in tasks} == {
            task.id: day for task, day in zip(tasks, days, strict=True)
        }, name
        with app.test_request_context():
            written = Feed(feed).written()
        for read in (
            {str(each["UID"]): each.decoded("DTSTART") for each in Calendar.from_ical(written).walk("VEVENT")},
            {each.uid.value: each.dtstart.value for each in vobject.readOne(written.decode()).vevent_list},
        ):
            assert [read[f"task-{task.id}@shanlan.linkstar"] for task in tasks] == days, name


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles", "Europe/Zurich", "Pacific/Apia"])
def test_a_day_that_is_dragged_is_moved_by_days(app, session, world, zone):
    world.script.owner.timezone = zone
    for first, last in ((date(2026, 10, 30), date(2026, 11, 2)), (date(2027, 3, 12), date(2027, 3, 15))):
        world.script.edit({"start_on": first - timedelta(days=2), "due_on": first}, by=world.yue)
        session.flush()
        Plan(world.lamp).with_dates(world.script, last - timedelta(days=2), last).apply(by=world.yue)
        session.flush()
        assert (world.script.start_on, world.script.due_on) == (last - timedelta(days=2), last)


def test_a_moment_is_the_audiences_wall_clock_in_every_zone():
    for name in ZONES:
        zone = ZoneInfo(name)
        for day in [*changes(zone), date(2026, 12, 31)]:
            for at in (time(0), time(2, 30), time(9), time(23, 59)):
                try:
                    moment = moment_at(day, at, zone)
                except SkippedTime:
                    shown = datetime.combine(day, at, zone).astimezone(UTC).astimezone(zone)
                    assert shown.replace(tzinfo=None) != datetime.combine(day, at), name
                    continue
                assert moment.tzinfo is UTC and moment.astimezone(zone).replace(tzinfo=None) == datetime.combine(
                    day, at
                )
