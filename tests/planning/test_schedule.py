"""Plans that were laid by hand, day by day, and what a change to one of them moves."""

from datetime import UTC, date, datetime
from time import process_time

import pytest

from linkstar.planning.schedule import (
    Conflict,
    Cycle,
    Span,
    Step,
    UnknownStep,
    earliest_anchor,
    lay,
    lay_hours,
    offsets,
    order,
    push,
)
from linkstar.planning.working_days import COUNTRIES, OutOfRange, WorkingDays

CALENDARS = {country: WorkingDays(country) for country in COUNTRIES}


def days(text: str, year: int = 2027) -> Span:
    """days("2-19 2-27") is 19 to 27 February."""
    start, finish = (date(year, *map(int, day.split("-"))) for day in text.split())
    return Span(start, finish)


def day(text: str, year: int = 2027) -> date:
    return days(f"{text} {text}", year).start


# A launch over the Spring Festival of 2027: China is off from Friday 5 to Sunday 14 February, the United States on
# Monday 15 February. The launch is on Wednesday 3 March.
#
# Backward from it: receive takes Tuesday 2 and Monday 1 March. Freight must be there on 1 March, nine days before is
# Saturday 20 February, so it leaves on Friday 19. Production takes the 18th, 17th, 16th, 15th and, before the
# festival, the 4th. Test takes the 3rd and the afternoon of the 2nd; sample the morning of the 2nd, the 1st and Friday
# 29 January; charter Thursday 28 January. For the deadline of the deals on Saturday 6 February, copy starts on
# Thursday 4 at the latest, which asks less of sample. Ads take Tuesday 2 March and the afternoon of Monday 1.
LAUNCH = [
    Step(key="charter", duration=1),
    Step(key="sample", duration=2.5, after=(("charter", 0),)),
    Step(key="test", duration=1.5, after=(("sample", 0),)),
    Step(key="copy", duration=2, after=(("sample", -1),), country="US"),
    Step(key="production", duration=5, after=(("test", 0),)),
    Step(key="freight", duration=6, after=(("production", 0),), elapsed_days=9),
    Step(key="receive", duration=2, after=(("freight", 0),), country="US"),
    Step(key="ads", duration=1.5, after=(("copy", 0),), country="US", start="as_late_as_possible"),
    Step(key="insurance", duration=2, after=(("charter", 0),), country="US", at=days("2-15 2-16")),
    Step(key="deals", duration=0, after=(("copy", 0), ("insurance", 0)), start="fixed", offset=-18, offset_days=-25),
    Step(key="launch", duration=0, after=(("receive", 0), ("ads", 0)), country="US"),
    Step(key="review", duration=1, after=(("launch", 2),), country="US"),
]
LAID = {
    "charter": days("1-28 1-28"),
    "sample": days("1-29 2-2"),  # until noon
    "test": days("2-2 2-3"),  # from noon: sample and test share the day
    "copy": days("2-1 2-3"),  # an American day before the noon of the 2nd: from the noon of the 1st to that of the 3rd
    "production": days("2-4 2-18"),  # the 4th, then 15, 16, 17, 18
    "freight": days("2-19 2-27"),  # nine days, weekends too
    "receive": days("3-1 3-2"),
    "ads": days("3-1 3-2"),  # from noon
    "insurance": days("2-15 2-16"),  # locked, on Presidents' Day
    "deals": days("2-6 2-6"),  # 25 days before the launch, a Saturday
    "launch": days("3-3 3-3"),
    "review": days("3-5 3-5"),  # the 3rd and the 4th are the two days of the lag
}


@pytest.fixture
def launch():
    return lay(LAUNCH, "launch", day("3-3"), CALENDARS)


def test_a_launch_over_spring_festival_falls_on_the_days_counted_by_hand(launch):
    assert launch.spans == LAID
    assert launch.first_day == day("1-28")


def test_what_is_locked_too_late_is_told_and_everything_else_is_laid(launch):
    # insurance ends with 16 February; the deadline that waits for it is on the 6th, eleven days before the 17th
    assert launch.conflicts == [Conflict("deals", "insurance", 11)]


