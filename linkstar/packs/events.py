"""The events of a year, the rules that tell their days, and the cut-offs in front of them. `rule_grammar` in
us/calendar.yaml says what each rule means; planning/calendar_rules.py works their days out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from linkstar.packs.bounds import AtMost, Between, Days, EventKey, Key
from linkstar.packs.faults import Contradiction

Confidence = Literal["high", "medium", "low"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Month = Annotated[int, Between(1, 12)]
Day = Annotated[int, Between(1, 31)]
Year = Annotated[int, Between(2000, 2100)]
Shift = Annotated[int, Between(-1000, 1000)]
Dates = Mapping[Year, Annotated[date | tuple[date, ...], "days"]]  # one day, or the first and the last one


@dataclass(frozen=True, kw_only=True)
class MonthDay:
    month: Month
    day: Day

    def __post_init__(self) -> None:
        _in_every_year(self.month, self.day)


@dataclass(frozen=True, kw_only=True)
class Fixed(MonthDay):
    type: Literal["fixed"]
    year_offset: Annotated[int, Between(-1, 1)] = 0

    @property
    def in_order(self) -> tuple[int, int, int]:
        return self.year_offset, self.month, self.day


@dataclass(frozen=True, kw_only=True)
class NthWeekday:
    """Counted from the end of the month where `n` is negative."""

    type: Literal["nth_weekday"]
    month: Month
    weekday: Weekday
    n: Literal[1, 2, 3, 4, 5, -1]


@dataclass(frozen=True, kw_only=True)
class WeekdayOnOrBefore(MonthDay):
    type: Literal["weekday_on_or_before"]
    weekday: Weekday


@dataclass(frozen=True, kw_only=True)
class WeekdayOnOrAfter(MonthDay):
    type: Literal["weekday_on_or_after"]
    weekday: Weekday


@dataclass(frozen=True, kw_only=True)
class Relative:
    type: Literal["relative"]
    to: EventKey
    offset_days: Shift


@dataclass(frozen=True, kw_only=True)
class Easter:
    type: Literal["easter"]
    offset_days: Shift


@dataclass(frozen=True, kw_only=True)
class Lunar:
    type: Literal["lunar"]
    month: Month
    day: Annotated[int, Between(1, 29)]  # not every lunar month has a thirtieth
    offset_days: Shift = 0


@dataclass(frozen=True, kw_only=True)
class Monthly:
    type: Literal["monthly"]
    day: Annotated[int, Between(1, 28)]


@dataclass(frozen=True, kw_only=True)
class Table:
    type: Literal["table"]
    dates: Dates


@dataclass(frozen=True, kw_only=True)
class Told:
    """A rule in words, and the days that it gives."""

    type: Literal["rule"]
    text: str
    dates: Dates


@dataclass(frozen=True, kw_only=True)
class UsualInWords:
    start_rule: Literal["tuesday of the first full week of October"]
    days: Annotated[int, Between(1, 366)]


@dataclass(frozen=True, kw_only=True)
class Usual:
    start_month: Month
    start_day: Day
    days: Annotated[int, Between(1, 366)]

    def __post_init__(self) -> None:
        _in_every_year(self.start_month, self.start_day)


@dataclass(frozen=True, kw_only=True)
class Configurable:
    """Days that are announced each year, and those to count on before."""

    type: Literal["configurable"]
    dates: Dates
    default: UsualInWords | Usual


OneDay = Fixed | NthWeekday | WeekdayOnOrBefore | WeekdayOnOrAfter | Relative | Easter | Lunar


@dataclass(frozen=True, kw_only=True)
class Window:
    type: Literal["window"]
    start: OneDay
    end: OneDay

    def __post_init__(self) -> None:
        start, end = self.start, self.end
        if isinstance(start, Fixed) and isinstance(end, Fixed) and start.in_order > end.in_order:
            raise Contradiction("ends_before_start")


Rule = OneDay | Window | Monthly | Table | Told | Configurable


@dataclass(frozen=True, kw_only=True)
class LeadDays:
    """How long before the event stock is sellable, creatives are ready, ads are warm and deals are submitted."""

    stock: Days | None = None
    creative: Days | None = None
    ads: Days | None = None
    deals: Days | None = None


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    level: Literal["none", "low", "medium", "high", "critical"]
    zh: Annotated[str, AtMost(400)] | None = None
    en: Annotated[str, AtMost(400)] | None = None
    suggest_pause_promo: bool = False


@dataclass(frozen=True, kw_only=True)
class Event:
    key: Key
    zh: Annotated[str, AtMost(120)]
    en: Annotated[str, AtMost(120)]
    kind: Literal["federal", "commercial", "social", "religious", "platform", "tax", "factory", "dst"]
    federal_holiday: bool
    rule: Rule
    duration_days: Annotated[int, Between(1, 366)]
    impact: Literal["high", "medium", "low"]
    observed_rule: str | None = None
    lead_days: LeadDays
    sensitivity: Sensitivity
    note_zh: str | None = None
    note_en: str | None = None
    confidence: Confidence

    @property
    def counts_from(self) -> list[str]:
        """The events whose days tell its own."""
        rules = (self.rule.start, self.rule.end) if isinstance(self.rule, Window) else (self.rule,)
        return [rule.to for rule in rules if isinstance(rule, Relative)]


@dataclass(frozen=True, kw_only=True)
class CutoffRule:
    key: Key
    zh: Annotated[str, AtMost(120)]
    en: Annotated[str, AtMost(120)]
    known: Mapping[Year, Mapping[str, date]]  # the announced days of each leg
    confidence: Confidence
    note_zh: str | None = None
    note_en: str | None = None


@dataclass(frozen=True, kw_only=True)
class DaysFromEvent(CutoffRule):
    unit: Literal["calendar_days"]
    anchor: EventKey
    rule: Mapping[str, Shift]  # of each leg


@dataclass(frozen=True, kw_only=True)
class Season(CutoffRule):
    """The same days every year."""

    unit: Literal["fixed"]
    anchor: EventKey | None = None
    rule: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Calendar:
    events: tuple[Event, ...]
    cutoff_rules: tuple[DaysFromEvent | Season, ...]


def _in_every_year(month: int, day: int) -> None:
    try:
        date(2001, month, day)
    except ValueError:
        raise Contradiction("no_such_day", value=f"{month:02}-{day:02}") from None
