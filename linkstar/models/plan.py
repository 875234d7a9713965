"""A project's dates as a plan: what moves when the anchor, one task or a delay does. Nothing is written before
`Replan.apply()`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models.audit_event import new_change
from linkstar.models.calendar_day import calendars_of
from linkstar.models.dependency import Dependency
from linkstar.models.project import Project
from linkstar.models.task import Task
from linkstar.models.template import TemplateVersion
from linkstar.models.user import User
from linkstar.planning.schedule import Span, Step, lay, lay_hours, push, push_hours, ready, slack
from linkstar.planning.working_days import FIRST, LAST, OutOfRange, WorkingDays, check_range

Times = tuple[datetime, datetime]
SLIPPING_ANCHORS = ("launch_day", "publish_day")  # an event's day or a deadline does not wait for anybody


@dataclass(frozen=True)
class Shift:
    """New dates of one task; `old` is None where it had none."""

    task: Task
    old: Span | None
    new: Span
    times: Times | None = None  # where the plan counts hours

    @property
    def days(self) -> int:
        """Calendar days by which it ends later (negative: earlier)."""
        return (self.new.finish - self.old.finish).days if self.old else 0


@dataclass(frozen=True)
class Clash:
    """The task starts so many days before what it waits for is finished and the lag is over."""

    task: Task
    predecessor: Task
    days: int


@dataclass
class Replan:
    """What would change; apply() does exactly this, as one change that can be undone as one."""

    plan: "Plan"
    shifts: list[Shift]
    clashes: list[Clash] = field(default_factory=list)  # what would stand too early, of all that this touches
    by_hand: Task | None = None  # the task whose dates somebody chose
    anchor: date | datetime | None = None  # the project's new anchor, where that is what was moved

    @property
    def others(self) -> list[Shift]:
        return [shift for shift in self.shifts if shift.task is not self.by_hand]

    @property
    def launch(self) -> Shift | None:
        """Where the anchor goes, if it goes."""
        return next((shift for shift in self.shifts if shift.task is self.plan.anchor), None)

    @property
    def projects(self) -> list[Project]:
        """The projects whose other tasks, or whose anchor, it moves."""
        moved = [
            shift.task for shift in self.shifts if shift.task is not self.by_hand or self.plan.is_anchor(shift.task)
        ]
        return list(dict.fromkeys(task.project for task in moved))

    @property
    def fingerprint(self) -> str:
        """The same for the same outcome: who confirms a preview gets what it showed, or another preview."""
        told = [(shift.task.id, shift.old, shift.new, shift.times) for shift in self.shifts]
        clashes = [(clash.task.id, clash.predecessor.id, clash.days) for clash in self.clashes]
        return sha256(repr((self.anchor, told, clashes)).encode()).hexdigest()[:24]

    def apply(self, *, by: User, others: bool = True, change: str | None = None) -> str:
        """Writes the new dates; without `others` only those of the task that was chosen."""
        change = change or new_change()
        self._refuse_anchor(by)
        shifts = self.shifts if others else [shift for shift in self.shifts if shift.task is self.by_hand]
        told = self.plan.beside({shift.task.id for shift in shifts})  # their cards say something about these dates
        projects = {self.plan.project, *(shift.task.project for shift in shifts), *(task.project for task in told)}
        revisions = {project: project.touch() for project in sorted(projects, key=lambda project: project.id)}
        for task in told:
            task.revision = revisions[task.project]
        changed = {
            shift.task: shift.task.set_dates(
                self._values(shift), by=by, revision=revisions[shift.task.project], change=change
            )
            for shift in shifts
        }
        Task.tell_all_changed(changed, by=by)
        for project, anchor in self._anchors(shifts).items():
            if anchor != (project.anchor_at or project.anchor_on):
                project.move_anchor(anchor, by=by, change=change)
        return change

    def _refuse_anchor(self, by: User) -> None:
        """Who chooses another day for the task on which the plan hangs moves the project's anchor."""
        chosen = next((shift for shift in self.shifts if shift.task is self.by_hand), None)
        if chosen and self.plan.is_anchor(chosen.task) and chosen.new.start != self.plan.project.anchor_on:
            chosen.task.refuse_anchor_day(chosen.new.start, by)

    def _values(self, shift: Shift) -> dict[str, Any]:
        start_at, due_at = shift.times or (None, None)
        of_one_day = shift.task.start_on is None and shift.new.start == shift.new.finish
        values: dict[str, Any] = {
            "start_on": None if of_one_day else shift.new.start, "due_on": shift.new.finish
        }  # fmt: skip
        values |= {"start_at": start_at, "due_at": due_at}
        if shift.task is self.by_hand and shift.task.duration is not None and not self.plan.is_anchor(shift.task):
            values["start_rule"] = "by_hand"
        return values

    def _anchors(self, shifts: Iterable[Shift]) -> dict[Project, date | datetime]:
        anchors: dict[Project, date | datetime] = {
            shift.task.project: shift.times[0] if shift.times else shift.new.start
            for shift in shifts
            if self.plan.is_anchor(shift.task)
        }
        return anchors | ({self.plan.project: self.anchor} if self.anchor is not None else {})


