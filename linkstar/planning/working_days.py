"""Which days people work in China and in the United States, and counting along them."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

COUNTRIES = ("CN", "US")
ELSEWHERE = ""  # of whose holidays nothing is known: every weekday is worked
FIRST, LAST = date(2000, 1, 1), date(2100, 12, 31)

US_NAMES_ZH = {
    "New Year's Day": "元旦",
    "Martin Luther King Jr. Day": "马丁·路德·金纪念日",
    "Washington's Birthday": "总统日",
    "Memorial Day": "阵亡将士纪念日",
    "Juneteenth National Independence Day": "六月节",
    "Independence Day": "独立日",
    "Labor Day": "劳动节",
    "Columbus Day": "哥伦布日",
    "Veterans Day": "退伍军人节",
    "Thanksgiving Day": "感恩节",
    "Christmas Day": "圣诞节",
}
OBSERVED = " (observed)"
NEW_YEARS_EVE = "Chinese New Year's Eve"


def country_of(zone: str) -> str:
    """Whose working days and holidays are kept where clocks show that zone; ELSEWHERE for neither."""
    if zone.startswith(("America/", "US/")) or zone == "Pacific/Honolulu":
        return "US"
    return "CN" if zone.startswith("Asia/") else ELSEWHERE


class OutOfRange(ValueError):
    """A day before 2000 or after 2100."""


@dataclass(frozen=True)
class KnownDay:
    """A day on which a country does not do what its weekday says, or a holiday that falls on a weekend.

    A guess is a day of a year for which the State Council has not said anything yet.
    """

    day: date
    works: bool
    name_zh: str
    name_en: str
    guess: bool


def known_days(country: str, year: int) -> list[KnownDay]:
    """The days off of that year and its weekend days that are worked, in order.

    Raises OutOfRange for a year outside 2000-2100 and ValueError for another country than COUNTRIES.
    """
    return list(_known(country, year))


@cache
def _known(country: str, year: int) -> tuple[KnownDay, ...]:
    if country not in COUNTRIES:
        raise ValueError(f"no calendar for {country!r}")
    if not FIRST.year <= year <= LAST.year:
        raise OutOfRange(f"{year} is not in {FIRST.year}-{LAST.year}")
    days = _chinese_days(year) if country == "CN" else _american_days(year)
    return tuple(sorted(days, key=lambda known: known.day))


def _american_days(year: int) -> Iterator[KnownDay]:
    for day, name in _names("US", "en_US")[year].items():
        plain = name.removesuffix(OBSERVED)
        name_zh = US_NAMES_ZH[plain] + ("(补休)" if plain != name else "")
        yield KnownDay(day, False, name_zh, name, guess=False)


def _chinese_days(year: int) -> Iterator[KnownDay]:
    from holidays.countries.china import ChinaStaticHolidays

    guess = year > max(ChinaStaticHolidays.special_public_holidays)
    in_english = _names("CN", "en_US")[year]
    names = {day: (name, in_english[day]) for day, name in _names("CN", "zh_CN")[year].items()}
    if guess:
        names = _guessed_breaks(year, names) | names
    for day, (name_zh, name_en) in names.items():
        yield KnownDay(day, False, name_zh, name_en, guess)
    for day in _library("CN", "zh_CN").weekend_workdays:
        if day.year == year:
            yield KnownDay(day, True, "调休上班", "Make-up working day", guess)


def _guessed_breaks(year: int, names: Mapping[date, tuple[str, str]]) -> dict[date, tuple[str, str]]:
    """What the State Council usually joins to the statutory days; which Saturdays pay for it, nobody knows yet."""
    eve = next(day for day, (_, name) in names.items() if name == NEW_YEARS_EVE)
    breaks = ((eve, 8), (date(year, 5, 1), 5), (date(year, 10, 1), 7))  # in each, the second day has the plain name
    return {
        first + timedelta(number): names[first + timedelta(1)] for first, length in breaks for number in range(length)
    }


@cache
def _names(country: str, language: str) -> dict[int, dict[date, str]]:
    """What the library calls each holiday, by year."""
    years: dict[int, dict[date, str]] = {year: {} for year in range(FIRST.year - 1, LAST.year + 2)}
    for day, name in _library(country, language).items():
        years[day.year][day] = name
    return years


@cache
def _library(country: str, language: str) -> "HolidayBase":
    import holidays  # takes a fifth of a second

    return holidays.country_holidays(country, years=range(FIRST.year, LAST.year + 1), language=language)


class WorkingDays:
    """The working days of a country, with a workspace's own changes (True: worked, False: off) on top.

    Every method raises OutOfRange for a day, or an answer, outside 2000-2100.

    The scheduler counts in ticks: 2 * day.toordinal() is the morning of a day, one more its afternoon; the end of a
    working day is the next morning, whether anybody works then or not. Units are half days there.
    """

    __slots__ = ("_of_rank", "_ranks", "changes", "country")

    def __init__(self, country: str, changes: Mapping[date, bool] | None = None) -> None:
        self.country = country
        self.changes = frozenset((changes or {}).items())
        self._ranks, self._of_rank = _table(country, self.changes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WorkingDays):
            return NotImplemented
        return (self.country, self.changes) == (other.country, other.changes)

    def __hash__(self) -> int:
        return hash((self.country, self.changes))

    def __repr__(self) -> str:
        return f"WorkingDays({self.country!r}, {dict(sorted(self.changes))!r})"

    def works(self, day: date) -> bool:
        place = _place(day)
        return self._ranks[place] < self._ranks[place + 1]

    def next(self, day: date) -> date:
        """This day, or the first working one after it."""
        return self._day(self._ranks[_place(day)])

    def previous(self, day: date) -> date:
        """This day, or the last working one before it."""
        return self._day(self._ranks[_place(day) + 1] - 1)

    def shift(self, day: date, number: int) -> date:
        """That many working days on, or back where negative; a day off counts as the next working day."""
        return self._day(self._ranks[_place(day)] + number)

    def count(self, start: date, finish: date) -> int:
        """The working days from start up to the day before finish; negative where finish is the earlier one."""
        return self._ranks[_place(finish)] - self._ranks[_place(start)]

    def later(self, tick: int, units: int) -> int:
        """The end of that much work begun at the tick or, where negative, the slot that lies so far before it."""
        if units == 0:
            return tick
        position = self._position(tick) + units
        return self._slot(position - 1) + 1 if units > 0 else self._slot(position)

    def earlier(self, tick: int, units: int) -> int:
        """The latest tick whose later(…, units) is not after this one: for work, its latest start.

        Where the units are negative and nobody works at the tick, it is that of the same half as the tick.
        """
        if units == 0:
            return tick
        return self._slot(self._position(tick if units > 0 else self.previous_slot(tick)) - units)

    def next_slot(self, tick: int) -> int:
        """This tick, or the first after it at which somebody works."""
        return self._slot(self._position(tick))

    def previous_slot(self, tick: int) -> int:
        """This tick or, where nobody works then, the same half of the last worked day before it."""
        if self.next_slot(tick) == tick:
            return tick
        return 2 * self._ordinal(self._ranks[(tick >> 1) - FIRST.toordinal()] - 1) + (tick & 1)

    def units(self, start: int, finish: int) -> int:
        """The worked half days from one tick up to another, negative where that is the earlier one."""
        return self._position(finish) - self._position(start)

    def _position(self, tick: int) -> int:
        """How many half days are worked before it."""
        place = (tick >> 1) - FIRST.toordinal()
        if not 0 <= place < len(self._ranks) - 1:
            raise OutOfRange(f"half day {tick} is not in {FIRST.year}-{LAST.year}")
        rank = self._ranks[place]
        return 2 * rank + (tick & 1 if self._ranks[place + 1] > rank else 0)

    def _slot(self, position: int) -> int:
        return 2 * self._ordinal(position >> 1) + (position & 1)

    def _day(self, rank: int) -> date:
        return date.fromordinal(self._ordinal(rank))

    def _ordinal(self, rank: int) -> int:
        if not 0 <= rank < len(self._of_rank):
            raise OutOfRange(f"working day {rank} is not in {FIRST.year}-{LAST.year}")
        return self._of_rank[rank]


def check_range(days: Iterable[date]) -> None:
    """Raises OutOfRange for a day outside 2000-2100."""
    for day in days:
        _place(day)


def _place(day: date) -> int:
    if not FIRST <= day <= LAST:
        raise OutOfRange(f"{day} is not in {FIRST.year}-{LAST.year}")
    return day.toordinal() - FIRST.toordinal()


@lru_cache(maxsize=64)
def _table(country: str, changes: frozenset[tuple[date, bool]]) -> tuple["array[int]", "array[int]"]:
    """For each day, and the one after the last, how many are worked before it; and the ordinals of those worked."""
    works = bytearray(_usual(country))
    for day, worked in changes:
        works[_place(day)] = worked
    first = FIRST.toordinal()
    of_rank = array("i", (first + place for place, worked in enumerate(works) if worked))
    return array("i", accumulate(works, initial=0)), of_rank


@cache
def _usual(country: str) -> bytes:
    days = range(FIRST.toordinal(), LAST.toordinal() + 1)
    works = bytearray(ordinal % 7 not in (6, 0) for ordinal in days)
    for year in range(FIRST.year, LAST.year + 1):
        for known in _known(country, year) if country else ():
            works[_place(known.day)] = known.works
    return bytes(works)