def test_slack_is_counted_in_the_working_days_of_the_owner(launch):
    free = {key: slack for key, slack in launch.slack.items() if slack}
    assert free == {
        "copy": 2.5,  # from the noon of the 1st to the morning of the 4th
        "ads": 17,  # from the noon of 3 February to that of 1 March: 2½ + 5 + 4 (Presidents' Day) + 5 + ½
    }
    assert launch.critical == [step.key for step in order(LAUNCH) if step.key not in free]


def test_what_follows_the_anchor_is_measured_against_the_last_finish():
    steps = [*LAUNCH, Step(key="thanks", duration=0.5, after=(("launch", 0),))]
    schedule = lay(steps, "launch", day("3-3"), CALENDARS)
    assert schedule.spans["thanks"] == days("3-3 3-3")
    assert schedule.slack["thanks"] == 2.5  # up to the afternoon of 5 March, when review is over


def test_the_first_launch_that_can_still_be_reached():
    steps = [step for step in LAUNCH if not step.at]
    steps = [step if step.key != "deals" else Step(key="deals", duration=0, offset_days=-25) for step in steps]
    assert earliest_anchor(steps, "launch", day("1-28"), CALENDARS) == day("3-3")
    # A day later, production begins after the festival and ends on 19 February; freight from Monday 22 to 2 March,
    # receive on the 3rd and 4th.
    assert earliest_anchor(steps, "launch", day("1-29"), CALENDARS) == day("3-5")


def test_a_locked_step_in_the_past_does_not_hold_up_the_earliest_anchor():
    steps = [
        Step(key="done", duration=2, after=(), at=days("1-4 1-5")),
        Step(key="work", duration=3, after=(("done", 0),)),
        Step(key="launch", duration=0, after=(("work", 0),)),
    ]
    assert earliest_anchor(steps, "launch", day("1-11"), CALENDARS) == day("1-14")


def test_make_up_saturdays_in_february_2026_are_worked_in_china_only():
    # Off from Sunday 15 to Monday 23 February, worked on Saturday 14 and 28; the launch is on Monday 2 March.
    steps = [
        Step(key="make", duration=6),  # 12, 13, 14, then 24, 25, 26
        Step(key="pack", duration=2, after=(("make", 0),)),  # 27 and 28
        Step(key="shoot", duration=2, country="US", start="as_late_as_possible"),  # 26 and 27
        Step(key="launch", duration=0, after=(("pack", 0), ("shoot", 0))),
    ]
    assert lay(steps, "launch", day("3-2", 2026), CALENDARS).spans == {
        "make": days("2-12 2-26", 2026),
        "pack": days("2-27 2-28", 2026),
        "shoot": days("2-26 2-27", 2026),
        "launch": days("3-2 3-2", 2026),
    }


def test_national_day_and_columbus_day_2026():
    # China is off from 1 to 7 October and works on Saturday 10; the United States are off on Monday 12.
    steps = [
        Step(key="brief", duration=2),  # 30 September and 8 October
        Step(key="start", duration=0, after=(("brief", 0),)),  # Friday 9
        Step(key="build", duration=3, after=(("start", 0),)),  # 9, 10, 12
        Step(key="buy", duration=3, after=(("start", 0),), country="US"),  # 9, 13, 14
        Step(
            key="check", duration=1, after=(("build", -1),), country="US"
        ),  # built by the 13th; a day before is the 9th
    ]
    assert lay(steps, "start", day("10-9", 2026), CALENDARS).spans == {
        "brief": days("9-30 10-8", 2026),
        "start": days("10-9 10-9", 2026),
        "build": days("10-9 10-12", 2026),
        "buy": days("10-9 10-14", 2026),
        "check": days("10-9 10-9", 2026),
    }


