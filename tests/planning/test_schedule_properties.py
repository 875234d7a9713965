"""What holds for every plan, whatever it asks for."""

from dataclasses import replace
from datetime import date, timedelta
from math import ceil, floor

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linkstar.planning.schedule import Span, Step, earliest_anchor, lay, offsets, order, push, ready, slack
from linkstar.planning.working_days import COUNTRIES, WorkingDays

DAY = timedelta(1)
CALENDARS = {country: WorkingDays(country) for country in COUNTRIES}
EXAMPLES = settings(max_examples=50, deadline=None)
days = st.dates(date(2026, 9, 1), date(2027, 3, 31))  # National Day, Thanksgiving, Spring Festival


def halves(first: int, last: int) -> st.SearchStrategy[float]:
    return st.integers(first, last).map(lambda number: number / 2)


@st.composite
def plans(draw, *, units=halves, one_country=False, elapsed=True, fixed=True, locked=False, answers=True):
    """The steps, in any order, and the key of the anchor; a step waits for steps of a lower key."""
    steps = []
    for key in range(draw(st.integers(2, 9))):
        before = draw(st.lists(st.integers(0, key - 1), unique=True, max_size=3)) if key else []
        kinds = [None, None, "as_late_as_possible", *(["fixed", "on a day"] if fixed else [])]
        kind = draw(st.sampled_from(kinds))
        span = None
        if locked and draw(st.integers(0, 5)) == 0:
            start = draw(days)
            span = Span(start, start + draw(st.integers(0, 9)) * DAY)
        steps.append(
            Step(
                key=key,
                duration=draw(units(0, 12)),
                after=tuple((each, draw(units(-4, 8))) for each in before),
                country="CN" if one_country else draw(st.sampled_from(COUNTRIES)),
                start=None if kind == "on a day" else kind,
                offset=draw(units(-30, 30)) if kind == "fixed" else 0,
                elapsed_days=draw(st.one_of(st.none(), st.none(), st.integers(0, 14))) if elapsed else None,
                offset_days=draw(st.integers(-20, 20)) if kind == "on a day" else None,
                at=span,
                answer_days=draw(st.sampled_from([0, 0, 0, 1, 5])) if answers and not one_country else 0,
                answered_in=draw(st.sampled_from(COUNTRIES)) if answers else "US",
            )
        )
    return draw(st.permutations(steps)), draw(st.sampled_from(range(len(steps))))


