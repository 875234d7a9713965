"""A pack's calendar: the days of an event in a year, and the cut-offs in front of it.

Calendars and rules come as packs/events.py has them; this reads their attributes and imports nothing of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SAID_IN_WORDS = {"tuesday of the first full week of October": (10, 3, "tue")}  # that weekday on or after that day

Event = Callable[[str, int], date]


@dataclass(frozen=True)
class Cutoff:
    """The last day of one leg (a way of shipping, a deadline), as announced or else as far from the event as usual."""

    key: str
    leg: str
    day: date
    zh: str
    en: str
    confidence: str


def days_of(rule: Any, year: int, *, event: Event) -> tuple[date, date] | None:
    """First and last day in that year; of a monthly rule, the first time; None where no date of it is known.

    `event` finds the day of another event. Raises ValueError for a rule of another kind and for a lunar day after 2099.
    """
    return next(occurrences(rule, year, event=event), None)


def occurrences(rule: Any, year: int, *, event: Event) -> Iterator[tuple[date, date]]:
    """First and last day of each time in that year: twelve for a monthly rule, one or none for all others."""
    match rule.type:
        case "monthly":
            for month in range(1, 13):
                yield date(year, month, rule.day), date(year, month, rule.day)
        case "window":
            start, end = (days_of(side, year, event=event) for side in (rule.start, rule.end))
            if start and end:
                yield start[0], end[1]
        case "table" | "rule" | "configurable":
            yield from _listed(rule, year)
        case _:
            day = _day(rule, year, event)
            yield day, day


def cutoffs(calendar: Any, anchor_event: str, year: int) -> list[Cutoff]:
    """What must have happened by when for that event, in order: the announced days where a year has them, else a rule.

    Raises KeyError where the calendar has no such event.
    """
    events = {event.key: event.rule for event in calendar.events}

    def event_day(key: str, year: int) -> date:
        days = days_of(events[key], year, event=event_day)
        if days is None:
            raise LookupError(f"{key} has no day in {year}")
        return days[0]

    days = days_of(events[anchor_event], year, event=event_day)
    found = []
    for rule in calendar.cutoff_rules:
        if rule.anchor != anchor_event or rule.unit != "calendar_days":
            continue
        legs = rule.known.get(year)
        if days and not legs:
            legs = {leg: days[0] + timedelta(offset) for leg, offset in rule.rule.items()}
        for leg, day in (legs or {}).items():
            found.append(Cutoff(rule.key, leg, day, rule.zh, rule.en, rule.confidence))
    return sorted(found, key=lambda cutoff: cutoff.day)


def _listed(rule: Any, year: int) -> Iterator[tuple[date, date]]:
    listed, usual = rule.dates.get(year), getattr(rule, "default", None)
    if listed:
        yield (listed, listed) if isinstance(listed, date) else listed
    elif usual:
        first = _usual(usual, year)
        yield first, first + timedelta(usual.days - 1)


def _usual(usual: Any, year: int) -> date:
    if words := getattr(usual, "start_rule", None):
        month, day, weekday = SAID_IN_WORDS[words]
        return _on_or_after(date(year, month, day), weekday)
    return date(year, usual.start_month, usual.start_day)


def _day(rule: Any, year: int, event: Event) -> date:
    match rule.type:
        case "fixed":
            return date(year + rule.year_offset, rule.month, rule.day)
        case "nth_weekday":
            return _nth_weekday(year, rule.month, WEEKDAYS.index(rule.weekday), rule.n)
        case "weekday_on_or_after":
            return _on_or_after(date(year, rule.month, rule.day), rule.weekday)
        case "weekday_on_or_before":
            return _on_or_after(date(year, rule.month, rule.day) - timedelta(6), rule.weekday)
        case "relative":
            day = event(rule.to, year)
        case "easter":
            day = _easter(year)
        case "lunar":
            day = _lunar(year, rule.month, rule.day)
        case other:
            raise ValueError(f"no such rule: {other}")
    offset: int = rule.offset_days
    return day + timedelta(offset)


def _on_or_after(day: date, weekday: str) -> date:
    return day + timedelta((WEEKDAYS.index(weekday) - day.weekday()) % 7)


def _nth_weekday(year: int, month: int, weekday: int, number: int) -> date:
    """Counted from the end of the month where the number is negative."""
    if number < 0:
        after = date(year + month // 12, month % 12 + 1, 1)
        return after - timedelta((after.weekday() - weekday - 1) % 7 + 1) + timedelta(weeks=number + 1)
    first = date(year, month, 1)
    return first + timedelta((weekday - first.weekday()) % 7, weeks=number - 1)


def _lunar(year: int, month: int, day: int) -> date:
    from lunardate import LunarDate

    return LunarDate(year, month, day).to_solar_date()


def _easter(year: int) -> date:
    """The Gregorian Easter by Butcher's rule, which has no names for what it computes."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * i) // 451
    month, day = divmod(h + i - 7 * m + 114, 31)
    return date(year, month, day + 1)