def test_independence_day_2026_is_observed_on_the_friday_in_the_united_states():
    steps = [
        Step(key="ours", duration=2),  # 2 and 3 July
        Step(key="theirs", duration=2, country="US"),  # 1 and 2 July
        Step(key="launch", duration=0, after=(("ours", 0), ("theirs", 0)), country="US"),
    ]
    schedule = lay(steps, "launch", day("7-6", 2026), CALENDARS)
    assert schedule.spans["theirs"] == days("7-1 7-2", 2026)
    assert schedule.spans["ours"] == days("7-1 7-2", 2026)  # as early as possible: from the plan's first day
    assert schedule.slack["ours"] == 1


def test_a_launch_may_stand_on_a_saturday_and_an_event_takes_the_next_working_day():
    steps = [
        Step(key="check", duration=1),
        Step(key="launch", duration=0, after=(("check", 0),)),
        Step(key="told", duration=0, after=(("launch", 0),)),
        Step(key="watch", duration=1, after=(("told", 0),)),
    ]
    assert lay(steps, "launch", day("3-6"), CALENDARS).spans == {
        "check": days("3-5 3-5"),
        "launch": days("3-6 3-6"),
        "told": days("3-8 3-8"),
        "watch": days("3-8 3-8"),
    }


def test_fixed_steps_count_working_days_of_their_own_country():
    # ten working days before 3 March: for China 17 February, for the United States 16 February, in halves its noon
    steps = [
        Step(key="launch", duration=0),
        Step(key="ours", duration=1, start="fixed", offset=-10),
        Step(key="theirs", duration=1, start="fixed", offset=-12.5, country="US"),
        Step(key="later", duration=1, start="fixed", offset=3),
    ]
    spans = lay(steps, "launch", day("3-3"), CALENDARS).spans
    assert spans["ours"] == days("2-17 2-17")
    assert spans["theirs"] == days("2-11 2-12")  # from the noon of the 11th: twelve days and a half without the 15th
    assert spans["later"] == days("3-8 3-8")


def test_a_chain_that_has_no_room_between_two_fixed_steps_runs_over_the_second():
    steps = [
        Step(key="go", duration=0, start="fixed", offset=-2),
        Step(key="build", duration=4, after=(("go", 0),), start="as_late_as_possible"),
        Step(key="launch", duration=0, after=(("build", 0),)),
    ]
    schedule = lay(steps, "launch", day("3-3"), CALENDARS)
    assert schedule.spans["build"] == days("3-1 3-4")
    assert schedule.slack["build"] == -2
    assert schedule.conflicts == [Conflict("launch", "build", 2)]


# giving way


def test_a_slip_moves_what_has_no_room_left():
    pushed = push(LAUNCH, LAID, {"test": days("2-2 2-15")}, CALENDARS)
    assert pushed.spans == {
        "test": days("2-2 2-15"),
        "production": days("2-16 2-22"),
        "freight": days("2-23 3-3"),  # nine days
        "receive": days("3-4 3-5"),
        "launch": days("3-8 3-8"),
        "review": days("3-10 3-10"),
    }
    assert not pushed.conflicts


def test_a_step_that_is_fixed_stays_and_says_by_how_much_it_is_missed():
    pushed = push(LAUNCH, LAID, {"test": days("2-2 2-15")}, CALENDARS, fixed={"launch"})
    assert pushed.spans.keys() == {"test", "production", "freight", "receive"}
    assert pushed.conflicts == [Conflict("launch", "receive", 3)]  # the 6th is the day after it is received


def test_a_slip_within_the_gap_moves_nothing_else():
    moved = {"copy": days("2-3 2-5")}
    assert push(LAUNCH, LAID, moved, CALENDARS).spans == moved


def test_a_gap_that_was_less_than_the_lag_stays_what_it_was():
    steps = [Step(key="a", duration=1), Step(key="b", duration=1, after=(("a", 3),))]
    spans = {"a": days("3-1 3-1"), "b": days("3-3 3-3")}  # one day between them
    pushed = push(steps, spans, {"a": days("3-2 3-2")}, CALENDARS)
    assert pushed.spans["b"] == days("3-4 3-4")


