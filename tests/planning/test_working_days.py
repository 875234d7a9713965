"""The days of both countries as their governments say, and counting that any walk along a calendar confirms."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkstar.planning.working_days import COUNTRIES, OutOfRange, WorkingDays, known_days

DAY = timedelta(1)
CHINA, AMERICA = WorkingDays("CN"), WorkingDays("US")


def off(country: str, year: int, month: int) -> list[int]:
    return [known.day.day for known in known_days(country, year) if known.day.month == month and not known.works]


def test_spring_festival_and_national_day_of_2026_with_the_weekends_that_are_worked_for_them():
    # State Council: 15-23 February, worked on the 14th and the 28th; 1-7 October, worked on 20 September and 10 October
    assert not any(CHINA.works(date(2026, 2, 15) + number * DAY) for number in range(9))
    assert not any(CHINA.works(date(2026, 10, 1) + number * DAY) for number in range(7))
    worked = [known.day for known in known_days("CN", 2026) if known.works]
    assert worked == [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ]
    assert all(map(CHINA.works, worked))
    assert not any(known.guess for known in known_days("CN", 2026))


def test_later_years_are_guessed_without_make_up_days_and_say_so():
    known = known_days("CN", 2027)
    assert all(each.guess and not each.works for each in known)
    assert off("CN", 2027, 2) == [5, 6, 7, 8, 9, 10, 11, 12]  # eight days from the eve
    assert off("CN", 2027, 5) == [1, 2, 3, 4, 5]
    assert off("CN", 2027, 10) == [1, 2, 3, 4, 5, 6, 7]
    assert off("CN", 2027, 4) == [5] and off("CN", 2027, 6) == [9] and off("CN", 2027, 9) == [15]


def test_a_statutory_day_on_a_sunday_is_given_back_on_monday():
    assert off("CN", 2032, 9) == [19, 20]  # Mid-Autumn


def test_american_holidays_on_a_weekend_are_observed_on_friday_or_monday():
    assert off("US", 2026, 7) == [3, 4]  # a Saturday
    assert off("US", 2027, 7) == [4, 5]  # a Sunday
    assert off("US", 2027, 12) == [24, 25, 31]  # New Year's Day of 2028 too
    assert len(known_days("US", 2026)) == 12


def test_days_are_named_in_both_languages():
    names = {known.day: (known.name_zh, known.name_en) for known in known_days("US", 2026) + known_days("CN", 2026)}
    assert names[date(2026, 7, 3)] == ("独立日(补休)", "Independence Day (observed)")
    assert names[date(2026, 1, 19)] == ("马丁·路德·金纪念日", "Martin Luther King Jr. Day")
    assert names[date(2026, 2, 16)] == ("农历除夕", "Chinese New Year's Eve")
    assert names[date(2026, 10, 10)] == ("调休上班", "Make-up working day")


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_year_of_the_century_is_known(country):
    for year in range(2000, 2101):
        known = known_days(country, year)
        assert known and [each.day for each in known] == sorted({each.day for each in known})
        assert all(each.day.year == year and each.name_zh and each.name_en for each in known)


def test_a_workspace_changes_days_for_itself():
    ours = WorkingDays("CN", {date(2027, 2, 20): True, date(2027, 2, 22): False})
    assert ours.works(date(2027, 2, 20)) and not ours.works(date(2027, 2, 22))
    assert ours.works(date(2027, 2, 23)) and not CHINA.works(date(2027, 2, 20))
    assert ours == WorkingDays("CN", {date(2027, 2, 22): False, date(2027, 2, 20): True}) != CHINA
    assert len({ours, CHINA, WorkingDays("CN"), AMERICA}) == 3


def test_counting_over_spring_festival():
    # 2027: Thursday 4 February is the last day, Monday 15 February the next one
    assert CHINA.next(date(2027, 2, 5)) == date(2027, 2, 15)
    assert CHINA.previous(date(2027, 2, 14)) == date(2027, 2, 4)
    assert CHINA.shift(date(2027, 2, 4), 1) == date(2027, 2, 15)
    assert CHINA.shift(date(2027, 2, 7), 0) == date(2027, 2, 15)
    assert CHINA.shift(date(2027, 2, 7), -1) == date(2027, 2, 4)
    assert CHINA.count(date(2027, 2, 4), date(2027, 2, 16)) == 2
    assert CHINA.count(date(2027, 2, 16), date(2027, 2, 4)) == -2


@pytest.mark.parametrize(
    "ask",
    [
        lambda: CHINA.works(date(1999, 12, 31)),
        lambda: AMERICA.shift(date(2100, 12, 30), 1),
        lambda: AMERICA.shift(date(2000, 1, 3), -1),
        lambda: CHINA.later(2 * date(2101, 1, 1).toordinal(), 1),
        lambda: WorkingDays("CN", {date(2101, 1, 1): True}),
        lambda: known_days("US", 2101),
    ],
)
def test_before_2000_and_after_2100_there_is_nothing(ask):
    with pytest.raises(OutOfRange):
        ask()


def test_other_countries_have_no_calendar():
    with pytest.raises(ValueError, match="DE"):
        WorkingDays("DE")


days = st.dates(date(2025, 12, 1), date(2027, 12, 31))
ticks = st.integers(2 * date(2025, 12, 1).toordinal(), 2 * date(2027, 12, 31).toordinal())
calendars = st.builds(WorkingDays, st.sampled_from(COUNTRIES), st.dictionaries(days, st.booleans(), max_size=5))


@given(calendars, days)
def test_next_and_previous_are_the_nearest_worked_days(calendar, day):
    after, before = calendar.next(day), calendar.previous(day)
    assert calendar.works(after) and calendar.works(before) and before <= day <= after
    between = [before + number * DAY for number in range(1, (after - before).days)]
    assert not any(map(calendar.works, between))
    assert (before == day == after) == calendar.works(day)


@given(calendars, days, days)
def test_a_count_is_what_a_walk_finds(calendar, start, finish):
    walked = sum(calendar.works(start + number * DAY) for number in range((finish - start).days))
    if finish >= start:
        assert calendar.count(start, finish) == walked
    assert calendar.count(start, finish) == -calendar.count(finish, start)


@given(calendars, days, st.integers(-300, 300))
def test_shift_is_a_bijection_of_the_worked_days(calendar, day, number):
    start = calendar.next(day)
    there = calendar.shift(day, number)
    assert calendar.works(there) and there == calendar.shift(start, number)
    assert calendar.count(start, there) == number
    assert calendar.shift(there, -number) == start


@given(calendars, ticks, ticks, st.integers(-12, 24))
def test_earlier_is_the_latest_tick_whose_later_is_in_time(calendar, tick, limit, units):
    if units < 0:
        limit = calendar.next_slot(limit)
    assert (calendar.later(tick, units) <= limit) == (tick <= calendar.earlier(limit, units))


@given(calendars, ticks, st.integers(-12, 24))
def test_what_is_earlier_is_in_time_and_keeps_whole_days_whole(calendar, limit, units):
    start = calendar.earlier(limit, units)
    assert calendar.later(start, units) <= limit
    if limit % 2 == units % 2 == 0:
        assert start % 2 == 0


@given(calendars, days, st.integers(1, 20))
def test_work_takes_exactly_its_half_days(calendar, day, units):
    start = calendar.next_slot(2 * day.toordinal())
    end = calendar.later(start, units)
    worked = [tick for tick in range(start, end) if calendar.works(date.fromordinal(tick // 2))]
    assert len(worked) == units and worked[-1] == end - 1
    assert calendar.units(start, end) == units
    assert calendar.previous_slot(end - 1) == end - 1
