from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from linkstar.planning.overlap import Side, ask_before, next_overlap, overlaps
from linkstar.planning.working_days import ELSEWHERE, WorkingDays, country_of

CHINA, AMERICA = WorkingDays("CN"), WorkingDays("US")
SHENZHEN = Side(ZoneInfo("Asia/Shanghai"), time(9), time(18), CHINA)
LATE = Side(ZoneInfo("Asia/Shanghai"), time(8, 30), time(21), CHINA)
ANGELES = Side(ZoneInfo("America/Los_Angeles"), time(9), time(18), AMERICA)
ZURICH = Side(ZoneInfo("Europe/Zurich"), time(8), time(17), WorkingDays("US"))


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def in_beijing(window):
    return tuple(f"{moment.astimezone(SHENZHEN.zone):%m-%d %H:%M}" for moment in window)


@pytest.mark.parametrize(
    "day, found",
    [  # America's clocks go back on 1 November 2026 and forward on 14 March 2027; China's stay
        ("2026-10-30", []),
        ("2026-11-02", []),
        ("2026-11-03", [("11-03 09:00", "11-03 10:00")]),
        ("2027-03-12", [("03-12 09:00", "03-12 10:00")]),
        ("2027-03-15", []),
        ("2027-03-16", []),
    ],
)
def test_the_hour_that_two_sides_share_comes_and_goes_with_american_clocks(day, found):
    shared = overlaps(SHENZHEN, ANGELES, beijing(f"{day}T00:00"), beijing(f"{day}T23:59"))
    assert [in_beijing(window) for window in shared] == found


def test_in_the_weeks_of_the_change_the_window_is_right_to_the_minute():
    thursday, friday = beijing("2026-10-29T12:00"), beijing("2026-10-30T12:00")
    assert in_beijing(next_overlap(LATE, ANGELES, thursday)) == ("10-30 08:30", "10-30 09:00")
    assert in_beijing(next_overlap(LATE, ANGELES, friday)) == ("11-03 08:30", "11-03 10:00"), "a weekend lies between"


def test_a_window_far_away_is_told_whole():
    assert in_beijing(next_overlap(SHENZHEN, ANGELES, beijing("2026-11-29T09:10"))) == ("12-01 09:00", "12-01 10:00")


def test_who_never_meet_have_no_window():
    early = Side(ZoneInfo("Asia/Shanghai"), time(12), time(14), CHINA)
    assert next_overlap(early, ANGELES, beijing("2026-10-13T09:40")) is None


def test_a_window_that_is_on_begins_now():
    assert in_beijing(next_overlap(SHENZHEN, ZURICH, beijing("2026-10-13T15:20"))) == ("10-13 15:20", "10-13 18:00")


def test_holidays_of_either_side_are_passed_over():
    found = next_overlap(SHENZHEN, ZURICH, beijing("2026-09-30T19:00"))
    assert in_beijing(found) == ("10-08 14:00", "10-08 18:00"), "the National Day week"


def test_how_long_one_may_ask_for_an_answer_today():
    """Zurich works until 23:00 in Beijing, but who asks goes home at 18:00."""
    last, end = ask_before(SHENZHEN, ZURICH, beijing("2026-10-13T09:40"))
    assert in_beijing((last, end)) == ("10-13 17:00", "10-13 18:00")
    last, end = ask_before(SHENZHEN, ZURICH, beijing("2026-10-13T17:30"))
    assert in_beijing((last, end)) == ("10-14 17:00", "10-14 18:00"), "too late for today"


def test_los_angeles_answers_in_the_night():
    """It works from midnight to nine in Beijing: who asks by eight in the morning has the answer during the day."""
    last, end = ask_before(SHENZHEN, ANGELES, beijing("2026-10-13T09:40"))
    assert in_beijing((last, end)) == ("10-14 08:00", "10-14 18:00")


def test_the_next_working_day_begins():
    assert ANGELES.opens(beijing("2026-10-17T09:40")) == datetime(2026, 10, 19, 16, tzinfo=UTC), (
        "a Friday evening there"
    )
    assert ANGELES.opens(datetime(2026, 10, 30, 20, tzinfo=UTC)) == datetime(2026, 11, 2, 17, tzinfo=UTC), "winter time"
    assert ANGELES.opens(datetime(2026, 11, 2, 17, tzinfo=UTC)) == datetime(2026, 11, 3, 17, tzinfo=UTC)


