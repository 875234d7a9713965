"""How much a person has to do on each day, and on which days that is too much."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from linkstar.planning.working_days import WorkingDays

CLASH = 1.25  # of what a person can do in a day: from here on it is a clash, above 1 the day is only full
SHARE = 0.25  # of a person's day, taken by a task of which nobody has said how many hours it needs
NOTHING = 1e-6  # hours by which sums of shares may be off


@dataclass(frozen=True)
class Capacity:
    """So many hours on each working day of the person's country on which the person is not away."""

    calendar: WorkingDays
    hours: float
    away: frozenset[date] = frozenset()

    def on(self, day: date) -> float:
        return 0.0 if day in self.away or not self.calendar.works(day) else self.hours

    def days(self, first: date, last: date) -> int:
        """On how many of these days, the last one too, the person works."""
        away = sum(first <= day <= last and self.calendar.works(day) for day in self.away)
        return self.calendar.count(first, last) + self.calendar.works(last) - away


@dataclass(frozen=True)
class Assignment:
    """A task that asks for a person's time from its first to its last day."""

    key: int
    first: date
    last: date
    hours: float | None = None  # in all; None: nobody has said how many


@dataclass(frozen=True)
class Clash:
    """Days of too much work, one after the other; days on which the person does not work may lie between them."""

    first: date
    last: date
    hours: float
    capacity: float
    keys: tuple[int, ...]  # of the assignments


class Load:
    """What assignments ask of one person on the days of a window. One with hours gives the same share of them to
    each day of its own on which the person works, also outside of the window; one without takes SHARE of each. Where
    the person works on none of them, all of its days are meant."""

    def __init__(self, capacity: Capacity, assignments: Iterable[Assignment], first: date, last: date) -> None:
        self.capacity = capacity
        self.window = [first + timedelta(days) for days in range((last - first).days + 1)]
        self.days: dict[date, dict[int, float]] = {day: {} for day in self.window}
        self.stranded: list[Assignment] = []  # those in the window that have no day on which the person works
        for each in assignments:
            if each.first <= last and each.last >= first:
                self._add(each, max(each.first, first), min(each.last, last))

    def _add(self, assignment: Assignment, first: date, last: date) -> None:
        days = self.capacity.days(assignment.first, assignment.last)
        stranded = not days
        if stranded:
            self.stranded.append(assignment)
            days = (assignment.last - assignment.first).days + 1
        hours = self.capacity.hours * SHARE if assignment.hours is None else assignment.hours / days
        for number in range((last - first).days + 1):
            day = first + timedelta(number)
            if stranded or self.capacity.on(day):
                self.days[day][assignment.key] = hours

    def on(self, day: date) -> float:
        return sum(self.days[day].values())

    def free_on(self, day: date) -> float:
        return max(self.capacity.on(day) - self.on(day), 0.0)

    def clashes_on(self, day: date) -> bool:
        return self.capacity.on(day) > 0 and self.on(day) >= self.capacity.hours * CLASH - NOTHING

    def fits_on(self, day: date) -> bool:
        return self.on(day) <= self.capacity.on(day) + NOTHING

    @property
    def clashes(self) -> list[Clash]:
        found: list[list[date]] = []
        goes_on = False
        for day in self.window:
            if self.clashes_on(day):
                found = found if goes_on else [*found, []]
                found[-1].append(day)
            goes_on = bool(found) and (self.clashes_on(day) or (goes_on and not self.capacity.on(day)))
        return [self.clash_of(days) for days in found]

    def clash_of(self, days: list[date]) -> Clash:
        """What is asked for on these days together."""
        keys = dict.fromkeys(key for day in days for key in self.days[day])
        hours, capacity = sum(map(self.on, days)), sum(map(self.capacity.on, days))
        return Clash(days[0], days[-1], hours, capacity, tuple(keys))