class Plan:
    """All tasks of a project and of its programme, with what they wait for: two queries, and one for the calendars.

    With `lock` nobody else changes them until the end of the transaction."""

    def __init__(self, project: Project, *, lock: bool = False) -> None:
        self.project = project
        programme = or_(Project.id == project.programme_id, Project.parent_id == project.programme_id)
        if lock:
            for each in db.session.scalars(select(Project).where(programme).order_by(Project.id)).all():
                each.touch()
        here = select(Project.id).where(programme)
        query = (
            select(Task)
            .where(Task.project_id.in_(here), Task.trashed_at.is_(None))
            .options(joinedload(Task.owner), joinedload(Task.stage))
            .options(joinedload(Task.partner), joinedload(Task.counterpart))
            .order_by(Task.position)
            .execution_options(populate_existing=lock)
        )
        self.tasks = {task.id: task for task in db.session.scalars(query)}
        links = db.session.execute(
            select(Dependency.successor_id, Dependency.predecessor_id, Dependency.lag)
            .where(Dependency.successor_id.in_(select(Task.id).where(Task.project_id.in_(here))))
            .order_by(Dependency.successor_id, Dependency.predecessor_id)
        )
        self.after: dict[int, list[tuple[int, float]]] = {}
        for successor, predecessor, lag in links:
            if successor in self.tasks and predecessor in self.tasks:
                self.after.setdefault(successor, []).append((predecessor, lag))

    @cached_property
    def calendars(self) -> dict[str, WorkingDays]:
        return calendars_of(self.project.workspace_id)

    @cached_property
    def own(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.project_id == self.project.id]

    @cached_property
    def anchor(self) -> Task | None:
        return next((task for task in self.own if self.is_anchor(task)), None)

    @staticmethod
    def is_anchor(task: Task) -> bool:
        return task.key is not None and task.key == task.project.anchor_key

    @cached_property
    def slack(self) -> dict[int, int]:
        """Task → by how many working days it may slip before the launch day, a lock or a deadline would have to give
        way; for all that have dates and are not finished. Empty where the plan counts hours, or ends with 2100."""
        if self.project.unit == "hour":
            return {}
        done = {task.id for task in self.tasks.values() if task.completed_at}
        spans = {key: span for key, span in self._spans().items() if key not in done}
        try:
            found = slack(self._steps(), spans, self.calendars, fixed=self._standing() | self._anchors)
        except OutOfRange:
            return {}
        return {task.id: 0 if self.is_anchor(task) else found[task.id] for task in self.own if task.id in found}

    @cached_property
    def critical(self) -> list[Task]:
        """What makes the launch late as soon as it is late itself, in the order of time."""
        tasks = [self.tasks[key] for key, days in self.slack.items() if days == 0]
        return sorted(tasks, key=lambda task: (task.start_on or task.due_on, task.due_on, task.position))

    @cached_property
    def clashes(self) -> list[Clash]:
        """Tasks of the project that stand too early for what they wait for, as the dates are now."""
        return [clash for clash in self._clashes_in(self._spans()) if clash.task.project_id == self.project.id]

    def beside(self, ids: Collection[int]) -> list[Task]:
        """What waits for these tasks or is waited for by them, without themselves."""
        found = {
            other
            for successor, links in self.after.items()
            for predecessor, _lag in links
            for one, other in ((successor, predecessor), (predecessor, successor))
            if one in ids and other not in ids
        }
        return [self.tasks[key] for key in sorted(found)]

    # what would change

    def moved_to(self, anchor: date | datetime) -> Replan:
        """The anchor on another day: all that has not begun and is not locked goes with it. Where a task stands as
        the plan had laid it, it is laid anew; where people or a delay put it elsewhere, it keeps its distance to the
        anchor. So there and back changes nothing, and what stands in the way is told, not pushed aside.
        """
        if isinstance(anchor, datetime):
            return self._moved_to_hour(anchor)
        old = self.project.anchor_on or anchor
        before, after = self._laid(old), self._laid(anchor)
        shifts = []
        for task in filter(self._goes_along, self.own):
            span = dates_of(task)
            if span and (_by_hand(task) or span != before.get(task.id)):
                after[task.id] = self._carried(task, span, old, anchor)
            if task.id in after and after[task.id] != span:
                shifts.append(Shift(task, span, after[task.id]))
        return self._replan(shifts, anchor=anchor)

    def with_dates(self, task: Task, start_on: date, due_on: date) -> Replan:
        """One task's dates by hand, and what that pushes."""
        return self._pushed(task, Span(start_on, due_on))

    def with_answers(self, tasks: Iterable[Task]) -> Replan:
        """What has to begin later because the other side of these tasks takes its time, and what cannot. They stay
        themselves, unless one waits for another."""
        slower = {task.id for task in tasks if task.answer_buffer}
        spans = self._spans()
        new = self._settled({}, slower=slower)
        shifts = [Shift(self.tasks[key], spans.get(key), each) for key, each in new.items() if each != spans.get(key)]
        return self._replan(shifts, slower=slower)

    def with_times(self, task: Task, start_at: datetime, due_at: datetime) -> Replan:
        """The same in a plan that counts hours."""
        times = {each.id: _times(each) for each in self.tasks.values() if each.start_at and each.due_at}
        fixed = self._standing() - {task.id}
        pushed = push_hours(self._steps(), times, {task.id: (start_at, due_at)}, fixed=fixed)
        shifts = [self._shift_to(self.tasks[key], new) for key, new in pushed.items() if new != times.get(key)]
        return self._replan(shifts, by_hand=task)

    def late_by(self, task: Task, days: int) -> Replan:
        """The task ends so many calendar days later than planned; what has not begun begins later, too."""
        span = dates_of(task)
        if span is None:
            raise ValueError("a task without dates cannot be late")
        begun = task.stage.kind != "backlog"
        if task.start_at and task.due_at:
            start_at, due_at = _times(task)
            return self.with_times(task, start_at if begun else start_at + timedelta(days), due_at + timedelta(days))
        calendar = self.calendars[task.owner.country]
        finish = span.finish + timedelta(days)
        start = span.start if begun else span.start + timedelta(days)
        if task.elapsed_days is None:
            finish = calendar.next(finish)
        if not begun:
            start = min(calendar.next(start), finish)
        return self._pushed(task, Span(start, finish))

    def _pushed(self, task: Task, span: Span) -> Replan:
        """What the task's new dates push; finished and running tasks, locked ones and deadlines stay. Where that
        moves a launch, what stands at a fixed distance to it goes along."""
        new = self._settled({task.id: span})
        shifts = [Shift(self.tasks[key], dates_of(self.tasks[key]), each) for key, each in new.items()]
        shifts = [shift for shift in shifts if shift.new != shift.old]
        return self._replan(shifts, by_hand=task)

    def _settled(self, chosen: Mapping[int, Span], slower: Collection[int] = ()) -> dict[int, Span]:
        steps, spans, moved = self._steps(), self._spans(), dict(chosen)
        fixed = self._standing() - chosen.keys()
        new = push(steps, spans, moved, self.calendars, fixed=fixed, slower=slower).spans
        while (along := self._kept_at_distance(spans | new, chosen)).items() - moved.items():
            moved |= along
            new = push(steps, spans, moved, self.calendars, fixed=fixed, slower=slower).spans
        return new

    def _kept_at_distance(self, new: Mapping[int, Span], chosen: Collection[int]) -> dict[int, Span]:
        """Fixed starts and exact deadlines of launches that were moved."""
        moved = {
            task.project_id: (task.project.anchor_on, new[task.id].start)
            for task in self.tasks.values()
            if self.is_anchor(task) and task.id in new and task.project.anchor_on != new[task.id].start
        }
        found = {}
        for task in self.tasks.values():
            old, anchor = moved.get(task.project_id, (None, None))
            span = dates_of(task)
            if not (old and anchor and span) or task.id in chosen or self.is_anchor(task) or not _loose(task):
                continue
            if task.offset_days is not None:
                found[task.id] = Span(span.start + (anchor - old), span.finish + (anchor - old))
            elif task.start_rule == "fixed":
                found[task.id] = self._carried(task, span, old, anchor)
        return found

    def _moved_to_hour(self, anchor: datetime) -> Replan:
        times = {}
        if self.anchor:
            times = lay_hours(self._computed(), self.anchor.id, anchor)
        shifts = []
        for task in self.own:
            if _by_hand(task) and task.start_at and task.due_at and self.project.anchor_at:
                by = anchor - self.project.anchor_at
                times[task.id] = (task.start_at + by, task.due_at + by)
            if task.id in times and self._goes_along(task) and times[task.id] != (task.start_at, task.due_at):
                shifts.append(self._shift_to(task, times[task.id]))
        return self._replan(shifts, anchor=anchor)

    def _replan(self, shifts: list[Shift], *, slower: Collection[int] = (), **chosen: Any) -> Replan:
        by_hand = chosen.get("by_hand")
        check_range(day for shift in shifts for day in (shift.new.start, shift.new.finish))
        shifts.sort(key=lambda shift: (shift.task is not by_hand, shift.new.start, shift.task.position))
        moved = {shift.task.id: shift.new for shift in shifts}
        clashes = self._clashes_in(self._spans() | moved)
        others = moved.keys() | set(slower)
        touched = [clash for clash in clashes if clash.task.id in moved or clash.predecessor.id in others]
        return Replan(self, shifts, touched, **chosen)

    @staticmethod
    def _shift_to(task: Task, times: Times) -> Shift:
        zone = ZoneInfo(task.owner.timezone)
        return Shift(task, dates_of(task), Span(*(moment.astimezone(zone).date() for moment in times)), times)

    # how the scheduler sees it

    def _laid(self, anchor: date) -> dict[int, Span]:
        """Where the computed tasks stand with the anchor on this day, as if none had begun or been locked."""
        if self.anchor is None:
            return {}
        return dict(lay(self._computed(), self.anchor.id, anchor, self.calendars).spans)

    def _carried(self, task: Task, span: Span, old: date, new: date) -> Span:
        """Dates that were set by hand keep their distance to the anchor in working days; one on a day off keeps it
        in days."""
        calendar = self.calendars[task.owner.country]

        def carry(day: date) -> date:
            return calendar.shift(new, calendar.count(old, day)) if calendar.works(day) else day + (new - old)

        start = carry(span.start)
        if task.elapsed_days is not None:
            return Span(start, start + (span.finish - span.start))
        return Span(start, max(start, carry(span.finish)))

    def _steps(self) -> list[Step]:
        return [self._step(task) for task in self.tasks.values()]

    def _computed(self) -> list[Step]:
        """The project's own tasks that have a duration, waiting for each other only."""
        steps = {task.id: self._step(task) for task in self.own if task.duration is not None}
        return [replace(step, after=tuple(link for link in step.after if link[0] in steps)) for step in steps.values()]

    def _step(self, task: Task) -> Step:
        return Step(
            key=task.id,
            duration=1 if task.duration is None else task.duration,
            after=tuple(self.after.get(task.id, ())),
            country=task.owner.country,
            start=None if _by_hand(task) else task.start_rule,
            offset=task.offset or 0,
            elapsed_days=task.elapsed_days,
            offset_days=task.offset_days,
            answer_days=task.answer_buffer,
            answered_in=task.answered_in,
        )

    def _spans(self) -> dict[int, Span]:
        return {task.id: span for task in self.tasks.values() if (span := dates_of(task))}

    def _standing(self) -> set[int]:
        """What does not give way when it is pushed: what has begun, is locked, or is a deadline or an event."""
        stands = {task.id for task in self.tasks.values() if not _loose(task)}
        return stands | self._deadlines | self._events

    @cached_property
    def _deadlines(self) -> set[int]:
        return {task.id for task in self.tasks.values() if task.offset_days is not None and not self.is_anchor(task)}

    @cached_property
    def _anchors(self) -> set[int]:
        return {task.id for task in self.tasks.values() if self.is_anchor(task)}

    @cached_property
    def _events(self) -> set[int]:
        """Anchors that do not wait: Black Friday, a deadline, the first day of a quarter."""
        versions = {key: self.tasks[key].project.template_version_id for key in self._anchors}
        kind = TemplateVersion.content["anchor"]["type"].as_string()
        query = select(TemplateVersion.id).where(
            TemplateVersion.id.in_({*versions.values()}), kind.not_in(SLIPPING_ANCHORS)
        )
        events = set(db.session.scalars(query))
        return {key for key, version in versions.items() if version in events}

    def _goes_along(self, task: Task) -> bool:
        """Does it move when the anchor does? The anchor itself does, unless it is over."""
        return _loose(task) or (task is self.anchor and not task.completed_at)

    def _clashes_in(self, spans: Mapping[int, Span]) -> list[Clash]:
        """A half day may end and another begin on the same day, so only whole days count."""
        found = []
        for successor, links in self.after.items():
            task = self.tasks[successor]
            for predecessor, lag in links:
                before = self.tasks[predecessor]
                if task.completed_at or before.completed_at or not {successor, predecessor} <= spans.keys():
                    continue
                days = (self._ready(before, spans[predecessor], task, lag) - spans[successor].start).days
                if days > 0:
                    found.append(Clash(task, before, days))
        return found

    def _ready(self, before: Task, span: Span, task: Task, lag: float) -> date:
        """The day from which a task may begin; only told, so that of a plan that leaves the century is its last."""
        calendar = self.calendars[task.owner.country]
        try:
            if before.answer_buffer:
                laid = before.duration is not None and not _by_hand(before)
                return ready(self._step(before), span, self._step(task), lag, self.calendars, laid=laid)
            return calendar.shift(span.finish, int(lag)) if lag else span.finish
        except OutOfRange:
            return FIRST if lag < 0 else LAST


def dates_of(task: Task) -> Span | None:
    """Where a task stands: a missing start is its due day."""
    return Span(min(task.start_on or task.due_on, task.due_on), task.due_on) if task.due_on else None


def _times(task: Task) -> Times:
    assert task.start_at and task.due_at
    return task.start_at, task.due_at


def _loose(task: Task) -> bool:
    """It has not begun and is not locked, so it goes where the plan goes."""
    return task.stage.kind == "backlog" and not task.completed_at and not task.locked


def _by_hand(task: Task) -> bool:
    return task.start_rule == "by_hand"
