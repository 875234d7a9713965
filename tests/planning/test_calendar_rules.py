"""Every event of the shipped calendar falls on the days that its own table says."""

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from linkstar import packs
from linkstar.packs.events import NthWeekday
from linkstar.planning.calendar_rules import cutoffs, days_of, occurrences

CALENDAR, TEST_DATES = packs.pack().calendar, packs.read(packs.CALENDAR)["test_dates"]
RULES = {event.key: event.rule for event in CALENDAR.events}


def event_day(key: str, year: int) -> date:
    return days_of(RULES[key], year, event=event_day)[0]


def days(key: str, year: int) -> tuple[str, str]:
    return tuple(map(str, days_of(RULES[key], year, event=event_day)))


@pytest.mark.parametrize("key", TEST_DATES)
def test_an_event_falls_on_the_days_of_the_table(key):
    expected = TEST_DATES[key]
    assert {year: days(key, year)[0] for year in expected} == expected


def test_the_table_of_test_dates_leaves_out_only_what_is_no_single_known_day():
    assert set(RULES) - set(TEST_DATES) == {
        "walmart_deals_summer",
        "tiktok_deals_for_you",
        "sales_tax_monthly",
    }


def test_a_window_ends_in_the_next_year():
    assert days("boxing_returns", 2026) == ("2026-12-26", "2027-01-31")


def test_announced_days_win_over_the_usual_ones():
    assert days("prime_day", 2026) == ("2026-06-23", "2026-06-26")
    assert days("prime_day", 2027) == ("2027-06-22", "2027-06-25")
    assert days("free_shipping_day", 2025) == ("2025-12-14", "2025-12-14")


@pytest.mark.parametrize("year, tuesday", [(2027, "2027-10-05"), (2028, "2028-10-03"), (2029, "2029-10-09")])
def test_the_usual_autumn_sale_begins_on_the_tuesday_of_the_first_full_week(year, tuesday):
    first, last = days("prime_big_deal_days", year)
    assert first == tuesday
    assert date.fromisoformat(last) - date.fromisoformat(first) == timedelta(1)


def test_a_table_without_the_year_knows_nothing():
    assert days_of(RULES["inauguration_day"], 2026, event=event_day) is None


def test_a_monthly_rule_comes_twelve_times():
    found = [first for first, _ in occurrences(RULES["sales_tax_monthly"], 2027, event=event_day)]
    assert found == [date(2027, month, 20) for month in range(1, 13)]
    assert days("sales_tax_monthly", 2027) == ("2027-01-20", "2027-01-20")


@pytest.mark.parametrize("number, day", [(1, "2027-02-01"), (4, "2027-02-22"), (-1, "2027-02-22"), (-2, "2027-02-15")])
def test_a_weekday_is_counted_from_either_end_of_the_month(number, day):
    rule = NthWeekday(type="nth_weekday", month=2, weekday="mon", n=number)
    assert str(days_of(rule, 2027, event=event_day)[0]) == day


def test_the_weekday_on_or_before_a_day_can_be_that_day():
    assert days("super_saturday", 2033) == ("2033-12-24", "2033-12-24")
    assert days("super_saturday", 2034) == ("2034-12-23", "2034-12-23")


def test_the_last_weekday_of_december_is_in_december():
    rule = NthWeekday(type="nth_weekday", month=12, weekday="fri", n=-1)
    assert str(days_of(rule, 2027, event=event_day)[0]) == "2027-12-31"


def test_a_rule_of_no_known_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="full_moon"):
        days_of(SimpleNamespace(type="full_moon"), 2027, event=event_day)


def legs(event: str, year: int, key: str) -> dict[str, str]:
    return {cutoff.leg: str(cutoff.day) for cutoff in cutoffs(CALENDAR, event, year) if cutoff.key == key}


def test_the_cutoffs_of_black_friday_are_those_announced_for_the_year():
    assert legs("black_friday", 2026, "fba_bfcm") == {
        "awd": "2026-10-14",
        "minimal_splits": "2026-10-21",
        "optimized_splits": "2026-10-28",
    }
    assert legs("black_friday", 2022, "fba_bfcm") == {"single": "2022-11-02"}


def test_where_nothing_is_announced_the_usual_distance_holds():
    # Black Friday 2027 is 26 November; 30, 37 and 44 days before
    assert legs("black_friday", 2027, "fba_bfcm") == {
        "awd": "2027-10-13",
        "minimal_splits": "2027-10-20",
        "optimized_splits": "2027-10-27",
    }
    # the first day of the Year of the Goat is 6 February 2027
    assert legs("cn_spring_festival", 2027, "cny_order") == {
        "last_order": "2026-12-13",
        "last_ship": "2027-01-25",
        "restart_from": "2027-02-16",
        "full_capacity": "2027-02-24",
    }


def test_cutoffs_come_in_order_with_their_names_and_how_sure_they_are():
    found = cutoffs(CALENDAR, "black_friday", 2026)
    assert found == sorted(found, key=lambda cutoff: cutoff.day)
    assert {cutoff.key for cutoff in found} == {
        "fba_bfcm",
        "deals_bfcm",
        "ocean_bfcm",
        "production_bfcm",
        "walmart_holiday",
    }
    assert (found[0].zh, found[0].en, found[0].confidence) == (
        "黑五大货最晚下单",
        "Latest bulk order for BFCM",
        "medium",
    )
    assert cutoffs(CALENDAR, "easter", 2026) == []


def test_a_season_is_no_cutoff():
    season = next(rule for rule in CALENDAR.cutoff_rules if rule.unit == "fixed")
    calendar = replace(CALENDAR, cutoff_rules=(replace(season, anchor="black_friday"),))
    assert cutoffs(calendar, "black_friday", 2026) == []
