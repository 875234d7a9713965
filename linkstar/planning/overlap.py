"""Two sides of an ocean: when each works, when both do, and how long one may still ask the other today."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from linkstar.planning.working_days import WorkingDays

REPLY = timedelta(hours=1)  # of work, until a question is answered by who answers on the same day
AHEAD = timedelta(days=40)  # over the longest break there is
LEAVE = timedelta(days=400)  # who is away for longer than that is not waited for

Away = tuple[tuple[date, date], ...]  # the first and the last day of each leave


@dataclass(frozen=True)
class Side:
    """Where somebody is, from when to when the day goes there, and on which days; a person is away at times. A day that
    ends before it begins goes on past midnight."""

    zone: ZoneInfo
    works_from: time
    works_until: time
    calendar: WorkingDays
    away: Away = ()

    def day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def hours(self, day: date) -> tuple[datetime, datetime] | None:
        """Of the working day that begins on this day, in UTC; None where nobody works."""
        if self._away_on(day) or not self.calendar.works(day):
            return None
        after = day + timedelta(days=self.works_until <= self.works_from)
        return self._at(day, self.works_from), self._at(after, self.works_until)

    def _away_on(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.away)

    def _at(self, day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, self.zone).astimezone(UTC)

    def windows(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
        """What of its working hours lies between the two moments, in order."""
        day = self.day(first) - timedelta(days=1)
        while day <= self.day(last):
            if hours := self.hours(day):
                begin, end = max(hours[0], first), min(hours[1], last)
                if begin < end:
                    yield begin, end
            day += timedelta(days=1)

    def works(self, moment: datetime) -> bool:
        return any(True for _window in self.windows(moment, moment + timedelta.resolution))

    def opens(self, moment: datetime) -> datetime | None:
        """When its next working day begins; never the one that is on. None for who is away for ages."""
        return next((begin for begin, _end in self._days_after(moment) if begin > moment), None)

    def _days_after(self, moment: datetime, ahead: timedelta | None = None) -> Iterator[tuple[datetime, datetime]]:
        day, last = self.day(moment), self.day(moment + (ahead or _ahead(moment, self)))
        while day <= last:
            if hours := self.hours(day):
                yield hours
            day += timedelta(days=1)

    def answers_on(self, asked: datetime, days: int) -> date | None:
        """The day, there, on which who takes so many working days has answered. Who is asked after the day's work is
        asked on the next working day."""
        begun = (begin for begin, end in self._days_after(asked - timedelta(days=1)) if end > asked)
        answered = next(begun, None)
        if answered is None:
            return None
        day = self.day(answered)
        while days > 0:
            day = self.calendar.shift(day, 1)
            days -= not self._away_on(day)
        return day


def _ahead(moment: datetime, *sides: Side) -> timedelta:
    """How far to look: over the longest break, and over the leave of who is meant."""
    away = [last - moment.date() for side in sides for _first, last in side.away]
    return AHEAD + min(max([timedelta(), *away]), LEAVE)


def overlaps(one: Side, other: Side, first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
    """When both work, between the two moments."""
    theirs = list(other.windows(first, last))
    return [
        (max(begin, start), min(end, stop))
        for begin, end in one.windows(first, last)
        for start, stop in theirs
        if max(begin, start) < min(end, stop)
    ]


def next_overlap(one: Side, other: Side, now: datetime) -> tuple[datetime, datetime] | None:
    """The one that is on, or the next; None where their hours never meet."""
    for ahead in (timedelta(days=2), timedelta(days=8), _ahead(now, one, other)):
        beyond = timedelta(days=2)  # so that none is cut off where the looking ends
        if found := overlaps(one, other, now, now + ahead + beyond):
            begin, end = found[0]
            return (begin, end) if begin > now else (now, end)
    return None


def ask_before(asking: Side, answering: Side, now: datetime) -> tuple[datetime, datetime] | None:
    """The last moment to ask for an answer within the asking side's working day that is on or comes next, and when
    that day ends. The answering side has to have worked for an hour in between. Days for which it is too late are
    passed over; None where it is too late for all there are."""
    for _begin, end in asking._days_after(now - timedelta(days=1), _ahead(now, asking, answering)):
        last = _work_before(answering, max(now, end - AHEAD), end)
        if last is not None and last > now:
            return last, end
    return None


def _work_before(side: Side, first: datetime, end: datetime) -> datetime | None:
    """The moment, from the first one on, after which the side works for an hour until the end."""
    missing = REPLY
    for begin, stop in reversed(list(side.windows(first, end))):
        if stop - begin >= missing:
            return stop - missing
        missing -= stop - begin
    return None
