"""Plans laid from their anchor: the backward and the forward pass, in plain units, on calendars and in hours.

The anchor stands, and so do fixed and locked steps. The backward pass from them gives latest starts, and the earliest
of these is the plan's first day. From there each step starts as early as its predecessors let it; one that is wanted as
late as possible, at its latest start.
"""

from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from graphlib import CycleError, TopologicalSorter
from math import ceil
from typing import Generic, TypeVar

from linkstar.planning.working_days import LAST, OutOfRange, WorkingDays

FIXED, AS_LATE_AS_POSSIBLE = "fixed", "as_late_as_possible"

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Span:
    """Both days belong to it."""

    start: date
    finish: date


@dataclass(frozen=True, kw_only=True)
class Step(Generic[Key]):
    """One task of a plan. Durations, lags and offsets count working days, in halves, or hours.

    A duration of 0 is an event. A lag may be negative; it counts on the calendar of the step that waits.
    """

    key: Key
    duration: float
    after: tuple[tuple[Key, float], ...] = ()  # (predecessor, lag): it starts when these are finished
    country: str = "CN"
    start: str | None = None  # None is as early as possible
    offset: float = 0  # from the anchor; read where it is fixed
    elapsed_days: int | None = None  # runs through weekends; on a calendar it wins over duration
    offset_days: int | None = None  # days, worked or not, from the anchor; on a calendar it wins over start
    at: Span | None = None  # locked: there it stands, both days whole
    answer_days: int = 0  # that pass after its end until somebody elsewhere has answered; only then come the lags …
    answered_in: str = "US"  # … in working days of that country; on a calendar


@dataclass(frozen=True)
class Conflict(Generic[Key]):
    """The step starts that many days, worked or not, before its predecessor is finished and the lag is over."""

    key: Key
    predecessor: Key
    days: int


@dataclass(frozen=True, kw_only=True)
class Schedule(Generic[Key]):
    """Slack is what lies between earliest and latest start, in working days of the step's country.

    What nothing fixed depends on may be as late as the plan's last finish. Critical is what has no slack, in order.
    """

    spans: dict[Key, Span]
    slack: dict[Key, float]
    critical: list[Key]
    first_day: date
    conflicts: list[Conflict[Key]]


@dataclass(frozen=True)
class Pushed(Generic[Key]):
    """The spans that changed, with those that were moved, and what could not give way."""

    spans: dict[Key, Span]
    conflicts: list[Conflict[Key]]


class Cycle(ValueError):
    """Each of the keys waits for the one before it, and the first for the last."""

    def __init__(self, keys: Sequence[Hashable]) -> None:
        super().__init__(" → ".join(map(str, [*keys, keys[0]])))
        self.keys = list(keys)


class UnknownStep(ValueError):
    """The step waits for one that is not there; an anchor that is not there waits for itself."""

    def __init__(self, key: Hashable, predecessor: Hashable) -> None:
        super().__init__(f"{key} waits for {predecessor}, which is not there")
        self.key, self.predecessor = key, predecessor


