"""A pack's calendar: the days of an event in a year, and the cut-offs in front of it. `rule_grammar` is in the file."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SAID_IN_WORDS = {
    "tuesday of the first full week of October": {
        "type": "weekday_on_or_after",
        "month": 10,
        "day": 3,
        "weekday": "tue",
    },
}

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


def days_of(rule: Mapping[str, Any], year: int, *, event: Event) -> tuple[date, date] | None:
    """First and last day in that year; of a monthly rule, the first time; None where no date of it is known.

    `event` finds the day of another event. Raises ValueError for a rule of another kind and for a lunar day after 2099.
    """
    return next(occurrences(rule, year, event=event), None)


def occurrences(rule: Mapping[str, Any], year: int, *, event: Event) -> Iterator[tuple[date, date]]:
    """First and last day of each time in that year: twelve for a monthly rule, one or none for all others."""
    match rule["type"]:
        case "monthly":
            for month in range(1, 13):
                yield date(year, month, rule["day"]), date(year, month, rule["day"])
        case "window":
            start, end = (days_of(rule[side], year, event=event) for side in ("start", "end"))
            if start and end:
                yield start[0], end[1]
        case "table" | "rule" | "configurable":
            yield from _listed(rule, year, event)
        case _:
            day = _day(rule, year, event)
            yield day, day


def cutoffs(calendar: Mapping[str, Any], anchor_event: str, year: int) -> list[Cutoff]:
    """What must have happened by when for that event, in order: the announced days where a year has them, else a rule.

    Raises KeyError where the calendar has no such event.
    """
    events = {event["key"]: event["rule"] for event in calendar["events"]}

    def event_day(key: str, year: int) -> date:
        days = days_of(events[key], year, event=event_day)
        if days is None:
            raise LookupError(f"{key} has no day in {year}")
        return days[0]

    days = days_of(events[anchor_event], year, event=event_day)
    found = []
    for rule in calendar["cutoff_rules"]:
        if rule["anchor"] != anchor_event or rule["unit"] != "calendar_days":
            continue
        legs = {leg: date.fromisoformat(day) for leg, day in rule["known"].get(year, {}).items()}
        if days and not legs:
            legs = {leg: days[0] + timedelta(offset) for leg, offset in rule["rule"].items()}
        for leg, day in legs.items():
            found.append(Cutoff(rule["key"], leg, day, rule["zh"], rule["en"], rule["confidence"]))
    return sorted(found, key=lambda cutoff: cutoff.day)


def _listed(rule: Mapping[str, Any], year: int, event: Event) -> Iterator[tuple[date, date]]:
    listed, usual = rule["dates"].get(year), rule.get("default")
    if listed:
        first, last = (listed, listed) if isinstance(listed, str) else listed
        yield date.fromisoformat(first), date.fromisoformat(last)
    elif usual:
        start = SAID_IN_WORDS.get(usual.get("start_rule"))
        first = _day(start, year, event) if start else date(year, usual["start_month"], usual["start_day"])
        yield first, first + timedelta(usual["days"] - 1)


def _day(rule: Mapping[str, Any], year: int, event: Event) -> date:
    match rule["type"]:
        case "fixed":
            return date(year + rule.get("year_offset", 0), rule["month"], rule["day"])
        case "nth_weekday":
            return _nth_weekday(year, rule["month"], WEEKDAYS.index(rule["weekday"]), rule["n"])
        case "weekday_on_or_after":
            day = date(year, rule["month"], rule["day"])
            return day + timedelta((WEEKDAYS.index(rule["weekday"]) - day.weekday()) % 7)
        case "weekday_on_or_before":
            day = date(year, rule["month"], rule["day"])
            return day - timedelta((day.weekday() - WEEKDAYS.index(rule["weekday"])) % 7)
        case "relative":
            day = event(rule["to"], year)
        case "easter":
            day = _easter(year)
        case "lunar":
            day = _lunar(year, rule["month"], rule["day"])
        case other:
            raise ValueError(f"no such rule: {other}")
    return day + timedelta(rule.get("offset_days", 0))


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
