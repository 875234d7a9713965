"""Nine in the person's own morning: over clock changes, holidays, leave and quiet hours, everywhere."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from linkstar.planning.moments import SkippedTime, moment_at
from linkstar.planning.reminding import FURTHEST, MORNING, Reader, after_work, moment, moments
from linkstar.planning.working_days import WorkingDays, country_of

CALENDARS = {country: WorkingDays(country) for country in ("CN", "US", "")}
ZONES = sorted(zone for zone in available_timezones() if "/" in zone)
LOS_ANGELES, SHANGHAI = "America/Los_Angeles", "Asia/Shanghai"


def reader(zone, *away, quiet_from=time(21), quiet_until=time(8)):
    return Reader(ZoneInfo(zone), CALENDARS[country_of(zone)], away, quiet_from, quiet_until)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_nine_stays_nine_when_the_clocks_change():
    """8 March and 1 November 2026 are the Sundays on which America changes its clocks; China never does."""
    for day, there in (
        (date(2026, 3, 6), utc(2026, 3, 6, 17)),
        (date(2026, 3, 9), utc(2026, 3, 9, 16)),
        (date(2026, 10, 30), utc(2026, 10, 30, 16)),
        (date(2026, 11, 2), utc(2026, 11, 2, 17)),
    ):
        assert moment(reader(LOS_ANGELES), day, 0) == there
        assert moment(reader(SHANGHAI), day, 0) == utc(day.year, day.month, day.day, 1)
    assert moment(reader(LOS_ANGELES), date(2026, 3, 10), 4) == utc(2026, 3, 6, 17), "counted in days, not in hours"
    skipped = reader(LOS_ANGELES, quiet_from=time(20), quiet_until=time(2, 30))
    assert moment(skipped, date(2026, 3, 9), 0) == utc(2026, 3, 9, 16), "nine is not quiet"


def test_quiet_hours_put_it_off_until_they_end():
    day = date(2026, 10, 16)
    for quiet_from, quiet_until, hour in (
        (time(21), time(8), 1),
        (time(21), time(9), 1),
        (time(21), time(10, 30), 2.5),
        (time(8), time(12), 4),
        (time(9), time(9), 1),
        (time(8, 30), time(2), -6),  # awake from two to half past eight: still on the day
    ):
        night = reader(SHANGHAI, quiet_from=quiet_from, quiet_until=quiet_until)
        assert moment(night, day, 0) == utc(2026, 10, 16) + timedelta(hours=hour)


def test_a_day_off_brings_a_warning_forward_and_puts_a_late_notice_off():
    yu, jess = reader(SHANGHAI), reader(LOS_ANGELES)
    for person, day, step, after, told in (
        (yu, date(2026, 10, 9), 7, False, date(2026, 9, 30)),  # the 2nd is in Golden Week
        (yu, date(2026, 9, 20), 0, False, date(2026, 9, 20)),  # a Sunday that is worked for it
        (yu, date(2026, 9, 30), 1, True, date(2026, 10, 8)),
        (jess, date(2026, 11, 27), 1, False, date(2026, 11, 25)),  # Thanksgiving
        (jess, date(2026, 9, 20), 0, False, date(2026, 9, 18)),  # only China works on that Sunday
        (jess, date(2026, 9, 4), 1, True, date(2026, 9, 8)),  # over the weekend and Labor Day
    ):
        assert moment(person, day, step, after=after) == person.morning(told)
    on_leave = reader(SHANGHAI, (date(2026, 10, 12), date(2026, 10, 15)))
    assert moment(on_leave, date(2026, 10, 16), 1) == on_leave.morning(date(2026, 10, 10)), "a Saturday that is worked"
    assert moment(on_leave, date(2026, 10, 12), 1, after=True) == on_leave.morning(date(2026, 10, 16))
    away = reader(SHANGHAI, (date(2026, 1, 1), date(2026, 12, 31)))
    assert moment(away, date(2026, 6, 10), 3) == away.morning(date(2026, 6, 7)), "who is away for long is told anyway"


def test_of_two_on_one_morning_one_is_told():
    friday, monday = date(2026, 10, 16), date(2026, 10, 19)
    assert moments(reader(LOS_ANGELES), monday, (3, 1, 0)) == {
        1: reader(LOS_ANGELES).morning(friday), 0: reader(LOS_ANGELES).morning(monday),
    }  # fmt: skip
    late = moments(reader(SHANGHAI), date(2026, 9, 30), (1, 3, 7), after=True)
    assert late == {7: reader(SHANGHAI).morning(date(2026, 10, 8))}
    yu = reader(SHANGHAI)
    assert after_work(yu, date(2026, 9, 29), 1) == yu.morning(date(2026, 9, 30))
    assert after_work(yu, date(2026, 9, 29), 3) == yu.morning(date(2026, 10, 9))


@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2015, 1, 1), date(2060, 12, 31)),
    step=st.integers(0, 60),
    after=st.booleans(),
    quiet=st.tuples(st.times(), st.times()).map(lambda pair: [each.replace(second=0, microsecond=0) for each in pair]),
    away=st.tuples(st.integers(-30, 30), st.integers(0, 2)),
)
def test_anywhere_it_is_nine_or_the_end_of_the_quiet_hours_on_a_working_day_and_never_too_late(
    zone, day, step, after, quiet, away
):
    gone = day + timedelta(away[0])
    person = reader(zone, (gone, gone + timedelta(away[1])), quiet_from=quiet[0], quiet_until=quiet[1])
    at = moment(person, day, step, after=after)
    local = at.astimezone(person.zone)
    if after:
        assert local.date() >= day + timedelta(step)
    else:
        assert day - timedelta(step + FURTHEST) <= local.date() <= day - timedelta(step)
    begins, ends = quiet
    asleep = begins <= MORNING < ends if begins <= ends else not ends <= MORNING < begins
    try:
        assert at == moment_at(local.date(), quiet[1] if asleep else MORNING, person.zone)
    except SkippedTime:
        assert asleep
    assert person.works(local.date())
    assert moments(person, day, {step}, after=after) == {step: at}
