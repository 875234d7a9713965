"""When a person is left alone, on the person's own clock, also in the nights when the clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from linkstar.planning.quiet_hours import end_of_quiet

LA, SHANGHAI = "America/Los_Angeles", "Asia/Shanghai"


@pytest.mark.parametrize(
    ("zone", "local", "hours", "ends"),
    [
        (SHANGHAI, "2026-10-13 03:00", "21:00-08:00", "2026-10-13 08:00"),
        (SHANGHAI, "2026-10-13 21:00", "21:00-08:00", "2026-10-14 08:00"),
        (SHANGHAI, "2026-10-13 20:59", "21:00-08:00", None),
        (SHANGHAI, "2026-10-13 08:00", "21:00-08:00", None),
        (SHANGHAI, "2026-10-13 13:10", "13:00-14:30", "2026-10-13 14:30"),
        (SHANGHAI, "2026-10-13 03:00", "00:00-00:00", None),
        (LA, "2026-11-01 00:30", "21:00-08:00", "2026-11-01 08:00"),  # the night of twenty-five hours
        (LA, "2026-03-07 23:00", "21:00-08:00", "2026-03-08 08:00"),  # and the one that lacks an hour
        (LA, "2026-03-08 01:00", "22:00-02:30", "2026-03-08 03:30"),  # half past two is skipped
    ],
)
def test_the_end_is_on_the_readers_clock(zone, local, hours, ends):
    quiet_from, quiet_until = map(time.fromisoformat, hours.split("-"))
    now = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = end_of_quiet(now, quiet_from, quiet_until, ZoneInfo(zone))
    assert (end and f"{end.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}") == ends


def test_an_end_that_comes_twice_is_the_next_one():
    second = datetime(2026, 11, 1, 1, 15, fold=1, tzinfo=ZoneInfo(LA)).astimezone(UTC)
    assert end_of_quiet(second, time(22), time(1, 30), ZoneInfo(LA)) == second + timedelta(minutes=15)


def test_in_no_zone_and_at_no_change_of_clocks_it_ends_in_the_past_or_after_a_day():
    for name in sorted(available_timezones())[::9]:
        zone = ZoneInfo(name)
        for start in (datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)):
            for minutes in range(0, 60 * 24 * 9, 37):
                now = start + timedelta(minutes=minutes)
                end = end_of_quiet(now, time(22, 30), time(2, 15), zone)
                assert end is None or timedelta(0) < end - now <= timedelta(hours=6), (name, now, end)
                assert end is None or end_of_quiet(end, time(22, 30), time(2, 15), zone) is None
