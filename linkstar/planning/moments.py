"""A day and a time on somebody's clock, and the moment that is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


class SkippedTime(ValueError):
    """The clocks of the zone were put forward over it: it is never that late on that day."""


def moment_at(day: date, at: time, zone: ZoneInfo) -> datetime:
    """In UTC; of a time that comes twice because the clocks are put back, the first."""
    local = datetime.combine(day, at.replace(fold=0), zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise SkippedTime(f"{day} {at} {zone.key}")
    return moment


def day_seen_as(shown: date, at: time, zone: ZoneInfo, *, seen_from: ZoneInfo) -> date:
    """The day on which it is that time in the zone while a calendar of elsewhere shows that day; the same day where
    none is: when clocks change, a day of a calendar far away may be left out."""
    for day in (shown, shown - timedelta(days=1), shown + timedelta(days=1)):
        try:
            if moment_at(day, at, zone).astimezone(seen_from).date() == shown:
                return day
        except SkippedTime:
            continue
    return shown
