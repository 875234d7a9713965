from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import AuditEvent
from linkstar.models.automation import Automation, AutomationRun
from linkstar.models.emergency import Emergency, Inlet
from linkstar.models.project import Project
from linkstar.models.stage import Stage
from linkstar.models.task import Task
from linkstar.planning.automating import MOST_AN_HOUR, Facts, Happening, circle_of, counted_from

ACTIONS = {"task.moved": "moved", "gate.passed": "gate", "checklist_item.ticked": "ticked"}
LOOKED_BACK = timedelta(days=3)  # a day that was reached while nothing ran is caught up with for so long
AT_ONCE = 500  # keys in one question
MESSAGE = "post:"  # how the key of a run begins that another program set going
Row = dict[str, Any]


def facts_of(task: Task) -> Facts:
    membership = task.owner.membership_in(task.workspace_id)
    return Facts(
        project_id=task.project_id,
        phase=(task.phase.name_zh, task.phase.name_en) if task.phase else (),
        role=membership.role if membership else None,
        platform=task.platform,
        owner_id=task.owner_id,
        priority=task.priority,
        labels=frozenset(label.name for label in task.labels),
        blocking=task.blocking,
        milestone=task.milestone,
        titles=tuple(title for title in (task.title_zh, task.title_en) if title),
    )


def tasks_with_facts(*where: ColumnElement[bool], last_by: Any = None, most: int | None = None) -> dict[int, Task]:
    """Living tasks of real projects with all that facts_of() asks, in a flat number of queries; no more than `most`,
    of which `last_by` comes last."""
    query = (
        select(Task)
        .join(Task.project)
        .where(
            *where, Task.trashed_at.is_(None), Project.trashed_at.is_(None), Task.project_id.not_in(Project.drafts())
        )
        .options(joinedload(Task.owner), joinedload(Task.phase), selectinload(Task.labels))
    )
    if last_by is not None:
        query = query.order_by(last_by.desc(), Task.id.desc())
    return {task.id: task for task in db.session.scalars(query.limit(most)).unique()}


def happenings(events: Iterable[AuditEvent], tasks: dict[int, Task]) -> Iterator[tuple[AuditEvent, Task, Happening]]:
    """What of the trail can set an automation going, by one query for the stages. The list of a task is complete with
    the tick after which nothing of it is open."""
    told = [each for each in events if each.action in ACTIONS and each.task_id in tasks]
    moves = {each.changes["stage_id"][1] for each in told if "stage_id" in each.changes}
    query = select(Stage.id, Stage.kind, Stage.name_zh, Stage.name_en).where(Stage.id.in_(moves))
    stages = {row.id: (row.kind, row.name_zh, row.name_en) for row in db.session.execute(query)} if moves else {}
    last = {each.task_id: each.id for each in told if each.action == "checklist_item.ticked"}
    for event in told:
        task = tasks[event.task_id or 0]
        match ACTIONS[event.action]:
            case "moved":
                if "stage_id" in event.changes:
                    yield event, task, Happening("moved", stage=stages.get(event.changes["stage_id"][1], ()))
            case "ticked":
                names = event.changes.get("item", [None, None])[1] or {}
                yield event, task, Happening("ticked", texts=tuple(each for each in names.values() if each))
                if last[task.id] == event.id and task.check_count and task.checked_count == task.check_count:
                    yield event, task, Happening("complete")
            case kind:
                yield event, task, Happening(kind)


def _deadline_of(task: Task) -> str:
    """To be late for another one is another occasion. Where the plan counts hours, several may lie on one day."""
    return str(task.due_on) if task.due_at is None else task.due_at.isoformat()


def _days_of(automation: Automation) -> int:
    """So many days after the day that is counted from; who writes another number waits for another day."""
    return counted_from(automation.trigger)[1]


def _is_by_itself(row: Row) -> bool:
    """An automation set it going, or another program, which may have heard of what an automation did."""
    return row.get("depth", 0) > 0 or row["key"].startswith(MESSAGE)


