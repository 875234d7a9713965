"""What an automation would have done in the last thirty days, if it had been on; nothing is written. Tasks are taken
as they are today, for nobody keeps what they were then; so is what holds them and what the owner may do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import (
    AuditEvent,
    Automation,
    Checklist,
    ChecklistItem,
    Emergency,
    Evidence,
    Hold,
    PhaseGate,
    Project,
    Stage,
    Task,
    User,
    Waiver,
)
from linkstar.models.deed import declares_none, stage_for
from linkstar.models.occasion import facts_of, happenings, tasks_with_facts
from linkstar.planning.automating import OF_A_TASK, Facts, counted_from

BACK, DAY = timedelta(days=30), timedelta(days=1)
MOST = 200  # lines
MOST_EVENTS = 2000  # of the trail, and tasks, are looked at, the newest


@dataclass(frozen=True)
class Line:
    at: datetime
    task: Task | None
    project: Project
    why_not: str | None  # a key of WHY_NOT: what would be refused today


class Rehearsal:
    def __init__(self, automation: Automation, reader: User) -> None:
        self.automation, self.reader = automation, reader
        self.since = clock.now() - BACK

    @cached_property
    def lines(self) -> list[Line]:
        """The newest first."""
        found = sorted(self._found(), key=lambda each: each[0], reverse=True)[:MOST]
        held = self._held([task for _at, task, _project in found if task])
        if self.declares:
            self._no_emergency = declares_none(self.automation, {project.id for _at, _task, project in found})
        return [Line(at, task, project, self._why_not(task, project, held)) for at, task, project in found]

    @property
    def tasks(self) -> int:
        return len({line.task.id for line in self.lines if line.task})

    @property
    def refused(self) -> int:
        return sum(line.why_not is not None for line in self.lines)

    @property
    def full(self) -> bool:
        return len(self.lines) == MOST

    @property
    def declares(self) -> bool:
        return any(each["kind"] == "declare" for each in self.automation.actions)

    # what has happened

    def _found(self) -> Iterator[tuple[datetime, Task | None, Project]]:
        trigger = self.automation.trigger
        match trigger["kind"]:
            case "late":
                near = Task.late_from.between(self.since, clock.now())
                yield from self._days(near, Task.late_from, lambda task: task.late_from or clock.now())
            case "date" if counted_from(trigger)[0] == "anchor":
                yield from self._anchors()
            case "date":
                shift = timedelta(days=counted_from(trigger)[1])
                first, last = ((each - shift).date() for each in (self.since - DAY, clock.now() + DAY))
                near = Task.due_on.between(first, last)
                yield from self._days(
                    near, Task.due_on, lambda task: _morning((task.due_on or last) + shift, task.owner)
                )
            case "webhook":
                return  # what came in before is not kept
            case _:
                yield from self._trail()

    def _here(self) -> list[Any]:
        mine = self.automation
        here = [Task.workspace_id == mine.workspace_id, Task.seen_by(self.reader)]
        return here + ([Task.project_id == mine.project_id] if mine.project_id else [])

    def _trail(self) -> Iterator[tuple[datetime, Task | None, Project]]:
        action = {"moved": "task.moved", "gate": "gate.passed"}.get(
            self.automation.trigger["kind"], "checklist_item.ticked"
        )
        of_task = select(Task.id).where(*self._here())
        query = (
            select(AuditEvent)
            .where(AuditEvent.workspace_id == self.automation.workspace_id, AuditEvent.action == action)
            .where(AuditEvent.created_at > self.since, AuditEvent.task_id.in_(of_task))
            .order_by(AuditEvent.id.desc())
            .limit(MOST_EVENTS)
        )
        events = list(reversed(list(db.session.scalars(query))))
        tasks = tasks_with_facts(Task.id.in_({event.task_id for event in events})) if events else {}
        for event, task, happening in happenings(events, tasks):
            if happening.sets_going(self.automation.trigger) and self._fits(task):
                yield event.created_at, task, task.project

    def _days(
        self, near: Any, last_by: Any, reached: Callable[[Task], datetime]
    ) -> Iterator[tuple[datetime, Task, Project]]:
        """The tasks whose moment lies in the thirty days, and that were not done before it."""
        open_then = or_(Task.completed_at.is_(None), Task.completed_at > self.since)
        tasks = tasks_with_facts(*self._here(), near, open_then, last_by=last_by, most=MOST_EVENTS)
        for task in tasks.values():
            at = reached(task)
            done_before = task.completed_at and task.completed_at < at
            if self.since < at <= clock.now() and not done_before and self._fits(task):
                yield at, task, task.project

    def _anchors(self) -> Iterator[tuple[datetime, Task | None, Project]]:
        mine, shift = self.automation, timedelta(days=counted_from(self.automation.trigger)[1])
        here = [Project.workspace_id == mine.workspace_id, Project.id.not_in(Project.drafts())]
        here += [Project.id == mine.project_id] if mine.project_id else []
        for project in db.session.scalars(Project.visible_to(self.reader).where(*here, Project.anchor_on.is_not(None))):
            assert project.anchor_on
            at = _morning(project.anchor_on + shift, self.automation.owner)
            if self.since < at <= clock.now() and Facts(project.id).fulfil(mine.conditions):
                yield at, None, project

    def _fits(self, task: Task) -> bool:
        return facts_of(task).fulfil(self.automation.conditions)

    # what would be refused

    def _why_not(self, task: Task | None, project: Project, held: set[int]) -> str | None:
        by = self.automation.owner
        for action in self.automation.actions:
            kind = action["kind"]
            if kind in OF_A_TASK and task is None:
                return "no_task"
            if kind == "create" and not project.allows(by, "create"):
                return "NotAllowed"
            if kind == "declare" and project.id in self._no_emergency:
                return self._no_emergency[project.id]
            if kind == "declare" and not Emergency.may_be_declared_by(by, project.workspace_id, project):
                return "NotAllowed"
            if task and kind in OF_A_TASK and not task.allows(by, "move" if kind == "move" else "edit"):
                return "NotAllowed"
            if task and kind == "move" and self._stages_of(project) and self._target(task) is None:
                return "no_stage"
            if kind == "due" and counted_from(action)[0] == "anchor" and project.anchor_on is None:
                return "no_anchor"
        return "MoveRefused" if task and task.id in held else None

    def _target(self, task: Task) -> Stage | None:
        """Where its last move would put the task."""
        moves = [each["choice"] for each in self.automation.actions if each["kind"] == "move"]
        stages = self._stages_of(task.project)
        now = next((each for each in stages if each.id == task.stage_id), None)
        return stage_for(moves[-1], stages, now) if moves else None

    def _stages_of(self, project: Project) -> list[Stage]:
        return self._stages.get(project.id, [])

    def _held(self, tasks: list[Task]) -> set[int]:
        """Those that something holds back from the stage where the automation moves tasks: as Gated.holds_at() says,
        but for all of them by eight queries."""
        self._stages: dict[int, list[Stage]] = {}
        projects = {task.project_id for task in tasks}
        if not tasks or not any(each["kind"] == "move" for each in self.automation.actions):
            return set()
        query = select(Stage).where(Stage.project_id.in_(projects)).order_by(Stage.project_id, Stage.position)
        for stage in db.session.scalars(query):
            self._stages.setdefault(stage.project_id, []).append(stage)
        stage_of = {each.id: each for stages in self._stages.values() for each in stages}
        ahead: dict[int, tuple[Task, Stage]] = {}
        for task in tasks:
            target, now = self._target(task), stage_of[task.stage_id]
            if target and target.id != now.id and (target.position > now.position or target.kind == "done"):
                ahead[task.id] = (task, target)
        begun = {key for key, (_task, stage) in ahead.items() if stage.kind != "backlog"}
        submitted = {key for key, (_task, stage) in ahead.items() if stage.kind in ("review", "done")}
        held = {key for key in begun if ahead[key][0].due_on is None}
        held |= Task.blocker_counts(begun).keys()
        held |= set(db.session.scalars(select(Hold.task_id).where(Hold.task_id.in_(begun), Hold.real())))
        held |= self._unticked(submitted) | self._behind_gates({key: ahead[key][0] for key in begun})
        held |= self._not_delivered({key: pair[0] for key, pair in ahead.items() if pair[1].kind == "done"})
        guards = self._guards(projects)
        for key, (task, stage) in ahead.items():
            first = stage_of[task.stage_id].position
            if any(first <= each < stage.position for each in guards.get(task.project_id, ())):
                held.add(key)
        return held

    @property
    def _open(self) -> Any:
        return ChecklistItem.required & ChecklistItem.open_on(clock.today(ZoneInfo(self.reader.timezone)))

    def _unticked(self, ids: set[int]) -> set[int]:
        waived = select(Waiver.id).where(
            Waiver.item_id == ChecklistItem.id, Waiver.task_id == Checklist.task_id, Waiver.state == "granted"
        )
        query = select(Checklist.task_id).join(Checklist.items).where(Checklist.task_id.in_(ids), self._open)
        return {key for key in db.session.scalars(query.where(~waived.exists())) if key}

    def _behind_gates(self, tasks: dict[int, Task]) -> set[int]:
        query = (
            select(PhaseGate.phase_id)
            .join(Task, Task.phase_id == PhaseGate.awaited_id)
            .join(Checklist, Checklist.task_id == Task.id)
            .join(Checklist.items)
            .where(
                PhaseGate.phase_id.in_({task.phase_id for task in tasks.values()}),
                Task.trashed_at.is_(None),
                self._open,
            )
        )
        shut = set(db.session.scalars(query.distinct()))
        return {key for key, task in tasks.items() if task.phase_id in shut}

    def _not_delivered(self, tasks: dict[int, Task]) -> set[int]:
        asked = {key for key, task in tasks.items() if task.deliverable_zh or task.deliverable_en}
        given = select(Evidence.task_id).where(
            Evidence.task_id.in_(asked), Evidence.item_id.is_(None), Evidence.replaced_at.is_(None)
        )
        return asked - set(db.session.scalars(given)) if asked else set()

    def _guards(self, projects: set[int]) -> dict[int, list[int]]:
        query = (
            select(Stage.project_id, Stage.position)
            .join(Checklist, Checklist.stage_id == Stage.id)
            .join(Checklist.items)
            .where(Stage.project_id.in_(projects), self._open)
            .distinct()
        )
        found: dict[int, list[int]] = {}
        for row in db.session.execute(query):
            found.setdefault(row.project_id, []).append(row.position)
        return found


def _morning(day: date, person: User) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(person.timezone))
