"""The other side of a task's ocean, as one reader sees it now: do they work, when do both, until when to ask."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from linkstar import clock
from linkstar.i18n import _, city_of, day, full_moment, time_of_day, weekday
from linkstar.models import Absence, User, calendars_of
from linkstar.models.task.two_sided import OtherSide, side_of
from linkstar.planning.overlap import Away, ask_before, next_overlap, overlaps
from linkstar.planning.working_days import WorkingDays

A_DAY = timedelta(days=1)
Bar = tuple[float, float]  # where it begins and how long it is, in minutes of the reader's day


class OtherSideNow:
    def __init__(
        self, other: OtherSide, workspace_id: int, reader: User, calendars: dict[str, WorkingDays] | None = None,
        away: Mapping[tuple[int, int], Away] | None = None,
    ) -> None:  # fmt: skip
        self.other, self.reader, self.now = other, reader, clock.now()
        self.zone = ZoneInfo(reader.timezone)
        calendars = calendars or calendars_of(workspace_id)
        people = [reader.id] if other.user_id is None else [reader.id, other.user_id]
        away = Absence.away([workspace_id], people) if away is None else away
        here, there = (away.get((workspace_id, each or 0), ()) for each in (reader.id, other.user_id))
        self.here, self.there = side_of(reader, calendars, here), side_of(other, calendars, there)

    @property
    def city(self) -> str:
        return city_of(self.other.timezone)

    @property
    def city_here(self) -> str:
        return city_of(self.reader.timezone)

    @property
    def works(self) -> bool:
        return self.there.works(self.now)

    @property
    def time_there(self) -> str:
        local = self.now.astimezone(self.there.zone)
        return _("%(weekday)s %(time)s", weekday=weekday(local.date()), time=time_of_day(self.now, self.other.timezone))

    @property
    def opens(self) -> str | None:
        """When they begin next, on the reader's clock; None for who is away for ages."""
        opens = self.there.opens(self.now)
        return full_moment(opens, self.reader.timezone) if opens else None

    @cached_property
    def overlap(self) -> str | None:
        """The hours that both work, the next ones or those that are on, on the reader's clock."""
        found = next_overlap(self.here, self.there, self.now)
        if found is None:
            return None
        start, end = found
        return _("%(day)s %(start)s–%(end)s", day=self._day(start), start=self._time(start), end=self._time(end))

    @cached_property
    def ask_before(self) -> str | None:
        """Until when to ask for an answer within the reader's working day that is on or comes next; None where an
        answer takes days."""
        found = None if self.other.answer_days else ask_before(self.here, self.there, self.now)
        if found is None:
            return None
        last, end = found
        if self._day(end) == self._day(self.now):
            return _("Ask before %(time)s to have the answer today.", time=self._time(last))
        moment = full_moment(last, self.reader.timezone)
        return _("For an answer on %(day)s, ask before %(moment)s.", day=self._day(end), moment=moment)

    @property
    def answers_on(self) -> str | None:
        """The day there on which they have answered, if they are asked now; None for who answers within the day."""
        found = self.there.answers_on(self.now, self.other.answer_days) if self.other.answer_days else None
        return day(found) if found else None

    # the picture: a day of the reader's from midnight to midnight: today or, where nobody works, the next on
    # which the reader does

    @cached_property
    def shown(self) -> date:
        today = clock.today(self.zone)
        midnight = datetime.combine(today, time(), self.zone)
        works = any(True for side in (self.here, self.there) for _window in side.windows(midnight, midnight + A_DAY))
        opens = None if works else self.here.opens(self.now)
        return self.here.day(opens) if opens else today

    @cached_property
    def _midnight(self) -> datetime:
        return datetime.combine(self.shown, time(), self.zone)

    @property
    def minute(self) -> float | None:
        """Now; None where another day is shown."""
        return self._minutes(self.now) if self.shown == clock.today(self.zone) else None

    @property
    def hours_here(self) -> list[Bar]:
        return [self._bar(window) for window in self.here.windows(self._midnight, self._midnight + A_DAY)]

    @property
    def hours_there(self) -> list[Bar]:
        return [self._bar(window) for window in self.there.windows(self._midnight, self._midnight + A_DAY)]

    @property
    def shared(self) -> list[Bar]:
        return [self._bar(window) for window in overlaps(self.here, self.there, self._midnight, self._midnight + A_DAY)]

    def _bar(self, window: tuple[datetime, datetime]) -> Bar:
        begin, end = map(self._minutes, window)
        return begin, end - begin

    def _minutes(self, moment: datetime) -> float:
        """As clocks show them: there are 1440 also on a day of 23 hours."""
        local = moment.astimezone(self.zone)
        if local.date() != self._midnight.date():
            return 1440
        return local.hour * 60 + local.minute + round(local.second / 60, 1)

    def _day(self, moment: datetime) -> str:
        return day(moment.astimezone(self.zone).date())

    def _time(self, moment: datetime) -> str:
        return time_of_day(moment, self.reader.timezone)