class Occasions:
    """What happens in a workspace, and which of its automations that sets going; however many there are, by a flat
    number of queries."""

    def __init__(self, workspace_id: int) -> None:
        self.workspace_id = workspace_id

    @cached_property
    def automations(self) -> list[Automation]:
        return Automation.active_in(self.workspace_id)

    # the trail

    def hear(self, events: list[AuditEvent]) -> None:
        """Events that nobody hears a second time; to be called in the transaction that took them."""
        if any(event.action in ACTIONS for event in events) and self.automations:
            self._write(self._of_events(events))

    def _of_events(self, events: list[AuditEvent]) -> Iterator[tuple[Automation, Row]]:
        wanted = {event.task_id for event in events if event.action in ACTIONS}
        tasks = tasks_with_facts(Task.id.in_(wanted), Task.workspace_id == self.workspace_id)
        changes = {event.change for event in events if event.via == "automation"}
        query = select(AutomationRun).where(AutomationRun.change.in_(changes))
        runs = db.session.scalars(query) if changes else ()
        chains = {run.change: [*run.chain, run.automation_id] for run in runs}
        facts = {task.id: facts_of(task) for task in tasks.values()}
        for event, task, happening in happenings(events, tasks):
            for automation in self._set_going(happening, facts[task.id]):
                if automation.since and event.created_at >= automation.since:
                    chain = chains.get(event.change, [])
                    yield automation, self._row(f"event:{event.id}", task) | {"depth": len(chain), "chain": chain}

    def _set_going(self, happening: Happening, facts: Facts) -> list[Automation]:
        return [
            each
            for each in self.automations
            if each.project_id in (None, facts.project_id)
            and happening.sets_going(each.trigger)
            and facts.fulfil(each.conditions)
        ]

    # the days

    def of_days(self) -> list[tuple[Automation, Row]]:
        """What became late, and the days that were reached, since the automation was switched on; those that are
        written down already are left out."""
        found = [*self._late(), *self._due(), *self._anchors()]
        keys = list({row["key"] for _automation, row in found})
        known: set[tuple[Any, ...]] = set()
        for start in range(0, len(keys), AT_ONCE):
            here = AutomationRun.key.in_(keys[start : start + AT_ONCE])
            query = select(AutomationRun.automation_id, AutomationRun.key).where(here)
            known |= {tuple(row) for row in db.session.execute(query)}
        return [(automation, row) for automation, row in found if (automation.id, row["key"]) not in known]

    def look_at_days(self) -> None:
        self._write(self.of_days())

    def _late(self) -> Iterator[tuple[Automation, Row]]:
        mine = [each for each in self.automations if each.trigger["kind"] == "late"]
        if not mine:
            return
        now = clock.now()
        since = max(min(each.since or now for each in mine), now - LOOKED_BACK)
        late = Task.late_from > since, Task.late_from <= now, Task.completed_at.is_(None), ~Emergency.settled()
        for task in tasks_with_facts(Task.workspace_id == self.workspace_id, *late).values():
            for automation in self._set_going(Happening("late"), facts_of(task)):
                if automation.since and task.late_from and task.late_from > automation.since:
                    yield automation, self._row(f"late:{task.id}:{_deadline_of(task)}", task)

    def _due(self) -> Iterator[tuple[Automation, Row]]:
        mine = self._on_days("due")
        if not mine:
            return
        here = Task.workspace_id == self.workspace_id, Task.completed_at.is_(None), ~Emergency.settled()
        near = or_(*(self._near(Task.due_on, automation) for automation in mine))
        for task in tasks_with_facts(*here, near).values():
            for automation in self._set_going(Happening("date"), facts_of(task)):
                if automation in mine and self._reached(automation, task.due_on, task.owner.timezone):
                    yield automation, self._row(f"due:{task.id}:{task.due_on}:{_days_of(automation)}", task)

    def _anchors(self) -> Iterator[tuple[Automation, Row]]:
        mine = self._on_days("anchor")
        if not mine:
            return
        no_more = Project.drafts(), Emergency.called_off()
        living = Project.trashed_at.is_(None), *(Project.id.not_in(each) for each in no_more)
        near = or_(*(self._near(Project.anchor_on, automation) for automation in mine))
        query = select(Project).where(Project.workspace_id == self.workspace_id, *living, near)
        for project in db.session.scalars(query.options(joinedload(Project.owner))).unique():
            for automation in self._set_going(Happening("date"), Facts(project.id)):
                if automation in mine and self._reached(automation, project.anchor_on, project.owner.timezone):
                    yield (
                        automation,
                        self._row(f"anchor:{project.id}:{project.anchor_on}:{_days_of(automation)}", None, project.id),
                    )

    def _on_days(self, of: str) -> list[Automation]:
        return [
            each for each in self.automations if each.trigger["kind"] == "date" and counted_from(each.trigger)[0] == of
        ]

    @staticmethod
    def _near(column: Any, automation: Automation) -> ColumnElement[bool]:
        """Whose day it can be now, wherever on earth the owner lives."""
        base = clock.today(ZoneInfo("UTC")) - timedelta(days=counted_from(automation.trigger)[1])
        found: ColumnElement[bool] = column.between(base - LOOKED_BACK, base + timedelta(days=1))
        return found

    @staticmethod
    def _reached(automation: Automation, base: date | None, zone: str) -> bool:
        """It is that day where the owner lives, and was not yet over when the automation was switched on."""
        if base is None or automation.since is None:
            return False
        here, day = ZoneInfo(zone), base + timedelta(days=counted_from(automation.trigger)[1])
        over = datetime.combine(day + timedelta(days=1), time(), here)
        return clock.today(here) >= day and over > automation.since

    # other programs

    def take(self, inlet: Inlet, payload: dict[str, Any], key: str) -> int:
        """A message that came in for automations: how many it sets going. `payload` may name a task by its code
        ({"task": "LAMP-8"}); `key` stands for the message, however often it comes."""
        task = self._named(inlet, payload.get("task"))
        happening = Happening("webhook", choice=str(inlet.id))
        rows: list[tuple[Automation, Row]] = []
        for automation in self.automations:
            project_id = task.project_id if task else automation.project_id or inlet.project_id
            facts = facts_of(task) if task else Facts(project_id)
            if automation in self._set_going(happening, facts):
                rows.append((automation, self._row(f"{MESSAGE}{key}", task, project_id)))
        self._write(rows)
        return len(rows)

    def _named(self, inlet: Inlet, code: Any) -> Task | None:
        """Only what the inlet's owner sees, in its project where it has one."""
        word, dash, number = str(code or "").rpartition("-")
        if not dash or not number.isascii() or not number.isdigit() or len(number) > 9:
            return None
        where = [Task.seen_by(inlet.owner), Task.workspace_id == self.workspace_id]
        where += [Project.key == word.upper(), Task.number == int(number)]
        where += [Task.project_id == inlet.project_id] if inlet.project_id else []
        return next(iter(tasks_with_facts(*where).values()), None)

    # what is written

    def _row(self, key: str, task: Task | None, project_id: int | None = None) -> Row:
        return {
            "workspace_id": self.workspace_id, "key": key, "task_id": task.id if task else None,
            "project_id": task.project_id if task else project_id, "created_at": clock.now(),
        }  # fmt: skip

    def _write(self, found: Iterable[tuple[Automation, Row]]) -> None:
        """Automations that set each other going in a circle are stopped, all of them, and so is one that never ends.
        What people did, and days that came, is only queued, however much it is."""
        rows: list[Row] = []
        counts = None
        for automation, row in found:
            if not automation.active:
                continue
            if circle := circle_of(row.get("chain", []), automation.id):
                rows += self._stopped(circle, row, "loop")
                continue
            if _is_by_itself(row):
                counts = self._counts() if counts is None else counts
                counts[automation.id] = counts.get(automation.id, 0) + 1
                if counts[automation.id] > MOST_AN_HOUR:
                    rows += self._stopped([automation.id], row, "often")
                    continue
            rows.append({"automation_id": automation.id} | row)
        AutomationRun.write(rows)

    def _stopped(self, ids: list[int], row: Row, why: str) -> Iterator[Row]:
        """Each of them is switched off, and the log of each says with which others."""
        stopped = [each for each in self.automations if each.id in ids and each.active]
        for each in stopped:
            others = [other.name for other in stopped if other is not each]
            each.stop(others)
            told = {
                "state": "stopped",
                "trouble": {"why": why} | ({"others": others} if others else {}),
                "done_at": clock.now(),
            }
            yield row | told | {"automation_id": each.id, "key": f"{why}:{row['key']}"}

    def _counts(self) -> dict[int, int]:
        """Automation → how often it was set going by itself within the hour."""
        lately = AutomationRun.created_at > clock.now() - timedelta(hours=1)
        mine = AutomationRun.automation_id.in_([each.id for each in self.automations])
        by_itself = or_(AutomationRun.depth > 0, AutomationRun.key.startswith(MESSAGE))
        query = select(AutomationRun.automation_id, func.count()).where(mine, lately, by_itself)
        rows = db.session.execute(query.group_by(AutomationRun.automation_id))
        return {automation_id: count for automation_id, count in rows}
