"""What people are to be told of in the next hours, and whether it is still true when it is told."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import (
    Absence,
    Approval,
    AuditEvent,
    Checklist,
    ChecklistItem,
    Dependency,
    Emergency,
    Evidence,
    Membership,
    PhaseGate,
    Project,
    ProjectMember,
    Reminder,
    Stage,
    Task,
    User,
    Waiver,
    Workspace,
    calendars_of,
)
from linkstar.models.audit_event import in_both
from linkstar.planning.reminding import FURTHEST, LONGEST, Reader, after_work, moment, moments
from linkstar.planning.working_days import country_of
from linkstar.reports.market_days import MarketDay, market_days

AHEAD, BEHIND = timedelta(hours=36), timedelta(hours=24)  # behind: while the program was away
OVERDUE = (1, 3, 7)
ESCALATED = 7
GATE = (0, 3)
APPROVAL = (1, 3)  # working days
EXPIRING = (30, 14, 7, 1)
CUTOFF = (30, 14, 7, 3, 1)
IDLE = 8
AN_HOUR = timedelta(hours=1)
OF_CREATORS = ("due", "overdue")
UNTIL_THE_DAY = ("due", "expiring", "cutoff")  # nothing of these is told after it
OF_OWNERS = ("due", "overdue", "started", "gate")  # what a task's owner is told because the person owns it
PLATFORM_OF = {"fba": "amazon", "deals": "amazon", "walmart": "walmart"}  # how the key of a cut-off begins
OWNERS_CHANGE = ("task.edited", "task.moved")

Values = dict[str, Any]
Key = tuple[int, str, str, int, str]
Steps = tuple[str, object, Mapping[int, datetime]]  # kind, what it counts from, and when each step is told


class Lead(NamedTuple):
    """A project as far as it says who hears of it."""

    id: int
    owner_id: int
    unit: str
    remind_before: list[int]
    platforms: list[str]
    anchor_on: date | None
    owner_timezone: str


class Upcoming:
    """The reminders of a workspace whose moment comes within a day and a half, or came within the last day. It asks
    as many questions of the database however many tasks there are."""

    def __init__(self, workspace_id: int) -> None:
        self.workspace_id, self.now = workspace_id, clock.now()
        self.first, self.last = self.now - BEHIND, self.now + AHEAD
        self.first_day = self.first.date() - timedelta(days=1)  # on which it may be one of these moments somewhere
        self.last_day = self.last.date() + timedelta(days=1)

    def news(self) -> tuple[list[Values], list[Values]]:
        """The rows that are not there yet; and what becomes of those that are there: they wait for another moment now,
        are not to be told any more, or are to be told after all."""
        planned = {_key(row): row for row in self._all()}
        there = {(*each[1:6],): each for each in db.session.execute(self._there())}
        near = {key: row for key, row in planned.items() if self.first <= row["due_at"] <= self.last}
        found = [row for key, row in near.items() if key not in there or there[key].state == "dropped"]
        given = self._given() if any(row["due_at"] < self.now and row["task_id"] for row in found) else {}
        found = [row for row in found if not _came_before(row, given.get(row["task_id"] or 0))]
        fresh = sorted((row for row in found if _key(row) not in there), key=_key)
        changed = [change for key, row in there.items() if (change := self._waiting(row, planned.get(key)))]
        dropped = ((there[key], row) for row in found if (key := _key(row)) in there)
        changed += [_change(old, "due", row["due_at"]) for old, row in dropped if self._is_true_again(old, row)]
        return fresh, sorted(changed, key=lambda change: int(change["id"]))

    def _there(self) -> Any:
        """Around the moments, because somebody may have moved to another zone; and what waits, however long, because
        somebody may be away."""
        days = Reminder.due_at.between(self.first - timedelta(days=2), self.last + timedelta(days=2))
        return select(
            Reminder.id, Reminder.user_id, Reminder.subject, Reminder.kind, Reminder.step, Reminder.version,
            Reminder.state, Reminder.due_at,
        ).where(Reminder.workspace_id == self.workspace_id, or_(Reminder.state == "due", days))  # fmt: skip

    def _waiting(self, row: Row[*tuple[Any, ...]], planned: Values | None) -> Values | None:
        """What changes for one that waits. The plan knows all of this time: what it leaves out is not told, and what it
        knows nothing of shows at its moment whether it is true."""
        if row.state != "due":
            return None
        if planned is None:
            return _change(row, "dropped", row.due_at) if self.first <= row.due_at <= self.last else None
        at = planned["due_at"]
        return _change(row, "due", at) if at != row.due_at and at >= self.first else None

    def _is_true_again(self, row: Row[*tuple[Any, ...]], planned: Values) -> bool:
        """What was dropped, because it was not so at its moment, and is planned again. What is still ahead is looked
        at when it comes."""
        if planned["due_at"] > self.now:
            return True
        if self._is_over(row):
            return False
        reminder = db.session.get_one(Reminder, row.id)
        with db.session.no_autoflush:  # nothing is written here
            true = is_true(reminder)
        db.session.expire(reminder)
        return true

    def _is_over(self, row: Row[*tuple[Any, ...]]) -> bool:
        """Its day has passed where the person lives; asks the database nothing."""
        if row.kind not in UNTIL_THE_DAY or len(row.version) != len("2026-10-13"):
            return False
        return bool(row.version < clock.today(self._readers[row.user_id].zone).isoformat())

    def _given(self) -> dict[int | None, datetime]:
        """Task → when somebody else became its owner, of late."""
        owner = AuditEvent.changes["owner_id"].as_string().is_not(None)
        here = AuditEvent.workspace_id == self.workspace_id, AuditEvent.created_at >= self.first
        query = select(AuditEvent.task_id, func.max(AuditEvent.created_at))
        rows = db.session.execute(
            query.where(*here, AuditEvent.action.in_(OWNERS_CHANGE), owner).group_by(AuditEvent.task_id)
        )
        return {task_id: at for task_id, at in rows}

    def _all(self) -> Iterator[Values]:
        for reminders in (
            self._of_tasks, self._of_gates, self._of_approvals, self._of_waivers, self._of_evidence, self._of_cutoffs,
            self._of_idleness,
        ):  # fmt: skip
            yield from reminders()

    def _row(
        self, user_id: int, subject: str, kind: str, step: int, version: object, at: datetime, *,
        task_id: int | None = None, project_id: int | None = None, approval_id: int | None = None,
        facts: Values | None = None, since: datetime | None = None,
    ) -> Iterator[Values]:  # fmt: skip
        """Of what is not before `since`, to whom may hear of it."""
        person = self._people.get(user_id)
        if person is None or (person.role == "creator" and kind not in OF_CREATORS) or (since and at < since):
            return
        yield {
            "workspace_id": self.workspace_id, "user_id": user_id, "subject": subject, "kind": kind, "step": step,
            "version": version.isoformat() if isinstance(version, date) else str(version), "task_id": task_id,
            "project_id": project_id, "approval_id": approval_id, "facts": facts or {}, "due_at": at,
            "state": "due", "created_at": self.now,
        }  # fmt: skip

    # people and projects

    @cached_property
    def _people(self) -> dict[int, Row[*tuple[Any, ...]]]:
        query = (
            select(User.id, User.timezone, User.quiet_from, User.quiet_until, Membership.role)
            .join(Membership, Membership.user_id == User.id)
            .where(Membership.workspace_id == self.workspace_id, User.active)
        )
        return {row.id: row for row in db.session.execute(query)}

    @cached_property
    def _readers(self) -> dict[int, Reader]:
        away: dict[int, list[tuple[date, date]]] = {}
        known = Absence.last_on >= self.first_day - timedelta(days=FURTHEST + max(APPROVAL))
        query = select(Absence).where(Absence.workspace_id == self.workspace_id, known).order_by(Absence.first_on)
        for absence in db.session.scalars(query):
            away.setdefault(absence.user_id, []).append((absence.first_on, absence.last_on))
        calendars = calendars_of(self.workspace_id)
        return {
            row.id: Reader(
                ZoneInfo(row.timezone), calendars[country_of(row.timezone)], tuple(away.get(row.id, ())),
                row.quiet_from, row.quiet_until,
            )
            for row in self._people.values()
        }  # fmt: skip

    @cached_property
    def _projects(self) -> dict[int, Lead]:
        columns = (
            Project.id, Project.owner_id, Project.unit, Project.remind_before, Project.platforms, Project.anchor_on,
            User.timezone,
        )  # fmt: skip
        query = select(*columns).join(Project.owner).where(Project.workspace_id == self.workspace_id, *_is_living())
        return {row[0]: Lead(*row) for row in db.session.execute(query)}

    @cached_property
    def _at_work(self) -> set[int]:
        """The living projects in which something is still to be done."""
        query = select(Task.project_id).where(Task.workspace_id == self.workspace_id, *_is_open()).distinct()
        return set(db.session.scalars(query)) & self._projects.keys()

    @cached_property
    def _joined(self) -> set[tuple[int, int]]:
        """Project and person, of those who lead."""
        people = {project.owner_id for project in self._projects.values()} | set(self._pmos)
        query = select(ProjectMember.project_id, ProjectMember.user_id).where(ProjectMember.user_id.in_(people))
        return {(row.project_id, row.user_id) for row in db.session.execute(query)}

    @cached_property
    def _pmos(self) -> list[int]:
        return [row.id for row in self._people.values() if row.role == "pmo"]

    @cached_property
    def _workspace(self) -> Workspace:
        return db.session.get_one(Workspace, self.workspace_id)

    def _knows(self, user_id: int, project_id: int) -> bool:
        """Project.known_to(), for many."""
        person = self._people.get(user_id)
        scope = self._workspace.scope(person.role, "view") if person else "none"
        return scope == "all" or (scope in ("member", "shared") and (project_id, user_id) in self._joined)

    def _leads(self, project_id: int) -> list[int]:
        """The project's owner, and the PMO people who see it."""
        people = dict.fromkeys([self._projects[project_id].owner_id, *self._pmos])
        return [user_id for user_id in people if self._knows(user_id, project_id)]

    # tasks

    def _of_tasks(self) -> Iterator[Values]:
        for task in self._dated_tasks():
            project = self._projects.get(task.project_id)
            if project is None:
                continue
            if task.owner_id in self._people:
                yield from self._to_owner(task, project)
            if task.due_on:
                for user_id in self._leads(project.id):
                    if user_id != task.owner_id:
                        yield from self._to_lead(user_id, task, project)

    def _dated_tasks(self) -> Collection[Row[*tuple[Any, ...]]]:
        """Of the open ones those that a moment of this time could be about."""
        give = timedelta(days=FURTHEST)
        longest = max((day for project in self._projects.values() for day in project.remind_before), default=0)
        due = Task.due_on.between(
            self.first_day - give - timedelta(max(OVERDUE)), self.last_day + give + timedelta(LONGEST)
        )
        soon = or_(
            Task.due_on <= self.last_day + give + timedelta(longest), Task.remind_before.is_not(None),
        )  # fmt: skip
        starts = Task.start_on.between(self.first_day - give, self.last_day)
        columns = (
            Task.id, Task.project_id, Task.owner_id, Task.start_on, Task.due_on, Task.start_at, Task.due_at,
            Task.remind_before, Task.created_at, Stage.kind,
        )  # fmt: skip
        query = select(*columns).join(Task.stage).where(Task.workspace_id == self.workspace_id, *_is_open())
        return db.session.execute(query.where(or_(and_(due, soon), starts))).all()

    def _to_owner(self, task: Row[*tuple[Any, ...]], project: Lead) -> Iterator[Values]:
        reader = self._readers[task.owner_id]
        told: list[Steps] = []
        if project.unit == "hour" and task.due_at:
            told += [("due", task.due_at, {0: task.due_at - AN_HOUR}), ("overdue", task.due_at, {0: task.due_at})]
            if task.kind == "backlog" and task.start_at and task.start_at != task.due_at:
                told.append(("started", task.start_at, {0: task.start_at}))
            return self._told_to(task.owner_id, task, told)
        if task.due_on:
            before = project.remind_before if task.remind_before is None else task.remind_before
            told += [
                ("due", task.due_on, moments(reader, task.due_on, {*before, 0})),
                ("overdue", task.due_on, moments(reader, task.due_on, OVERDUE, after=True)),
            ]
        if task.kind == "backlog" and task.start_on and task.start_on != task.due_on:
            told.append(("started", task.start_on, moments(reader, task.start_on, (0,), after=True)))
        return self._told_to(task.owner_id, task, told)

    def _to_lead(self, user_id: int, task: Row[*tuple[Any, ...]], project: Lead) -> Iterator[Values]:
        """After a week; where hours count, after one."""
        if project.unit == "hour" and task.due_at:
            return self._told_to(user_id, task, [("escalated", task.due_at, {0: task.due_at + AN_HOUR})])
        at = moment(self._readers[user_id], task.due_on, ESCALATED, after=True)
        return self._told_to(user_id, task, [("escalated", task.due_on, {ESCALATED: at})])

    def _told_to(self, user_id: int, task: Row[*tuple[Any, ...]], told: Iterable[Steps]) -> Iterator[Values]:
        for kind, version, steps in told:
            for step, at in steps.items():
                yield from self._row(
                    user_id, f"task:{task.id}", kind, step, version, at, task_id=task.id, since=task.created_at
                )

    def _of_gates(self) -> Iterator[Values]:
        for gate in gates(Task.workspace_id == self.workspace_id, self.last_day):
            if gate.project_id not in self._projects or gate.owner_id not in self._people:
                continue
            for step, at in moments(self._readers[gate.owner_id], gate.start_on, GATE, after=True).items():
                yield from self._row(
                    gate.owner_id, f"task:{gate.id}", "gate", step, gate.start_on, at, task_id=gate.id,
                    facts={"waiting": gate.waiting}, since=gate.created_at,
                )  # fmt: skip

    # what waits for a word

    def _of_approvals(self) -> Iterator[Values]:
        for approval in db.session.scalars(self._asked(Approval)):
            if not self._is_near(approval.asked_at) or _is_in_trash(approval):
                continue
            said = {vote.user_id for vote in approval.votes}
            for person in approval.approvers():
                if person.id not in said:
                    yield from self._wait(person, f"approval:{approval.id}", approval.asked_at, approval_id=approval.id)

    def _of_waivers(self) -> Iterator[Values]:
        for waiver in db.session.scalars(self._asked(Waiver)):
            if self._is_near(waiver.asked_at) and waiver.task.project_id in self._projects:
                for person in waiver.signers() if not waiver.task.trashed_at else ():
                    yield from self._wait(person, f"waiver:{waiver.id}", waiver.asked_at, task_id=waiver.task_id)

    def _asked(self, model: Any) -> Any:
        """Those that are so young that a moment of this time could be about them."""
        oldest = self.first - timedelta(days=FURTHEST + max(APPROVAL) + 2)
        here = model.workspace_id == self.workspace_id, model.state == "asked", model.asked_at >= oldest
        return select(model).where(*here).order_by(model.id)

    def _is_near(self, asked_at: datetime) -> bool:
        """Is it anybody's morning for it? Only then is it asked who decides."""
        return any(
            self.first <= at <= self.last
            for reader in self._readers.values()
            for at in _waits(reader, asked_at).values()
        )  # fmt: skip

    def _wait(self, person: User, subject: str, asked_at: datetime, **about: Any) -> Iterator[Values]:
        if reader := self._readers.get(person.id):
            for step, at in _waits(reader, asked_at).items():
                yield from self._row(person.id, subject, "approval", step, asked_at.date(), at, **about)

    # certificates, cut-offs, and projects that nobody looks at

    def _of_evidence(self) -> Iterator[Values]:
        columns = (
            Evidence.id, Evidence.valid_until, Evidence.file_name, Evidence.value, ChecklistItem.text_zh,
            ChecklistItem.text_en, Task.id.label("task_id"), Task.owner_id, Task.deliverable_zh, Task.deliverable_en,
            func.coalesce(Task.project_id, Stage.project_id).label("project_id"),
        )  # fmt: skip
        query = (
            select(*columns)
            .outerjoin(Evidence.item)
            .outerjoin(ChecklistItem.checklist)
            .outerjoin(Task, Task.id == func.coalesce(Evidence.task_id, Checklist.task_id))
            .outerjoin(Stage, Stage.id == Checklist.stage_id)
            .where(Evidence.workspace_id == self.workspace_id, Evidence.replaced_at.is_(None))
            .where(Evidence.valid_until.between(self.first_day, self.last_day + timedelta(max(EXPIRING) + FURTHEST)))
            .where(Task.trashed_at.is_(None))
        )
        for each in db.session.execute(query):
            if each.project_id not in self._projects:
                continue
            owner_id = self._projects[each.project_id].owner_id
            people = {each.owner_id, owner_id if self._knows(owner_id, each.project_id) else None}
            for user_id in people & self._people.keys():
                for step, at in moments(self._readers[user_id], each.valid_until, EXPIRING).items():
                    yield from self._row(
                        user_id, f"evidence:{each.id}", "expiring", step, each.valid_until, at, task_id=each.task_id,
                        project_id=None if each.task_id else each.project_id, facts={"name": _name_of(each)},
                    )  # fmt: skip

    def _of_cutoffs(self) -> Iterator[Values]:
        days = market_days(
            self.workspace_id, self.first_day, self.last_day + timedelta(max(CUTOFF) + FURTHEST), kinds={"cutoff"}
        )
        for day in days:
            for user_id, project in self.concerned(day).items():
                for step, at in moments(self._readers[user_id], day.first_on, CUTOFF).items():
                    yield from self._row(
                        user_id, f"cutoff:{day.key}", "cutoff", step, day.first_on, at, project_id=project.id,
                        facts={"name": in_both(day.name_zh, day.name_en), "leg": day.leg},
                    )  # fmt: skip

    def concerned(self, day: MarketDay) -> dict[int, Lead]:
        """Person → the project of the person's own to which the day matters most: the one with the nearest anchor."""
        found: dict[int, Lead] = {}
        for project in sorted(self._projects.values(), key=lambda project: _nearness(project, day), reverse=True):
            concerned = project.id in self._at_work and concerns(day, project.platforms)
            if concerned and self._knows(project.owner_id, project.id):
                found[project.owner_id] = project
        return found

    def _of_idleness(self) -> Iterator[Values]:
        last = (
            select(AuditEvent.created_at)
            .where(AuditEvent.project_id == Project.id, AuditEvent.workspace_id == Project.workspace_id)
            .order_by(AuditEvent.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = select(Project.id, last).where(Project.workspace_id == self.workspace_id, *_is_living())
        for project_id, at in db.session.execute(query):
            if at is None or project_id not in self._at_work:
                continue
            since = _day_of(at, self._projects[project_id].owner_timezone)
            reached = (self.last_day - since).days // IDLE * IDLE
            steps = [step for step in range(reached, reached - FURTHEST - 2 * IDLE, -IDLE) if step >= IDLE]
            for user_id in self._leads(project_id):
                for step, when in moments(self._readers[user_id], since, steps, after=True).items():
                    yield from self._row(user_id, f"project:{project_id}", "idle", step, since, when,
                                         project_id=project_id)  # fmt: skip


def _key(row: Values) -> Key:
    return row["user_id"], row["subject"], row["kind"], row["step"], row["version"]


def _change(row: Row[*tuple[Any, ...]], state: str, at: datetime) -> Values:
    return {"id": row.id, "was": row.state, "state": state, "due_at": at}


def _came_before(row: Values, given: datetime | None) -> bool:
    """Its moment was another owner's."""
    return given is not None and row["kind"] in OF_OWNERS and row["due_at"] < given


def _waits(reader: Reader, asked_at: datetime) -> dict[int, datetime]:
    day = asked_at.astimezone(reader.zone).date()
    return {step: after_work(reader, day, step) for step in APPROVAL}


def _day_of(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def _nearness(project: Lead, day: MarketDay) -> tuple[int, int]:
    distance = abs((project.anchor_on - day.first_on).days) if project.anchor_on else 1_000_000
    return distance, project.id


def concerns(day: MarketDay, platforms: Collection[str]) -> bool:
    """Does a cut-off matter to who sells there? One that is a marketplace's own says so by its key; a project that
    does not say where it sells hears of all."""
    platform = PLATFORM_OF.get(day.key.partition("_")[0])
    return platform is None or not platforms or platform in platforms


def _name_of(each: Any) -> dict[str, str | None]:
    """The item that the evidence is for, or the deliverable that it is; of neither it says its own name."""
    item, deliverable = (each.text_zh, each.text_en), (each.deliverable_zh, each.deliverable_en)
    zh, en = item if any(item) else deliverable
    own = each.file_name or each.value
    return in_both(zh or en or own, en or zh or own)


def _is_open() -> tuple[ColumnElement[bool], ...]:
    return Task.completed_at.is_(None), Task.trashed_at.is_(None), ~Emergency.settled()


def _is_living() -> tuple[ColumnElement[bool], ...]:
    living = Project.id.not_in(Project.drafts()), Project.id.not_in(Emergency.called_off())
    return Project.trashed_at.is_(None), *living


def gates(which: ColumnElement[bool], until: date) -> list[Any]:
    """Of those tasks the ones that keep others waiting which should have begun by that day: how many they are, and
    the first of their start days."""
    after = aliased(Task)
    waived = exists().where(Waiver.task_id == after.id, Waiver.blocker_id == Task.id, Waiver.state == "granted")
    late = (
        after.completed_at.is_(None), after.trashed_at.is_(None), after.start_on <= until, Stage.kind == "backlog",
        after.id != Task.id, ~waived,
    )  # fmt: skip
    linked = (
        select(Task.id, after.id.label("after_id"), after.start_on)
        .join(Dependency, Dependency.predecessor_id == Task.id)
        .join(after, after.id == Dependency.successor_id)
        .join(Stage, Stage.id == after.stage_id)
        .where(which, Task.blocking, Task.completed_at.is_(None), *late)
    )
    behind = (
        select(Task.id, after.id.label("after_id"), after.start_on)
        .join(PhaseGate, PhaseGate.awaited_id == Task.phase_id)
        .join(after, after.phase_id == PhaseGate.phase_id)
        .join(Stage, Stage.id == after.stage_id)
        .where(which, Task.holding(until), *late)
    )
    pairs = linked.union(behind).subquery()
    return list(
        db.session.execute(
            select(
                Task.id, Task.owner_id, Task.project_id, Task.created_at, func.min(pairs.c.start_on).label("start_on"),
                func.count(pairs.c.after_id).label("waiting"),
            )
            .join(pairs, pairs.c.id == Task.id)
            .where(Task.trashed_at.is_(None), ~Emergency.settled())
            .group_by(Task.id, Task.owner_id, Task.project_id, Task.created_at)
        )
    )  # fmt: skip


# whether it is still true


Nearest = dict[tuple[int, date], dict[str, dict[int, int]]]  # workspace and day → cut-off → person → project


def is_true(reminder: Reminder, nearest: Nearest | None = None) -> bool:
    """Is it still to be told, to this person, of this day? What was to be told later is due by now tells more. Who
    asks of many hands on one `nearest`."""
    person = reminder.user
    if not person.active or person.membership_in(reminder.workspace_id) is None or _is_overtaken(reminder):
        return False
    if reminder.task_id and not _sees(person, reminder.task):
        return False
    if reminder.project_id and reminder.kind != "cutoff" and not _knows(person, reminder.project):
        return False
    if reminder.kind == "cutoff":
        return _cutoff_stands(reminder, {} if nearest is None else nearest)
    return CHECKS[reminder.kind](reminder)


def _is_overtaken(reminder: Reminder) -> bool:
    later = (
        Reminder.user_id == reminder.user_id, Reminder.subject == reminder.subject, Reminder.kind == reminder.kind,
        Reminder.version == reminder.version, Reminder.due_at > reminder.due_at, Reminder.due_at <= clock.now(),
    )  # fmt: skip
    return db.session.scalar(select(Reminder.id).where(*later).limit(1)) is not None


def _sees(person: User, task: Task | None) -> bool:
    if task is None or not _lives(task.project):
        return False
    return db.session.scalar(Task.visible_to(person).where(Task.id == task.id, ~Emergency.settled())) is not None


def _knows(person: User, project: Project | None) -> bool:
    return project is not None and _lives(project) and project.known_to(person)


def _lives(project: Project) -> bool:
    return not (project.trashed_at or project.draft_of_id or project.drill)


def _is_in_trash(approval: Approval) -> bool:
    about = approval.task or approval.project
    return about is not None and about.trashed_at is not None


def _leads(reminder: Reminder, project: Project) -> bool:
    membership = reminder.user.membership_in(reminder.workspace_id)
    leads = project.owner_id == reminder.user_id or (membership is not None and membership.role == "pmo")
    return leads and project.known_to(reminder.user)


def _today(reminder: Reminder) -> date:
    return clock.today(ZoneInfo(reminder.user.timezone))


def _due_stands(reminder: Reminder) -> bool:
    task = reminder.task
    if task is None or task.completed_at or task.owner_id != reminder.user_id:
        return False
    if _counts_hours(task) and task.due_at:
        return reminder.version == _due(task) and clock.now() < task.due_at
    return reminder.version == _due(task) and _today(reminder).isoformat() <= reminder.version


def _overdue_stands(reminder: Reminder) -> bool:
    task = reminder.task
    if task is None or task.completed_at or task.owner_id != reminder.user_id:
        return False
    return reminder.version == _due(task) and task.late_from is not None and task.late_from <= clock.now()


def _escalation_stands(reminder: Reminder) -> bool:
    task = reminder.task
    if task is None or task.completed_at or task.owner_id == reminder.user_id:
        return False
    return reminder.version == _due(task) and _leads(reminder, task.project)


def _start_stands(reminder: Reminder) -> bool:
    task = reminder.task
    if task is None or task.owner_id != reminder.user_id or task.stage.kind != "backlog":
        return False
    if _counts_hours(task):
        return task.start_at is not None and reminder.version == task.start_at.isoformat() and not task.completed_at
    return reminder.version == str(task.start_on) and task.start_on != task.due_on and not task.completed_at


def _counts_hours(task: Task) -> bool:
    return task.project.unit == "hour" and task.due_at is not None


def _due(task: Task) -> str:
    """The day or the moment that its reminders count from."""
    return task.due_at.isoformat() if _counts_hours(task) and task.due_at else str(task.due_on)


def _gate_stands(reminder: Reminder) -> bool:
    task = reminder.task
    if task is None or task.owner_id != reminder.user_id:
        return False
    for gate in gates(Task.id == task.id, _today(reminder)):
        reminder.facts = {"waiting": gate.waiting}
        return reminder.version == gate.start_on.isoformat()
    return False


def _approval_stands(reminder: Reminder) -> bool:
    kind, number = reminder.subject.split(":")
    if kind == "waiver":
        waiver = db.session.get(Waiver, int(number))
        return waiver is not None and waiver.may_be_signed_by(reminder.user)
    approval = reminder.approval
    if approval is None or approval.state != "asked" or _is_in_trash(approval):
        return False
    said = {vote.user_id for vote in approval.votes}
    return reminder.user_id not in said and approval.may_be_decided_by(reminder.user)


def _expiry_stands(reminder: Reminder) -> bool:
    evidence = db.session.get(Evidence, int(reminder.subject.partition(":")[2]))
    if evidence is None or evidence.replaced_at or str(evidence.valid_until) != reminder.version:
        return False
    task, project = reminder.task, reminder.task.project if reminder.task else reminder.project
    owners = {task.owner_id if task else None, project.owner_id if project else None}
    return reminder.user_id in owners and _today(reminder).isoformat() <= reminder.version


def _cutoff_stands(reminder: Reminder, nearest: Nearest) -> bool:
    """Of the person's projects it may be another one now; which, is asked once for all who are told of a day."""
    day = date.fromisoformat(reminder.version)
    if _today(reminder) > day:
        return False
    here = reminder.workspace_id, day
    if here not in nearest:
        nearest[here] = _nearest(*here)
    project_id = nearest[here].get(reminder.subject.partition(":")[2], {}).get(reminder.user_id)
    project = db.session.get(Project, project_id) if project_id else None
    if project is None or project.owner_id != reminder.user_id or not _knows(reminder.user, project):
        return False
    reminder.project = project
    return True


def _nearest(workspace_id: int, day: date) -> dict[str, dict[int, int]]:
    """Of the cut-offs on a day: to whom each matters, and in which project."""
    upcoming = Upcoming(workspace_id)
    days = (each for each in market_days(workspace_id, day, day) if each.first_on == day)
    return {
        each.key: {user_id: project.id for user_id, project in upcoming.concerned(each).items()} for each in days
    }  # fmt: skip


def _idleness_stands(reminder: Reminder) -> bool:
    project = reminder.project
    if project is None or not _leads(reminder, project):
        return False
    last = select(AuditEvent.created_at).where(AuditEvent.of_project(project)).order_by(AuditEvent.id.desc())
    at = db.session.scalar(last.limit(1))
    undone = select(Task.id).where(Task.project_id == project.id, *_is_open()).limit(1)
    since = _day_of(at, project.owner.timezone).isoformat() if at else None
    return since == reminder.version and db.session.scalar(undone) is not None


CHECKS: dict[str, Callable[[Reminder], bool]] = {
    "due": _due_stands,
    "overdue": _overdue_stands,
    "escalated": _escalation_stands,
    "started": _start_stands,
    "gate": _gate_stands,
    "approval": _approval_stands,
    "expiring": _expiry_stands,
    "idle": _idleness_stands,
}
