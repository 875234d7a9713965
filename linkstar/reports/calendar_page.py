"""A month, a week or a list of days, with what stands on them and what both countries make of them."""

from calendar import Calendar
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, select

from linkstar import clock
from linkstar.extensions import db, record_id
from linkstar.i18n import _, city_of, day, month, time_of_day, weekday
from linkstar.models import PLATFORMS, CalendarDay, Project, Task, User
from linkstar.planning.working_days import COUNTRIES, FIRST, LAST, known_days
from linkstar.reports.calendar_items import CalendarItem, calendar_items
from linkstar.reports.calendar_year import Special
from linkstar.words import MARKET_KIND_NAMES

VIEWS = ("month", "week", "agenda")
LAYERS = {
    "content": ("post",),
    "marketing": ("event", "cutoff"),
    "compliance": ("checklist",),
    "tasks": ("task", "milestone"),
}
SIDES = {"beijing": "Asia/Shanghai", "los_angeles": "America/Los_Angeles"}
MOST = 4  # what a day of the month has room for
A_WEEK = timedelta(days=7)
SATURDAY = 5


def day_in(text: str) -> date | None:
    """A day of an address."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST <= found <= LAST else None


@dataclass(frozen=True)
class CalendarChoice:
    """What of the address means anything; the rest of it is left out."""

    view: str | None = None  # None: the month, and on a phone the list
    day: date | None = None
    zone: str | None = None
    layers: tuple[str, ...] = tuple(LAYERS)
    market: str | None = None
    platform: str | None = None
    owner: int | None = None
    mine: bool = False

    @classmethod
    def read(cls, args: Mapping[str, str]) -> "CalendarChoice":
        def one_of(name: str, allowed: Any) -> str | None:
            return args[name] if args.get(name) in allowed else None

        named = args["layers"].split(",") if "layers" in args else LAYERS
        return cls(
            view=one_of("view", VIEWS),
            day=day_in(args.get("day", "")),
            zone=one_of("zone", SIDES),
            layers=tuple(layer for layer in LAYERS if layer in named),
            market=one_of("market", MARKET_KIND_NAMES),
            platform=one_of("platform", PLATFORMS),
            owner=record_id(args.get("owner", "")),
            mine=args.get("mine") == "1",
        )

    def query(self, **changes: Any) -> dict[str, str]:
        """The address's arguments for this choice, with some of them changed (None takes one away)."""
        now = {name: changes.get(name, getattr(self, name)) for name in self.__dataclass_fields__}
        now["layers"] = (",".join(now["layers"]) or "none") if len(now["layers"]) < len(LAYERS) else None
        return {name: "1" if value is True else str(value) for name, value in now.items() if value not in (None, False)}

    def turned(self, layer: str) -> tuple[str, ...]:
        """The layers with this one switched."""
        return tuple(each for each in LAYERS if (each in self.layers) != (each == layer))


@dataclass
class CalendarDate:
    """A day of the page."""

    day: date
    works: bool
    holidays: list[tuple[str, Special]]
    items: list[CalendarItem]
    inside: bool  # of the month that is shown

    @property
    def in_short(self) -> list[CalendarItem]:
        """As much as a cell of the month has room for; the header names holidays already."""
        named = any(country == "US" for country, _special in self.holidays)
        return [item for item in self.items if not (named and self._is_plain_holiday(item))]

    @staticmethod
    def _is_plain_holiday(item: CalendarItem) -> bool:
        return item.market is not None and item.market.kind == "federal" and not item.market.sensitive

    @property
    def first_items(self) -> list[CalendarItem]:
        room = MOST if len(self.in_short) <= MOST else MOST - 1
        return self.in_short[:room]

    @property
    def more(self) -> int:
        return len(self.in_short) - len(self.first_items)

    def away(self, days: int) -> date:
        return self.day + timedelta(days)