def whole(first: int, last: int) -> st.SearchStrategy[float]:
    return st.integers(first // 2, last // 2).map(float)


def stands(step: Step[int], anchor: int) -> bool:
    return bool(step.key == anchor or step.start == "fixed" or step.offset_days is not None or step.at)


def is_event(step: Step[int]) -> bool:
    return not (step.duration if step.elapsed_days is None else step.elapsed_days)


@EXAMPLES
@given(plans(locked=True), days)
def test_no_step_starts_before_its_predecessors_end_unless_it_is_told(plan, day):
    steps, anchor = plan
    schedule = lay(steps, anchor, day, CALENDARS)
    told = {(conflict.key, conflict.predecessor) for conflict in schedule.conflicts}
    assert all(conflict.days > 0 for conflict in schedule.conflicts)
    for step in steps:
        for predecessor, lag in step.after:
            if (step.key, predecessor) in told:
                assert stands(step, anchor)
            elif lag >= 0:
                assert schedule.spans[step.key].start >= schedule.spans[predecessor].finish


@EXAMPLES
@given(plans(units=whole, locked=True, answers=False), days)
def test_in_whole_days_no_two_dependent_steps_share_a_day(plan, day):
    steps, anchor = plan
    by_key = {step.key: step for step in steps}
    schedule = lay(steps, anchor, day, CALENDARS)
    told = {(conflict.key, conflict.predecessor): conflict.days for conflict in schedule.conflicts}
    for step in steps:
        calendar = CALENDARS[step.country]
        for predecessor, lag in step.after:
            start, finish = schedule.spans[step.key].start, schedule.spans[predecessor].finish
            free = finish if is_event(by_key[predecessor]) else finish + DAY
            if lag == 0:
                assert max(0, (free - start).days) == told.get((step.key, predecessor), 0)
            elif (step.key, predecessor) not in told:
                assert calendar.count(free, start) >= lag


@EXAMPLES
@given(plans(fixed=False), days)
def test_with_nothing_but_its_anchor_fixed_every_plan_holds(plan, day):
    steps, anchor = plan
    schedule = lay(steps, anchor, day, CALENDARS)
    assert not schedule.conflicts
    assert min(schedule.slack.values()) == schedule.slack[anchor] == 0
    assert schedule.spans[anchor].start == day
    assert min(span.start for span in schedule.spans.values()) >= schedule.first_day
    assert schedule.critical == [step.key for step in order(steps) if not schedule.slack[step.key]]


@EXAMPLES
@given(plans(one_country=True, elapsed=False, fixed=False), days)
def test_a_chain_without_slack_leads_from_the_first_day_to_the_anchor(plan, day):
    steps, anchor = plan
    schedule = lay(steps, anchor, CALENDARS["CN"].next(day), CALENDARS)
    reached = set()
    for step in order(steps):
        if step.key in schedule.critical and (
            schedule.spans[step.key].start == schedule.first_day or reached & {key for key, _ in step.after}
        ):
            reached.add(step.key)
    assert anchor in reached


@EXAMPLES
@given(plans(one_country=True, elapsed=False), days)
def test_on_one_calendar_a_plan_is_its_plain_offsets_along_the_working_days(plan, day):
    steps, anchor = plan
    steps = [replace(step, offset_days=None) for step in steps]
    calendar = CALENDARS["CN"]
    day = calendar.next(day)
    schedule = lay(steps, anchor, day, CALENDARS)
    starts = offsets(steps, anchor)
    for step in steps:
        last = max(floor(starts[step.key]), ceil(starts[step.key] + step.duration) - 1)
        assert schedule.spans[step.key] == Span(calendar.shift(day, floor(starts[step.key])), calendar.shift(day, last))


@EXAMPLES
@given(plans(locked=True), days, st.integers(0, 40))
def test_moving_the_anchor_by_some_working_days_and_back_changes_nothing(plan, day, number):
    steps, anchor = plan
    calendar = CALENDARS["CN"]
    day = calendar.next(day)
    back = calendar.shift(calendar.shift(day, number), -number)
    assert lay(steps, anchor, back, CALENDARS) == lay(steps, anchor, day, CALENDARS)


@EXAMPLES
@given(plans(), days, st.integers(1, 20))
def test_a_later_anchor_makes_nothing_that_leads_to_it_earlier(plan, day, number):
    steps, anchor = plan
    before, after = (lay(steps, anchor, each, CALENDARS) for each in (day, day + number * DAY))
    assert before.first_day <= after.first_day
    assert all(before.spans[key].start <= after.spans[key].start for key in before.spans)


@EXAMPLES
@given(plans(), days)
def test_the_earliest_anchor_is_the_earliest(plan, today):
    steps, anchor = plan
    day = earliest_anchor(steps, anchor, today, CALENDARS)
    assert lay(steps, anchor, day, CALENDARS).first_day >= today
    if day > today:
        assert lay(steps, anchor, day - DAY, CALENDARS).first_day < today


@st.composite
def moves(draw):
    """A plan as it was laid and then changed by hand, one step to be moved, and some that do not give way."""
    steps, anchor = draw(plans())
    spans = dict(lay(steps, anchor, draw(days), CALENDARS).spans)
    for key in draw(st.lists(st.sampled_from(list(spans)), unique=True, max_size=2)):
        shift = draw(st.integers(-5, 5)) * DAY
        spans[key] = Span(spans[key].start + shift, spans[key].finish + shift)
    for key in draw(st.lists(st.sampled_from(list(spans)), unique=True, max_size=1)):
        del spans[key]
    assume(spans)
    key = draw(st.sampled_from(list(spans)))
    start = spans[key].start + draw(st.integers(-10, 20)) * DAY
    fixed = draw(st.lists(st.sampled_from(range(len(steps))), unique=True, max_size=2))
    return steps, spans, {key: Span(start, start + draw(st.integers(0, 10)) * DAY)}, fixed


@EXAMPLES
@given(moves())
def test_a_push_makes_nothing_earlier_and_leaves_the_fixed_ones_alone(move):
    steps, spans, moved, fixed = move
    pushed = push(steps, spans, moved, CALENDARS, fixed=fixed)
    for key in pushed.spans.keys() - moved.keys():
        assert key not in fixed
        assert pushed.spans[key].start > spans[key].start and pushed.spans[key].finish >= spans[key].finish
    assert moved.items() <= pushed.spans.items()
    assert all(conflict.key in {*fixed, *moved} for conflict in pushed.conflicts)


@EXAMPLES
@given(moves())
def test_a_push_keeps_the_work_and_the_days_that_run_through(move):
    steps, spans, moved, fixed = move
    pushed = push(steps, spans, moved, CALENDARS, fixed=fixed)
    for step in steps:
        if step.key in pushed.spans.keys() - moved.keys():
            old, new = spans[step.key], pushed.spans[step.key]
            if step.elapsed_days is None:
                count = CALENDARS[step.country].count
                worked = count(old.start, old.finish + DAY)
                assert not worked or count(new.start, new.finish + DAY) == worked
            else:
                assert new.finish - new.start == old.finish - old.start


@EXAMPLES
@given(moves())
def test_the_same_push_again_changes_nothing(move):
    steps, spans, moved, fixed = move
    pushed = push(steps, spans, moved, CALENDARS, fixed=fixed)
    assert push(steps, {**spans, **pushed.spans}, moved, CALENDARS, fixed=fixed).spans == moved


@EXAMPLES
@given(moves())
def test_a_push_leaves_no_new_conflict_but_those_it_tells(move):
    steps, spans, moved, fixed = move
    pushed = push(steps, spans, moved, CALENDARS, fixed=fixed)
    new = {**spans, **pushed.spans}
    told = {(conflict.key, conflict.predecessor) for conflict in pushed.conflicts}
    by_key = {step.key: step for step in steps}
    for step in steps:
        for predecessor, lag in step.after:
            if lag < 0 or not {step.key, predecessor} <= spans.keys() or (step.key, predecessor) in told:
                continue
            free = 0 * DAY if is_event(by_key[predecessor]) else DAY
            if spans[step.key].start >= spans[predecessor].finish + free:
                assert new[step.key].start >= new[predecessor].finish + free


@EXAMPLES
@given(moves())
def test_what_does_not_depend_on_the_moved_step_stays(move):
    steps, spans, moved, fixed = move
    behind = set(moved)
    for step in order(steps):
        if behind & {predecessor for predecessor, _ in step.after}:
            behind.add(step.key)
    assert push(steps, spans, moved, CALENDARS, fixed=fixed).spans.keys() <= behind


@EXAMPLES
@given(plans(fixed=False), days)
def test_what_was_laid_begins_when_it_is_ready(plan, day):
    steps, anchor = plan
    spans, by_key = lay(steps, anchor, day, CALENDARS).spans, {step.key: step for step in steps}
    for step in steps:
        for predecessor, lag in step.after:
            first = ready(by_key[predecessor], spans[predecessor], step, lag, CALENDARS, laid=True)
            assert first <= spans[step.key].start or step.key == anchor


@EXAMPLES
@given(plans(fixed=False), days, st.integers(0, 8))
def test_what_slips_by_no_more_than_its_slack_holds_up_nothing(plan, day, number):
    steps, anchor = plan
    spans = lay(steps, anchor, day, CALENDARS).spans
    key = steps[number % len(steps)].key
    calendar = CALENDARS[next(step.country for step in steps if step.key == key)]
    start = calendar.shift(spans[key].start, slack(steps, spans, CALENDARS, fixed=[anchor])[key])
    length = calendar.count(spans[key].start, spans[key].finish + DAY)
    assume(key != anchor and length and next(step for step in steps if step.key == key).elapsed_days is None)
    moved = {key: Span(start, calendar.shift(start, length - 1))}
    assert not push(steps, spans, moved, CALENDARS, fixed=[anchor]).conflicts


@EXAMPLES
@given(plans(fixed=False), days)
def test_what_waits_for_answers_waits_for_all_of_them(plan, day):
    """A plan as it was laid without them, and then they take their time."""
    steps, anchor = plan
    spans = lay([replace(step, answer_days=0) for step in steps], anchor, day, CALENDARS).spans
    slower, by_key = {step.key for step in steps if step.answer_days}, {step.key: step for step in steps}
    new = spans | push(steps, spans, {}, CALENDARS, slower=slower).spans
    for step in steps:
        for predecessor, lag in step.after:
            first = ready(by_key[predecessor], new[predecessor], step, lag, CALENDARS, laid=False)
            assert predecessor not in slower or first <= new[step.key].start
