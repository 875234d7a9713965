"""The hours in which a person is left alone, on the clock of where the person lives."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def end_of_quiet(now: datetime, quiet_from: time, quiet_until: time, zone: ZoneInfo) -> datetime | None:
    """The moment at which the quiet hours end that run now, in UTC; None where none run. From 21:00 to 08:00 they run
    through midnight; from eight to eight there are none. An end that the clocks skip comes when they have skipped it,
    one that comes twice is the next one."""
    local = now.astimezone(zone)
    at, over_midnight = local.time(), quiet_from > quiet_until
    if not (at >= quiet_from or at < quiet_until if over_midnight else quiet_from <= at < quiet_until):
        return None
    day = local.date() + timedelta(days=1 if over_midnight and at >= quiet_from else 0)
    ends = (datetime.combine(day, quiet_until.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
    return next((end for end in ends if end > now), None)
