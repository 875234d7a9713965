"""The days of the market: the pack's events and cut-offs by their rules, and what the workspace says of them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from babel.core import get_global
from sqlalchemy import and_, or_, select

from linkstar import packs
from linkstar.extensions import db
from linkstar.i18n import _, in_language
from linkstar.models import CalendarEvent, User
from linkstar.planning.calendar_rules import cutoffs, days_of, occurrences
from linkstar.words import LEG_NAMES, MARKET_KIND_NAMES

SENSITIVE = ("high", "critical")
A_WEEK = 7  # what is kept for longer, such as a month of heritage, makes none of its days a sensitive one
OF_THE_TEAM = {"cutoff", "tax", "dst"}  # kinds of days that no audience keeps
FROM_ITS_FIRST_DAY = ("window", "configurable")  # of all other rules one day is told, with which the event begins


@dataclass(frozen=True)
class MarketDay:
    """`key` names it within `year`, the year of its rule, which may not be the one of its days: a cut-off before
    the Spring Festival, a window over New Year. A cut-off's key is rule:leg, that of a monthly event key:month."""

    key: str
    year: int
    kind: str
    name_zh: str
    name_en: str
    note_zh: str | None
    note_en: str | None
    first_on: date
    last_on: date
    level: str  # none, low, medium, high or critical
    sensitive: bool  # no cheerful posts
    sensitivity_zh: str | None
    sensitivity_en: str | None
    cutoff: bool
    leg: str | None
    confidence: str
    own: CalendarEvent | None

    @property
    def name(self) -> str:
        name = in_language(self.name_zh, self.name_en)
        leg = LEG_NAMES.get(self.leg or "")
        return _("%(event)s · %(leg)s", event=name, leg=leg) if leg else name

    @property
    def note(self) -> str:
        return in_language(self.note_zh, self.note_en)

    @property
    def sensitivity(self) -> str:
        """What to mind in posts of that day."""
        return in_language(self.sensitivity_zh, self.sensitivity_en)

    @property
    def hidden(self) -> bool:
        return self.own is not None and self.own.hidden

    @property
    def country(self) -> str | None:
        """Whose audience it concerns; None: everybody's, because the workspace wrote it itself."""
        if self.own and not self.own.pack_event:
            return None
        return "CN" if self.kind == "factory" else "US"

    def __contains__(self, day: date) -> bool:
        return self.first_on <= day <= self.last_on


def market_days(workspace_id: int, first: date, last: date, *, kinds: Collection[str] | None = None) -> list[MarketDay]:
    """What has a day from the first to the last one, in the order of the days; of all kinds or of those named."""
    return [
        day for day in all_days(workspace_id, first, last) if not day.hidden and (kinds is None or day.kind in kinds)
    ]


def told_to(reader: User, workspace_id: int, days: list[MarketDay]) -> list[MarketDay]:
    """Outsiders are told neither of days that the workspace wrote itself nor its words about the pack's."""
    if reader.is_inside(workspace_id):
        return days
    words = ((day, pack_day(day.key, day.year) if day.own else day) for day in days)
    return [
        replace(
            day, name_zh=told.name_zh, name_en=told.name_en, note_zh=told.note_zh, note_en=told.note_en, own=None
        )
        for day, told in words
        if told
    ]  # fmt: skip


def all_days(workspace_id: int, first: date, last: date) -> list[MarketDay]:
    """The same with those that the workspace does not want to be shown."""
    around = range(first.year - 1, last.year + 2)  # the days of a rule's year may lie in the one before or after
    rows = _own(workspace_id, first, last, around)
    days = {(day.key, day.year): day for year in around for day in pack_days(year)}
    words = {(row.pack_event, row.year): row for row in rows if row.pack_event and row.year}
    for about, row in sorted(words.items(), key=lambda word: ":" in word[0][0]):  # a cut-off's own word comes last
        if told := days.get(about) or pack_day(*about):
            days[about] = overlaid(told, row)
            days |= {(day.key, day.year): day for day in _following(row, days)}
    found = [*days.values(), *(_of_workspace(row) for row in rows if not row.pack_event)]
    return sorted((day for day in found if day.first_on <= last and day.last_on >= first), key=_order)


def days_for_audience(workspace_id: int, day: date, zone: str) -> list[MarketDay]:
    """What people in the country of that zone have on their own calendars."""
    country = get_global("zone_territories").get(get_global("zone_aliases").get(zone, zone))
    kinds = MARKET_KIND_NAMES.keys() - OF_THE_TEAM
    return [each for each in market_days(workspace_id, day, day, kinds=kinds) if each.country in (None, country)]


@cache
def pack_days(year: int) -> tuple[MarketDay, ...]:
    """What the pack's rules give for a year, cut-offs included, whatever a workspace says of it."""
    if not 2000 <= year <= 2100:
        return ()
    return tuple(sorted((*_events(year), *_cutoffs(year)), key=_order))


def pack_day(key: str, year: int) -> MarketDay | None:
    """One of those, or of the events of which no day is known; None where the pack has no such thing."""
    return next((day for day in (*pack_days(year), *days_without_rule(year)) if day.key == key), None)


