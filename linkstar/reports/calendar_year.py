"""A year of a country's calendar, as a workspace keeps it."""

from calendar import Calendar
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sqlalchemy import select

from linkstar.extensions import db
from linkstar.i18n import _, both
from linkstar.models import CalendarDay, calendars_of
from linkstar.planning.working_days import COUNTRIES, FIRST, LAST, KnownDay, known_days


@dataclass
class Special:
    """A day that is not what its weekday says: by the country's calendar, by the workspace's word, or both."""

    day: date
    known: KnownDay | None
    own: CalendarDay | None
    told: bool = True  # may the reader know the workspace's own words?

    @property
    def name(self) -> str:
        own = both(self.own, "name") if self.own and self.told else ""
        return own or (both(self.known, "name") if self.known else "") or ("" if self.works else _("Day off"))

    @property
    def works(self) -> bool:
        return self.own.works if self.own else self.known.works  # type: ignore[union-attr]


def holidays_on(workspace_id: int, day: date) -> list[tuple[str, Special]]:
    """Which countries are off on that day, although it may be no weekend, with the reason."""
    return [
        (country, special)
        for country in COUNTRIES
        for special in CalendarYear(workspace_id, country, day.year).special
        if special.day == day and not special.works
    ]


class CalendarYear:
    def __init__(self, workspace_id: int, country: str, year: int) -> None:
        self.workspace_id, self.country, self.year = workspace_id, country, year

    @property
    def earlier(self) -> int | None:
        return self.year - 1 if self.year > FIRST.year else None

    @property
    def later(self) -> int | None:
        return self.year + 1 if self.year < LAST.year else None

    @cached_property
    def special(self) -> list[Special]:
        known = {each.day: each for each in known_days(self.country, self.year)}
        rows = select(CalendarDay).where(
            CalendarDay.workspace_id == self.workspace_id,
            CalendarDay.country == self.country,
            CalendarDay.day.between(date(self.year, 1, 1), date(self.year, 12, 31)),
        )
        own = {row.day: row for row in db.session.scalars(rows)}
        return [Special(day, known.get(day), own.get(day)) for day in sorted(known | own)]

    @property
    def guessed(self) -> bool:
        return any(each.known and each.known.guess for each in self.special)

    @property
    def months(self) -> list[tuple[date, list[list[tuple[date, str] | None]]]]:
        """(first day, weeks of (day, mark)); None stands for a day of another month."""
        marks = {each.day: "own" if each.own else "worked" if each.works else "off" for each in self.special}
        days = calendars_of(self.workspace_id)[self.country]
        return [
            (
                date(self.year, month, 1),
                [
                    [
                        (day, marks.get(day, "" if days.works(day) else "rest")) if day.month == month else None
                        for day in week
                    ]
                    for week in Calendar().monthdatescalendar(self.year, month)
                ],
            )
            for month in range(1, 13)
        ]
