from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from linkstar.planning.moments import SkippedTime, day_seen_as, moment_at

SHANGHAI, LOS_ANGELES, ZURICH = (ZoneInfo(name) for name in ("Asia/Shanghai", "America/Los_Angeles", "Europe/Zurich"))


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        (LOS_ANGELES, "2026-03-08T01:59", "2026-03-08T09:59"),
        (LOS_ANGELES, "2026-03-08T02:30", None),
        (LOS_ANGELES, "2026-03-08T03:00", "2026-03-08T10:00"),
        (LOS_ANGELES, "2026-11-01T01:30", "2026-11-01T08:30"),  # the first of two
        (LOS_ANGELES, "2026-11-01T02:00", "2026-11-01T10:00"),
        (ZURICH, "2026-03-29T02:00", None),
        (ZURICH, "2026-03-29T03:00", "2026-03-29T01:00"),
        (ZURICH, "2026-10-25T02:30", "2026-10-25T00:30"),
        (SHANGHAI, "2026-03-08T02:30", "2026-03-07T18:30"),
        (SHANGHAI, "2026-11-01T01:30", "2026-10-31T17:30"),
        (ZoneInfo("Pacific/Apia"), "2011-12-30T12:00", None),  # a day that Samoa left out
    ],
)
def test_a_time_on_somebodys_clock_is_one_moment_or_none(zone, local, utc):
    wanted = datetime.fromisoformat(local)
    if utc is None:
        with pytest.raises(SkippedTime):
            moment_at(wanted.date(), wanted.time(), zone)
    else:
        assert moment_at(wanted.date(), wanted.time(), zone) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_the_day_on_which_a_post_is_dropped_is_the_day_on_which_it_is_drawn():
    """Every day of a year, at every hour, for three audiences on three calendars; but where clocks change, a far
    calendar may have no such day, and then the audience's own is taken."""
    without = []
    for audience in (SHANGHAI, LOS_ANGELES, ZURICH):
        for calendar in (SHANGHAI, LOS_ANGELES, ZURICH):
            for shown in (date(2026, 1, 1) + timedelta(days) for days in range(365)):
                for hour in range(24):
                    day = day_seen_as(shown, time(hour, 15), audience, seen_from=calendar)
                    try:
                        drawn = moment_at(day, time(hour, 15), audience).astimezone(calendar).date()
                    except SkippedTime:
                        drawn = None
                    if drawn != shown:
                        without.append((audience.key, calendar.key, str(shown), hour))
                        assert day == shown
    assert len(without) == 14
    assert {day[:7] for *_zones, day, _hour in without} == {"2026-03", "2026-10", "2026-11"}
    assert day_seen_as(date(2026, 6, 20), time(9), LOS_ANGELES, seen_from=SHANGHAI) == date(2026, 6, 19)