def days_without_rule(year: int) -> list[MarketDay]:
    """The pack's events of which no day is known for that year, each with the first of January."""
    known = {day.key.partition(":")[0] for day in pack_days(year)}
    return [_told(event, year) for event in packs.pack().calendar.events if event.key not in known]


def overlaid(told: MarketDay, row: CalendarEvent) -> MarketDay:
    return replace(
        told,
        name_zh=row.name_zh or told.name_zh,
        name_en=row.name_en or told.name_en,
        note_zh=row.note_zh or told.note_zh,
        note_en=row.note_en or told.note_en,
        first_on=row.first_on,
        last_on=row.last_on,
        sensitive=row.sensitive,
        confidence="high",
        own=row,
    )


def _own(workspace_id: int, first: date, last: date, years: range) -> list[CalendarEvent]:
    """What the workspace wrote: of the pack's events, in those years or moved into these days; and its own."""
    of_the_pack = and_(CalendarEvent.year >= years[0], CalendarEvent.year <= years[-1])
    on_the_days = and_(CalendarEvent.first_on <= last, CalendarEvent.last_on >= first)
    here = CalendarEvent.workspace_id == workspace_id
    query = select(CalendarEvent).where(here, or_(of_the_pack, on_the_days)).order_by(CalendarEvent.id)
    return list(db.session.scalars(query))


def _following(row: CalendarEvent, days: Mapping[tuple[str, int], MarketDay]) -> Iterator[MarketDay]:
    """The cut-offs in front of an event that the workspace moved, but for those that were announced."""
    for rule in packs.pack().calendar.cutoff_rules:
        if rule.unit != "calendar_days" or rule.anchor != row.pack_event or row.year in rule.known:
            continue
        for leg, offset in rule.rule.items():
            if told := days.get((f"{rule.key}:{leg}", row.year or 0)):
                day = row.first_on + timedelta(offset)
                yield replace(told, first_on=day, last_on=day)


def _of_workspace(row: CalendarEvent) -> MarketDay:
    return MarketDay(
        key=f"own:{row.id}", year=row.first_on.year, kind=row.kind, name_zh=row.name_zh or row.name_en or "",
        name_en=row.name_en or row.name_zh or "", note_zh=row.note_zh, note_en=row.note_en, first_on=row.first_on,
        last_on=row.last_on, level="high" if row.sensitive else "none", sensitive=row.sensitive,
        sensitivity_zh=row.note_zh if row.sensitive else None, sensitivity_en=row.note_en if row.sensitive else None,
        cutoff=row.kind == "cutoff", leg=None, confidence="high", own=row,
    )  # fmt: skip


def _order(day: MarketDay) -> tuple[date, date, str]:
    return day.first_on, day.last_on, day.key


def _told(event: packs.Event, year: int) -> MarketDay:
    first, told = date(year, 1, 1), event.sensitivity
    return MarketDay(
        key=event.key, year=year, kind=event.kind, name_zh=event.zh, name_en=event.en, note_zh=event.note_zh,
        note_en=event.note_en, first_on=first, last_on=first, level=told.level,
        sensitive=told.level in SENSITIVE and event.duration_days <= A_WEEK, sensitivity_zh=told.zh,
        sensitivity_en=told.en, cutoff=False, leg=None, confidence=event.confidence, own=None,
    )  # fmt: skip


def _events(year: int) -> Iterator[MarketDay]:
    for event in packs.pack().calendar.events:
        try:
            times = list(occurrences(event.rule, year, event=_day_of))
        except ValueError:  # a lunar day after 2099
            continue
        for first, last in times:
            if event.rule.type not in FROM_ITS_FIRST_DAY:
                last = first + timedelta(event.duration_days - 1)
            key = f"{event.key}:{first.month:02}" if event.rule.type == "monthly" else event.key
            yield replace(_told(event, year), key=key, first_on=first, last_on=last)


def _cutoffs(year: int) -> Iterator[MarketDay]:
    calendar = packs.pack().calendar
    notes = {rule.key: rule for rule in calendar.cutoff_rules}
    for anchor in dict.fromkeys(rule.anchor for rule in calendar.cutoff_rules if rule.anchor):
        try:
            found = cutoffs(calendar, anchor, year)
        except (LookupError, ValueError):  # no day of that event is known for the year
            continue
        for cutoff in found:
            rule = notes[cutoff.key]
            yield MarketDay(
                key=f"{cutoff.key}:{cutoff.leg}", year=year, kind="cutoff", name_zh=cutoff.zh, name_en=cutoff.en,
                note_zh=rule.note_zh, note_en=rule.note_en, first_on=cutoff.day, last_on=cutoff.day, level="none",
                sensitive=False, sensitivity_zh=None, sensitivity_en=None, cutoff=True, leg=cutoff.leg,
                confidence=cutoff.confidence, own=None,
            )  # fmt: skip


def _day_of(key: str, year: int) -> date:
    rule = next(event.rule for event in packs.pack().calendar.events if event.key == key)
    days = days_of(rule, year, event=_day_of)
    if days is None:
        raise ValueError(f"{key} has no day in {year}")
    return days[0]