def test_what_waits_for_an_event_may_start_on_its_day():
    approved = Step(key="approved", duration=0, at=days("3-5 3-5"))
    steps = [approved, Step(key="print", duration=1, after=(("approved", 0),))]
    assert lay(steps, "approved", day("3-5"), CALENDARS).spans["print"] == days("3-5 3-5")
    spans = {"approved": days("3-1 3-1"), "print": days("3-5 3-5")}
    assert push(steps, spans, {"approved": days("3-5 3-5")}, CALENDARS).spans.keys() == {"approved"}
    assert push(steps, spans, {"approved": days("3-6 3-6")}, CALENDARS).spans["print"] == days("3-8 3-8")


def test_a_locked_step_does_not_give_way():
    moved = {"charter": days("2-10 2-15")}
    assert Conflict("insurance", "charter", 1) in push(LAUNCH, LAID, moved, CALENDARS).conflicts


def test_a_step_dragged_before_what_it_waits_for_is_told():
    moved = {"receive": days("2-25 2-26")}
    pushed = push(LAUNCH, LAID, moved, CALENDARS)
    assert pushed.spans == moved
    assert pushed.conflicts == [Conflict("receive", "freight", 3)]


def test_steps_without_dates_are_left_out():
    spans = {key: span for key, span in LAID.items() if key != "freight"}
    pushed = push(LAUNCH, spans, {"test": days("2-2 2-15")}, CALENDARS)
    assert pushed.spans.keys() == {"test", "production"}


# hours


def test_a_takedown_counts_in_hours_day_and_night():
    steps = [
        Step(key="taken_down", duration=0),
        Step(key="stop_ads", duration=0.25, after=(("taken_down", 0.5),)),
        Step(key="appeal", duration=24, after=(("stop_ads", 0),)),
    ]
    moment = datetime(2027, 2, 6, 23, 30, tzinfo=UTC)
    assert lay_hours(steps, "taken_down", moment) == {
        "taken_down": (moment, moment),
        "stop_ads": (datetime(2027, 2, 7, 0, 0, tzinfo=UTC), datetime(2027, 2, 7, 0, 15, tzinfo=UTC)),
        "appeal": (datetime(2027, 2, 7, 0, 15, tzinfo=UTC), datetime(2027, 2, 8, 0, 15, tzinfo=UTC)),
    }


# plans that are none


def test_a_circle_is_named_in_its_order():
    steps = [
        Step(key="a", duration=1, after=(("c", 0),)),
        Step(key="b", duration=1, after=(("a", 0),)),
        Step(key="c", duration=1, after=(("b", 0), ("d", 0))),
        Step(key="d", duration=1),
    ]
    with pytest.raises(Cycle) as refused:
        order(steps)
    keys = refused.value.keys
    assert sorted(keys) == ["a", "b", "c"]
    after = {step.key: {key for key, _ in step.after} for step in steps}
    assert all(before in after[key] for before, key in zip(keys, [*keys[1:], keys[0]], strict=True))


def test_an_unknown_predecessor_is_named():
    with pytest.raises(UnknownStep) as refused:
        order([Step(key="a", duration=1, after=(("nobody", 0),))])
    assert (refused.value.key, refused.value.predecessor) == ("a", "nobody")
    with pytest.raises(UnknownStep):
        offsets([Step(key="a", duration=1)], "launch")


def test_a_plan_that_leaves_the_century_is_refused():
    with pytest.raises(OutOfRange):
        lay(LAUNCH, "launch", date(2000, 1, 20), CALENDARS)
    with pytest.raises(OutOfRange):
        earliest_anchor(LAUNCH, "launch", date(2100, 12, 20), CALENDARS)


def test_the_work_grows_with_the_tasks_and_not_with_their_square():
    steps = [
        Step(
            key=key,
            duration=key % 5 / 2,
            after=tuple((before, 0) for before in range(max(0, key - 12), key - 5)),
            country=COUNTRIES[key % 2],
            start="as_late_as_possible" if key % 7 == 0 else None,
        )
        for key in range(400)
    ]

    def seconds(many: int) -> float:
        begin = process_time()
        lay(steps[:many], many - 1, day("3-3"), CALENDARS)
        return process_time() - begin

    assert min(seconds(400) for _ in range(5)) < 9 * min(seconds(100) for _ in range(5))