class CalendarPage:
    def __init__(self, reader: User, workspace_id: int, chosen: CalendarChoice, project: Project | None = None) -> None:
        self.reader, self.workspace_id, self.chosen, self.project = reader, workspace_id, chosen, project
        self.zone = ZoneInfo(SIDES.get(chosen.zone or "", reader.timezone))
        self.today = clock.today(self.zone)
        self.day = chosen.day or self.today
        self.side = next((side for side, name in SIDES.items() if name == str(self.zone)), None)

    # which days

    @property
    def month(self) -> date:
        return self.day.replace(day=1)

    @property
    def _weeks(self) -> list[list[date]]:
        return Calendar().monthdatescalendar(self.day.year, self.day.month)

    @property
    def week(self) -> tuple[date, date]:
        monday = self.day - timedelta(self.day.weekday())
        return monday, monday + timedelta(days=6)

    @cached_property
    def _range(self) -> tuple[date, date]:
        if self.chosen.view == "week":
            return self.week
        if self.chosen.view == "agenda":
            return self.day, _later(self.month) - timedelta(days=1)
        return self._weeks[0][0], self._weeks[-1][-1]

    @property
    def before(self) -> date | None:
        """A day of the page before this one."""
        last_month = (self.month - timedelta(days=1)).replace(day=1)
        there = self.day - A_WEEK if self.chosen.view == "week" else last_month
        return there if there >= FIRST else None

    @property
    def after(self) -> date | None:
        there = self.day + A_WEEK if self.chosen.view == "week" else _later(self.month)
        return there if there <= LAST else None

    # what stands on them

    @cached_property
    def items(self) -> list[CalendarItem]:
        chosen = self.chosen
        return calendar_items(
            self.reader, self.workspace_id, *self._range, zone=self.zone, project_ids=self._project_ids,
            kinds=[kind for layer in chosen.layers for kind in LAYERS[layer]],
            market_kinds=[chosen.market] if chosen.market else None, platform=chosen.platform,
            owner_id=self.reader.id if chosen.mine else chosen.owner,
        )  # fmt: skip

    @cached_property
    def _project_ids(self) -> list[int] | None:
        """A programme's page shows its children, too."""
        if self.project is None:
            return None
        below = select(Project.id).where(Project.parent_id == self.project.id)
        return [self.project.id, *db.session.scalars(below)]

    @cached_property
    def dates(self) -> list[CalendarDate]:
        first, last = self._range
        on_day: dict[date, list[CalendarItem]] = defaultdict(list)
        for item in self.items:
            for each in _shown_on(item, first, last):
                on_day[each].append(item)
        return [self._date(each, on_day[each]) for each in _days(first, last)]

    def _date(self, day: date, items: list[CalendarItem]) -> CalendarDate:
        found = {country: self._special[country, day] for country in COUNTRIES if (country, day) in self._special}
        here = found.get("US" if str(self.zone).startswith("America/") else "CN")
        works = here.works if here else day.weekday() < SATURDAY
        return CalendarDate(day, works, list(found.items()), items, day.month == self.day.month)

    @property
    def listed(self) -> list[CalendarDate]:
        """The days of the list: those of the month, from the chosen one on, on which something stands."""
        return [each for each in self.dates if each.day >= self.day and each.inside and (each.items or each.holidays)]

    @cached_property
    def _special(self) -> dict[tuple[str, date], Special]:
        """What both countries make of the days that are not what their weekday says, by one query."""
        first, last = self._range
        years = [year for year in range(first.year, last.year + 1) if FIRST.year <= year <= LAST.year]
        known = {
            (country, each.day): each for country in COUNTRIES for year in years for each in known_days(country, year)
        }
        here = CalendarDay.workspace_id == self.workspace_id
        rows = db.session.scalars(select(CalendarDay).where(here, CalendarDay.day.between(first, last)))
        own = {(row.country, row.day): row for row in rows}
        told = self.reader.is_inside(self.workspace_id)
        return {key: Special(key[1], known.get(key), own.get(key), told) for key in known | own}

    # what is said of an item

    def times(self, moment: datetime, other: str | None) -> list[str]:
        """The moment where the days are counted and on the other side: 北京 09:00, 洛杉矶 周一 18:00."""
        here = str(self.zone)
        there = other or SIDES["los_angeles" if here == SIDES["beijing"] else "beijing"]
        today = moment.astimezone(self.zone).date()
        return [_in_zone(moment, zone, today) for zone in dict.fromkeys((here, there))]

    @property
    def heading(self) -> str:
        first, last = self.week
        return f"{day(first)} – {day(last)}" if self.chosen.view == "week" else month(self.month)

    def time(self, moment: datetime) -> str:
        return time_of_day(moment, str(self.zone))

    def may_move(self, item: CalendarItem) -> bool:
        """May the reader move it to another day? What is done stays where it is."""
        task = item.task
        return bool(task and not item.certificate and not task.completed_at and task.allows(self.reader, "edit"))

    @cached_property
    def may_plan(self) -> bool:
        """May the reader add a post to what is shown?"""
        if self.project:
            return self.project.allows(self.reader, "create") and not self.project.draft_of_id
        membership = self.reader.membership_in(self.workspace_id)
        return bool(membership and db.session.scalar(select(Project.open_to_tasks_of(membership).exists())))

    @cached_property
    def owners(self) -> list[Row[int, str]]:
        """Of the tasks that the reader sees here."""
        here: ColumnElement[bool] = Task.workspace_id == self.workspace_id
        if self._project_ids is not None:
            here = Task.project_id.in_(self._project_ids)
        owners = select(Task.owner_id).where(Task.seen_by(self.reader), here)
        return list(db.session.execute(select(User.id, User.name).where(User.id.in_(owners)).order_by(User.id)))


def _later(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(number) for number in range((last - first).days + 1))


def _shown_on(item: CalendarItem, first: date, last: date) -> Iterator[date]:
    """All its days where they fit into a week; else the first and the last one."""
    if item.last_on - item.day < A_WEEK:
        return _days(max(item.day, first), min(item.last_on, last))
    return (day for day in (item.day, item.last_on) if first <= day <= last)


def _in_zone(moment: datetime, zone: str, here: date) -> str:
    local = moment.astimezone(ZoneInfo(zone)).date()
    words = {"city": city_of(zone), "time": time_of_day(moment, zone), "weekday": weekday(local)}
    return _("%(city)s %(time)s", **words) if local == here else _("%(city)s %(weekday)s %(time)s", **words)