def test_days_until_an_answer_are_those_of_the_other_side():
    assert ANGELES.answers_on(beijing("2026-10-13T09:40"), 3) == date(2026, 10, 16), "asked on Columbus Day"
    assert ANGELES.answers_on(beijing("2026-11-26T02:00"), 1) == date(2026, 11, 27), "over Thanksgiving"
    assert ANGELES.answers_on(beijing("2026-10-15T09:30"), 1) == date(2026, 10, 16), "18:30 there: asked on Thursday"
    assert ANGELES.answers_on(beijing("2026-10-15T08:30"), 1) == date(2026, 10, 15), "17:30: still on Wednesday"


def test_a_zone_keeps_the_days_of_its_country_or_weekdays_only():
    zones = {
        "US": ("America/New_York", "US/Pacific", "Pacific/Honolulu"),
        "CN": ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Taipei"),
        ELSEWHERE: ("Europe/London", "UTC", "Pacific/Auckland"),
    }
    assert all(country_of(zone) == country for country, found in zones.items() for zone in found)
    christmas = WorkingDays(ELSEWHERE)
    assert christmas.works(date(2026, 12, 25)) and not christmas.works(date(2026, 12, 26))


def test_a_night_shift_goes_on_past_midnight():
    night = Side(ZoneInfo("Asia/Shanghai"), time(21), time(5), CHINA)
    assert night.works(beijing("2026-10-14T02:00")) and not night.works(beijing("2026-10-14T06:00"))
    assert in_beijing(next_overlap(night, ANGELES, beijing("2026-10-13T09:40"))) == ("10-14 00:00", "10-14 05:00")


def test_who_is_on_leave_neither_works_nor_answers():
    evening = Side(ZoneInfo("America/Los_Angeles"), time(9), time(18), AMERICA)

    def away(side, first, last):
        return replace(side, away=((date.fromisoformat(first), date.fromisoformat(last)),))

    now = beijing("2026-10-14T03:00")  # noon of Tuesday over there
    gone = away(evening, "2026-10-14", "2026-10-16")
    assert gone.works(now) and not gone.works(now + timedelta(days=1)) and evening.works(now + timedelta(days=1))
    assert gone.opens(now) == beijing("2026-10-20T00:00"), "Monday"
    assert in_beijing(next_overlap(LATE, evening, now)) == ("10-14 08:30", "10-14 09:00")
    assert in_beijing(next_overlap(LATE, gone, now + timedelta(hours=9))) == ("10-20 08:30", "10-20 09:00")
    asker = away(LATE, "2026-10-14", "2026-10-19")
    assert in_beijing(next_overlap(asker, evening, now)) == ("10-20 08:30", "10-20 09:00")
    asked = beijing("2026-10-14T09:40")
    assert in_beijing(ask_before(LATE, evening, asked)) == ("10-15 08:00", "10-15 21:00")
    assert in_beijing(ask_before(LATE, gone, asked)) == ("10-20 08:00", "10-20 21:00")
    asker = away(LATE, "2026-10-15", "2026-10-15")
    assert in_beijing(ask_before(asker, evening, asked)) == ("10-16 08:00", "10-16 21:00")
    assert evening.answers_on(now, 3) == date(2026, 10, 16) and gone.answers_on(now, 3) == date(2026, 10, 21)

    long = away(evening, "2026-10-14", "2027-04-30")
    assert long.opens(now) == beijing("2027-05-04T00:00"), "half a year later"
    assert in_beijing(next_overlap(LATE, long, asked)) == ("05-06 08:30", "05-06 09:00"), "after the holidays in May"
    assert in_beijing(ask_before(LATE, long, asked)) == ("05-06 08:00", "05-06 21:00")
    left = away(evening, "2026-10-14", "2100-12-31")
    assert left.opens(now) is None and left.answers_on(asked, 1) is None
    assert next_overlap(LATE, left, asked) is None and ask_before(LATE, left, asked) is None
