"""When a person is reminded of a day: at nine in the person's own morning, on a day on which the person works."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from linkstar.planning.quiet_hours import end_of_quiet
from linkstar.planning.working_days import FIRST, LAST, WorkingDays

MORNING = time(9)
LONGEST, MOST = 60, 6  # days before a day, and how many of them, that a person can choose
FURTHEST = 14  # days that a reminder gives way to a day off; beyond them it stays on its day, whoever works


@dataclass(frozen=True)
class Reader:
    """Where somebody is, on which days the person works and is away, and when the person is left in peace; peace that
    ends before it begins goes on past midnight."""

    zone: ZoneInfo
    calendar: WorkingDays
    away: tuple[tuple[date, date], ...] = ()  # first and last day
    quiet_from: time = time(21)
    quiet_until: time = time(8)

    def works(self, day: date) -> bool:
        if not FIRST <= day <= LAST or any(first <= day <= last for first, last in self.away):
            return False
        return self.calendar.works(day)

    def morning(self, day: date) -> datetime:
        """In UTC: nine, or when quiet hours end on that day. Where the clocks are put forward over it, as much later
        as they are."""
        nine = datetime.combine(day, MORNING, self.zone).astimezone(UTC)
        if end_of_quiet(nine, self.quiet_from, self.quiet_until, self.zone) is None:
            return nine
        return datetime.combine(day, self.quiet_until, self.zone).astimezone(UTC)


def days_before(chosen: Collection[int]) -> list[int]:
    """The furthest first, each once; raises ValueError where they are too many or too far."""
    days = sorted(set(chosen), reverse=True)
    if len(days) > MOST or any(not 0 <= day <= LONGEST for day in days):
        raise ValueError(f"not at most {MOST} numbers from 0 to {LONGEST}: {days}")
    return days


def moment(reader: Reader, day: date, step: int, *, after: bool = False) -> datetime:
    """When the person is told, so many days before the day, or after it. What comes before (or on) the day goes back
    to the last working day, so that it is never too late; what comes after it goes on to the next."""
    return reader.morning(_worked(reader, day + timedelta(step if after else -step), after))


@lru_cache(maxsize=65_536)  # the plan asks for the same days again and again
def _worked(reader: Reader, day: date, onward: bool) -> date:
    steps = range(FURTHEST + 1) if onward else range(0, -FURTHEST - 1, -1)
    return next((other for number in steps if reader.works(other := day + timedelta(number))), day)


def moments(reader: Reader, day: date, steps: Collection[int], *, after: bool = False) -> dict[int, datetime]:
    """Step → moment. Of those that fall on one morning only the last is told: before the day the nearest to it, after
    it the one that says most."""
    told = {moment(reader, day, step, after=after): step for step in sorted(steps, reverse=not after)}
    return {step: at for at, step in told.items()}


def after_work(reader: Reader, day: date, count: int) -> datetime:
    """The morning of the working day by which the person has had so many of them since that day."""
    worked, other = 0, day
    for _number in range(count + FURTHEST):
        other += timedelta(days=1)
        worked += reader.works(other)
        if worked == count:
            return reader.morning(other)
    return reader.morning(day + timedelta(count))
