"""How full a day is: leave, both countries' holidays, shares of a day, and where it becomes too much."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkstar.planning.capacity import Assignment, Capacity, Load
from linkstar.planning.working_days import WorkingDays

CHINA, AMERICA = WorkingDays("CN"), WorkingDays("US")
MONDAY = date(2026, 10, 19)
FRIDAY = date(2026, 10, 23)


def days(first: date, count: int) -> frozenset[date]:
    return frozenset(first + timedelta(number) for number in range(count))


def hours(capacity: Capacity, assignment: Assignment) -> dict[str, float]:
    load = Load(capacity, [assignment], assignment.first, assignment.last)
    return {f"{day:%m-%d}": load.on(day) for day in load.window if load.on(day)}


def test_hours_are_spread_over_the_days_on_which_the_person_works():
    week = Assignment(1, MONDAY, date(2026, 10, 26), 12)
    assert hours(Capacity(CHINA, 8), week) == dict.fromkeys(["10-19", "10-20", "10-21", "10-22", "10-23", "10-26"], 2)
    on_leave = Capacity(CHINA, 8, days(date(2026, 10, 20), 5))  # over the weekend, which counts for nothing
    assert hours(on_leave, week) == {"10-19": 6, "10-26": 6}
    golden_week = Assignment(1, date(2026, 9, 30), date(2026, 10, 8), 8)
    assert hours(Capacity(CHINA, 8), golden_week) == {"09-30": 4, "10-08": 4}
    assert len(hours(Capacity(AMERICA, 8), golden_week)) == 7
    thanksgiving = Assignment(1, date(2026, 11, 25), date(2026, 11, 27), 8)
    assert hours(Capacity(AMERICA, 8), thanksgiving) == {"11-25": 4, "11-27": 4}
    make_up_saturday = Assignment(1, date(2026, 10, 10), date(2026, 10, 11), 5)
    assert hours(Capacity(CHINA, 8), make_up_saturday) == {"10-10": 5}
    closed = WorkingDays("CN", {MONDAY: False})
    assert hours(Capacity(closed, 8), Assignment(1, MONDAY, date(2026, 10, 20), 8)) == {"10-20": 8}
    one_day = Assignment(1, FRIDAY, FRIDAY, 40)
    assert hours(Capacity(CHINA, 8), one_day) == {"10-23": 40}


def test_the_share_of_a_day_counts_the_days_outside_of_the_window_too():
    load = Load(Capacity(CHINA, 8), [Assignment(1, MONDAY, FRIDAY, 20)], FRIDAY, FRIDAY + timedelta(9))
    assert load.on(FRIDAY) == 4 and load.on(FRIDAY + timedelta(3)) == 0


@pytest.mark.parametrize("hours_a_day", [8, 7.5, 6.1])
def test_four_at_once_fill_a_day_and_the_fifth_is_too_much(hours_a_day):
    def load(count):
        tasks = [Assignment(number, MONDAY, date(2026, 10, 27)) for number in range(count)]
        return Load(Capacity(CHINA, hours_a_day), tasks, MONDAY, date(2026, 10, 30))

    assert load(4).fits_on(MONDAY) and not load(4).clashes and load(4).free_on(MONDAY) == pytest.approx(0)
    (clash,) = load(5).clashes
    assert (clash.first, clash.last) == (MONDAY, date(2026, 10, 27)), "the weekend does not part it"
    assert clash.hours == pytest.approx(7 * 1.25 * hours_a_day) and clash.capacity == pytest.approx(7 * hours_a_day)
    assert clash.keys == (0, 1, 2, 3, 4)


def test_days_of_too_much_work_are_parted_by_a_lighter_one():
    tasks = [Assignment(1, MONDAY, MONDAY, 10), Assignment(2, MONDAY + timedelta(2), MONDAY + timedelta(2), 11)]
    load = Load(Capacity(CHINA, 8), tasks, MONDAY, FRIDAY)
    assert [(clash.first, clash.keys) for clash in load.clashes] == [(MONDAY, (1,)), (MONDAY + timedelta(2), (2,))]
    assert not Load(Capacity(CHINA, 8), [Assignment(1, MONDAY, MONDAY, 9.9)], MONDAY, FRIDAY).clashes


@given(
    st.sampled_from([CHINA, AMERICA]), st.dates(date(2026, 9, 1), date(2026, 11, 30)), st.integers(0, 20),
    st.floats(0.5, 400), st.sets(st.integers(-2, 22)),
)  # fmt: skip
def test_all_hours_lie_on_days_of_the_task_whichever_are_worked_on(calendar, first, length, asked, away):
    capacity = Capacity(calendar, 8, frozenset(first + timedelta(number) for number in away))
    last = first + timedelta(length)
    load = Load(capacity, [Assignment(1, first, last, asked)], first - timedelta(3), last + timedelta(3))
    taken = [day for day in load.window if load.on(day)]
    assert sum(map(load.on, taken)) == pytest.approx(asked) and first <= min(taken) <= max(taken) <= last
    worked = [day for day in load.window if first <= day <= last and capacity.on(day)]
    assert taken == worked or (bool(load.stranded) and not worked)


def test_what_lies_only_on_days_off_is_not_lost():
    week_of_leave = Capacity(CHINA, 8, days(MONDAY, 5))
    tasks = [
        Assignment(1, MONDAY, FRIDAY, 8),  # leave
        Assignment(2, date(2026, 10, 24), date(2026, 10, 25)),  # a weekend
        Assignment(3, FRIDAY, date(2026, 10, 26), 6),  # the Monday after is left
    ]
    load = Load(week_of_leave, tasks, MONDAY, date(2026, 10, 30))
    assert [each.key for each in load.stranded] == [1, 2]
    assert load.on(MONDAY) == 8 / 5 and load.on(date(2026, 10, 24)) == 2, "a share of the day where no hours are said"
    assert load.on(date(2026, 10, 26)) == 6 and not load.clashes