def order(steps: Iterable[Step[Key]]) -> list[Step[Key]]:
    """Each step after its predecessors. Raises Cycle and UnknownStep."""
    by_key = {step.key: step for step in steps}
    graph = {key: [predecessor for predecessor, _ in step.after] for key, step in by_key.items()}
    for key, predecessors in graph.items():
        for predecessor in predecessors:
            if predecessor not in by_key:
                raise UnknownStep(key, predecessor)
    try:
        return [by_key[key] for key in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise Cycle(error.args[1][:-1]) from None


def offsets(steps: Iterable[Step[Key]], anchor: Key) -> dict[Key, float]:
    """Each start from the anchor's, in plain units: no calendar, so nothing is locked and all units are alike.

    Raises Cycle and UnknownStep.
    """
    ordered = _order_with(anchor, steps)
    stands = {step.key: step.offset for step in ordered if step.start == FIXED} | {anchor: 0.0}
    latest: dict[Key, float] = {}
    ends: dict[Key, float] = {}
    for step in reversed(ordered):
        if step.key in stands:
            latest[step.key] = stands[step.key]
        elif step.key in ends:
            latest[step.key] = ends[step.key] - step.duration
        else:
            continue
        for predecessor, lag in step.after:
            end = latest[step.key] - lag
            ends[predecessor] = min(end, ends.get(predecessor, end))
    first = min(latest.values())
    starts: dict[Key, float] = {}
    finishes: dict[Key, float] = {}
    for step in ordered:
        start = stands.get(step.key)
        if start is None:
            start = max([first, *(finishes[predecessor] + lag for predecessor, lag in step.after)])
            if step.start == AS_LATE_AS_POSSIBLE:
                start = max(start, latest.get(step.key, start))
        starts[step.key], finishes[step.key] = start, start + step.duration
    return starts


def lay(steps: Iterable[Step[Key]], anchor: Key, day: date, calendars: Mapping[str, WorkingDays]) -> Schedule[Key]:
    """The plan with its anchor on that day; calendars go by country.

    A plan that cannot hold is laid all the same, and says so in its conflicts; a start is rounded down and a finish up
    to whole days. Raises Cycle, UnknownStep and OutOfRange.
    """
    ordered = _order_with(anchor, steps)
    by_key = {step.key: step for step in ordered}
    stands = _stands(ordered, anchor, day, calendars)
    latest = _latest(ordered, calendars, stands)
    first = min(latest.values())
    earliest = _forward(ordered, calendars, stands, first, {})
    laid = _forward(ordered, calendars, stands, first, latest)
    end = max(finish for _, finish in laid.values())
    at_the_end = _latest(ordered, calendars, stands, end)
    latest = {key: max(start, earliest[key][0]) for key, start in at_the_end.items()} | latest
    slack = {step.key: calendars[step.country].units(earliest[step.key][0], latest[step.key]) / 2 for step in ordered}
    conflicts = []
    for step in ordered:
        for predecessor, lag in step.after:
            end = _answered(by_key[predecessor], laid[predecessor][1], calendars)
            due = calendars[step.country].later(end, _halves(lag))
            if (days := _day_number(due) - _day_number(laid[step.key][0])) > 0:
                conflicts.append(Conflict(step.key, predecessor, days))
    return Schedule(
        spans={step.key: step.at or _span(*laid[step.key]) for step in ordered},
        slack=slack,
        critical=[key for key in slack if slack[key] <= 0],
        first_day=date.fromordinal(_day_number(first)),
        conflicts=conflicts,
    )


def lay_hours(steps: Iterable[Step[Key]], anchor: Key, moment: datetime) -> dict[Key, tuple[datetime, datetime]]:
    """Start and finish of each step where the unit is the hour, day and night, and the anchor is that moment.

    Raises Cycle and UnknownStep.
    """
    steps = list(steps)
    starts = offsets(steps, anchor)
    hours = {step.key: timedelta(hours=step.duration) for step in steps}
    begins = {key: moment + timedelta(hours=start) for key, start in starts.items()}
    return {key: (begin, begin + hours[key]) for key, begin in begins.items()}


def earliest_anchor(steps: Iterable[Step[Key]], anchor: Key, today: date, calendars: Mapping[str, WorkingDays]) -> date:
    """The first day for the anchor with which the plan does not start before today; locked steps do not count.

    Raises Cycle, UnknownStep and OutOfRange.
    """
    ordered = [step for step in _order_with(anchor, steps) if step.at is None]

    def fits(number: int) -> bool:
        stands = _stands(ordered, anchor, today + timedelta(number), calendars)
        return min(_latest(ordered, calendars, stands).values(), default=this_morning) >= this_morning

    this_morning = _morning(today)
    days = range((LAST - today).days + 1)
    number = bisect_left(days, True, key=fits)
    if number == len(days):
        raise OutOfRange(f"from {today} on, the plan runs past {LAST.year}")
    return today + timedelta(number)


def push(
    steps: Iterable[Step[Key]],
    spans: Mapping[Key, Span],
    moved: Mapping[Key, Span],
    calendars: Mapping[str, WorkingDays],
    *,
    fixed: Collection[Key] = (),
    slower: Collection[Key] = (),
) -> Pushed[Key]:
    """What moving some steps does to those that wait for them, in whole days and from where all of them stand now.

    A step gives way only as far as the gap asks that it has now, or that its lag asks for where this is less; its
    working days, or elapsed days, stay the same and it never becomes earlier. What waits for a slower one, whose
    answers take longer than before, keeps all of the lag. Moved, fixed and locked ones do not give way: they are told
    as conflicts. A step without dates is left out. Raises Cycle, UnknownStep and OutOfRange.
    """
    ordered = order(steps)
    by_key = {step.key: step for step in ordered}
    new = {**spans, **moved}
    conflicts = []
    for step in ordered:
        if step.key not in new:
            continue
        calendar = calendars[step.country]
        start = ready = _morning(new[step.key].start)
        for predecessor, lag in step.after:
            if predecessor not in new:
                continue
            before = by_key[predecessor]
            end = _end(before, new[predecessor])
            due = calendar.later(_answered(before, end, calendars), 2 * ceil(lag))
            if predecessor in spans and step.key in spans and predecessor not in slower:
                if end <= _end(before, spans[predecessor]) and step.key not in moved:
                    continue
                shared, gap = _between(before, step, lag, spans, calendar)
                due = min(due, calendar.later(end - shared, gap))
            if due <= start:
                continue
            if step.key in moved or step.key in fixed or step.at:
                conflicts.append(Conflict(step.key, predecessor, _day_number(due) - _day_number(start)))
            else:
                ready = max(ready, calendar.next_slot(due))
        if ready > start:
            new[step.key] = _carried(step, new[step.key], date.fromordinal(_day_number(ready)), calendar)
    changed = {key: span for key, span in new.items() if key in moved or span != spans[key]}
    return Pushed(changed, conflicts)


def slack(
    steps: Iterable[Step[Key]],
    spans: Mapping[Key, Span],
    calendars: Mapping[str, WorkingDays],
    *,
    fixed: Collection[Key] = (),
) -> dict[Key, int]:
    """By how many whole working days each step may slip, from where all of them stand now, before a fixed one would
    have to give way to push(), or the plan would end later. A step without dates is left out."""
    ordered = [step for step in order(steps) if step.key in spans]
    by_key = {step.key: step for step in ordered}
    last = max((_end(step, spans[step.key]) for step in ordered), default=0)
    limits: dict[Key, int] = {}
    room: dict[Key, int] = {}
    for step in reversed(ordered):
        calendar, span = calendars[step.country], spans[step.key]
        start, end = _morning(span.start), _end(step, span)
        limit = max(end, limits.get(step.key, last))
        if step.elapsed_days is not None or not calendar.units(start, end):
            latest = calendar.previous_slot(start + limit - end)
        else:
            latest = calendar.earlier(limit, calendar.units(start, end))
        room[step.key] = max(0, calendar.units(start, latest)) // 2
        latest = start if step.key in fixed else max(start, latest)
        for predecessor, lag in step.after:
            if predecessor in by_key:
                before = by_key[predecessor]
                shared, gap = _between(before, step, lag, spans, calendar)
                limit = calendar.earlier(latest, gap) + shared
                if before.answer_days:
                    limit = max(limit, _asked(before, calendar.earlier(latest, 2 * ceil(lag)), calendars))
                limits[predecessor] = min(limit, limits.get(predecessor, limit))
    return room


def ready(
    predecessor: Step[Key],
    span: Span,
    step: Step[Key],
    lag: float,
    calendars: Mapping[str, WorkingDays],
    *,
    laid: bool,
) -> date:
    """The day from which the step may begin after its predecessor as that stands. One that was laid and takes more
    days than its work began at noon, and ends then."""
    end, calendar = _end(predecessor, span), calendars[step.country]
    if predecessor.elapsed_days is None:
        takes, work = calendars[predecessor.country].units(_morning(span.start), end), _halves(predecessor.duration)
    else:
        takes, work = end - _morning(span.start), 2 * predecessor.elapsed_days
    if laid and takes > work:
        end -= 1
    due = calendar.later(_answered(predecessor, end, calendars), _halves(lag))
    return date.fromordinal(_day_number(calendar.next_slot(due)))


def push_hours(
    steps: Iterable[Step[Key]],
    times: Mapping[Key, tuple[datetime, datetime]],
    moved: Mapping[Key, tuple[datetime, datetime]],
    *,
    fixed: Collection[Key] = (),
) -> dict[Key, tuple[datetime, datetime]]:
    """push() where the unit is the hour: the times that changed, with those that were moved."""
    new = {**times, **moved}
    for step in order(steps):
        if step.key not in new or step.key in moved or step.key in fixed:
            continue
        start, finish = new[step.key]
        ready = start
        for predecessor, lag in step.after:
            if predecessor in new and new[predecessor][1] > times[predecessor][1]:
                gap = min(timedelta(hours=lag), times[step.key][0] - times[predecessor][1])
                ready = max(ready, new[predecessor][1] + gap)
        new[step.key] = ready, finish + (ready - start)
    return {key: each for key, each in new.items() if key in moved or each != times[key]}


def _order_with(anchor: Key, steps: Iterable[Step[Key]]) -> list[Step[Key]]:
    ordered = order(steps)
    if all(step.key != anchor for step in ordered):
        raise UnknownStep(anchor, anchor)
    return ordered


def _stands(
    ordered: Iterable[Step[Key]], anchor: Key, day: date, calendars: Mapping[str, WorkingDays]
) -> dict[Key, int]:
    """The ticks (see WorkingDays) at which the anchor, the fixed and the locked steps start."""
    morning = _morning(day)
    stands = {}
    for step in ordered:
        if step.at:
            stands[step.key] = _morning(step.at.start)
        elif step.key == anchor:
            stands[step.key] = morning
        elif step.offset_days is not None:
            stands[step.key] = morning + 2 * step.offset_days
        elif step.start == FIXED:
            calendar = calendars[step.country]
            stands[step.key] = calendar.next_slot(calendar.later(morning, _halves(step.offset)))
    return stands


def _latest(
    ordered: Sequence[Step[Key]],
    calendars: Mapping[str, WorkingDays],
    stands: Mapping[Key, int],
    end: int | None = None,
) -> dict[Key, int]:
    """The latest starts of what must be finished for a step that stands; with an end, of all."""
    by_key = {step.key: step for step in ordered}
    ends: dict[Key, int] = {}
    latest = {}
    for step in reversed(ordered):
        calendar = calendars[step.country]
        limit = ends.get(step.key, end)
        if step.key in stands:
            start = stands[step.key]
        elif limit is None:
            continue
        elif _runs_through(step):
            start = calendar.previous_slot(limit - 2 * (step.elapsed_days or 0))
        else:
            start = calendar.earlier(limit, _halves(step.duration))
        latest[step.key] = start
        for predecessor, lag in step.after:
            limit = calendar.earlier(start, _halves(lag))
            if predecessor in by_key:
                limit = _asked(by_key[predecessor], limit, calendars)
            ends[predecessor] = min(limit, ends.get(predecessor, limit))
    return latest


def _forward(
    ordered: Iterable[Step[Key]],
    calendars: Mapping[str, WorkingDays],
    stands: Mapping[Key, int],
    first: int,
    latest: Mapping[Key, int],
) -> dict[Key, tuple[int, int]]:
    """Start and end of each step; where no latest start is given, the earliest it can have."""
    laid: dict[Key, tuple[int, int]] = {}
    answered: dict[Key, int] = {}
    for step in ordered:
        calendar = calendars[step.country]
        start = stands.get(step.key)
        if start is None:
            dues = (calendar.later(answered[predecessor], _halves(lag)) for predecessor, lag in step.after)
            start = calendar.next_slot(max([first, *dues]))
            if step.start == AS_LATE_AS_POSSIBLE:
                start = max(start, latest.get(step.key, start))
        if step.at:
            end = _end(step, step.at)
        elif _runs_through(step):
            end = start + 2 * (step.elapsed_days or 0)
        else:
            end = calendar.later(start, _halves(step.duration))
        laid[step.key] = start, end
        answered[step.key] = _answered(step, end, calendars)
    return laid


def _answered(step: Step[Key], end: int, calendars: Mapping[str, WorkingDays]) -> int:
    """The end of the days that answers take. Who is asked on a day off is asked on the next working day."""
    if not step.answer_days:
        return end
    calendar = calendars[step.answered_in]
    asked = end if calendar.next_slot(end - 1) == end - 1 else calendar.next_slot(end) + 2
    return calendar.later(asked, 2 * step.answer_days)


def _asked(step: Step[Key], limit: int, calendars: Mapping[str, WorkingDays]) -> int:
    """The latest end of the step that is answered by the limit."""
    if not step.answer_days:
        return limit
    calendar = calendars[step.answered_in]
    return calendar.previous_slot(calendar.earlier(limit, 2 * step.answer_days) - 1) + 1


def _runs_through(step: Step[Key]) -> bool:
    """Is it over after so many days, whether anybody works or not? So is an event, at once."""
    return step.elapsed_days is not None or step.duration == 0


def _end(step: Step[Key], span: Span) -> int:
    """The tick from which a successor may start; that of an event may do so on the same day."""
    happens = _runs_through(step) and not step.elapsed_days
    return _morning(span.finish) + (0 if happens else 2)


def _between(
    predecessor: Step[Key], step: Step[Key], lag: float, spans: Mapping[Key, Span], calendar: WorkingDays
) -> tuple[int, int]:
    """What lies between two steps as they stand: the ticks of the day that both share, because half days met on it,
    and the units after that, no more than the lag asks for; with answers before the lag, all of them."""
    end, start = _end(predecessor, spans[predecessor.key]), _morning(spans[step.key].start)
    shared = 2 if lag >= 0 and end - 2 == start else 0
    units = calendar.units(end - shared, start)
    return shared, units if predecessor.answer_days else min(2 * ceil(lag), units)


def _carried(step: Step[Key], span: Span, start: date, calendar: WorkingDays) -> Span:
    worked = calendar.units(_morning(span.start), _morning(span.finish) + 2) // 2
    if step.elapsed_days is not None or not worked:
        return Span(start, start + (span.finish - span.start))
    return Span(start, calendar.shift(start, worked - 1))


def _span(start: int, end: int) -> Span:
    return Span(date.fromordinal(_day_number(start)), date.fromordinal(_day_number(max(start, end - 1))))


def _halves(units: float) -> int:
    return ceil(2 * units)


def _morning(day: date) -> int:
    return 2 * day.toordinal()


def _day_number(tick: int) -> int:
    return tick // 2
