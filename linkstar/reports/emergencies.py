"""Emergencies as one reader may know them: that there is one is told to all inside; what stands in a project, to who
knows the project."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import joinedload, lazyload

from linkstar import clock
from linkstar.extensions import db
from linkstar.i18n import _, listed, moment, ngettext
from linkstar.models import AuditEvent, Emergency, Hold, Membership, Notification, Project, Task, User
from linkstar.models.emergency import ACKNOWLEDGING
from linkstar.reports.history import Names

FIRST_HOUR, A_MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOLDING = ("emergency.declared", "emergency.acknowledged", "emergency.closed", "emergency.reopened")
SILENT = ("task.created", "project.created", "project_member.added", "evidence.given", "checklist_item.added")
MOST = 300  # entries of a timeline; the board's history has all of them


@dataclass(frozen=True)
class Result:
    """How long something of the first hour took, against what the pack gives it."""

    task: Task | None  # None: to take it up
    allowed: timedelta
    taken: timedelta | None
    late: bool  # it took longer; or it is not done, and the time is over

    @property
    def allowed_words(self) -> str:
        return span_words(self.allowed)

    @property
    def taken_words(self) -> str:
        return span_words(self.taken) if self.taken is not None else ""


@dataclass(frozen=True)
class Moment:
    """An entry of the timeline: an event of the trail, or that somebody was told."""

    at: datetime
    since: str  # from the declaration on, in words
    event: AuditEvent | None = None
    notice: Notification | None = None
    task: Task | None = None


class EmergencyPage:
    """A flat number of queries, whatever happened and however many tasks are held."""

    def __init__(self, emergency: Emergency, reader: User) -> None:
        self.emergency, self.reader = emergency, reader

    @cached_property
    def playbook(self) -> Project | None:
        """Its board is for who sees it."""
        return self._known(self.emergency.project)

    @cached_property
    def about(self) -> Project | None:
        return self._known(self.emergency.about)

    def _known(self, project: Project | None) -> Project | None:
        return project if project and not project.trashed_at and project.known_to(self.reader) else None

    @cached_property
    def may_acknowledge(self) -> bool:
        told = self.reader.id in {notice.user_id for notice in self.told}
        return told and self.waiting and self.reader.is_inside(self.emergency.workspace_id)

    @property
    def waiting(self) -> bool:
        return self.emergency.waiting

    @cached_property
    def may_close(self) -> bool:
        return self.emergency.may_be_closed_by(self.reader)

    @cached_property
    def may_withdraw(self) -> bool:
        """It is the reader's own alarm, may have been a false one, and others close it."""
        return self.emergency.may_be_withdrawn_by(self.reader) and not self.emergency.ends_by(self.reader)

    @cached_property
    def may_reopen(self) -> bool:
        return self.emergency.may_be_reopened_by(self.reader)

    @property
    def holds_later(self) -> bool:
        """It was raised by who may not stop the ads alone, and nobody has taken it up yet."""
        return self.waiting and self.emergency.held_at is None and self.emergency.about_id is not None

    # the clock

    @property
    def running(self) -> str:
        """How long it lasts, or lasted."""
        return span_words((self.emergency.closed_at or clock.now()) - self.emergency.declared_at)

    @property
    def unanswered(self) -> bool:
        since = self.emergency.reopened_at or self.emergency.declared_at
        return self.waiting and clock.now() >= since + self.emergency.patience

    @cached_property
    def next_in_line(self) -> list[User]:
        """Who is called if nobody takes it up in time; nobody where all have been called."""
        return self.emergency.next_in_line() if self.waiting and self.emergency.escalates_at else []

    @property
    def waiting_words(self) -> tuple[str, str]:
        """That nobody has it, and what comes next."""
        at, names = self.emergency.escalates_at, listed(person.name for person in self.next_in_line)
        if not names or at is None:
            return _("Nobody has taken it up yet."), _("Nobody else is left to be told. Call somebody by phone.")
        if at <= clock.now():
            return _("Nobody has taken it up yet."), _("%(names)s is told next, in a moment.", names=names)
        when = moment(at, self.reader.timezone)
        return _("Nobody has taken it up yet."), _("%(names)s is told next: %(at)s", names=names, at=when)

    @property
    def taken_up_words(self) -> str:
        emergency = self.emergency
        if not emergency.acknowledged_by or not emergency.acknowledged_at:
            return ""
        words = {"name": emergency.acknowledged_by.name, "at": moment(emergency.acknowledged_at, self.reader.timezone)}
        if (took := self._since(emergency.acknowledged_at)) < A_MINUTE:
            return _("%(name)s took it up at once: %(at)s", **words)
        return _("%(name)s took it up after %(span)s: %(at)s", span=span_words(took), **words)

    @cached_property
    def told(self) -> list[Notification]:
        """Each who was told, once, with the newest notice; and whether they have read it."""
        return list({notice.user_id: notice for notice in self._notices}.values())

    @cached_property
    def _notices(self) -> list[Notification]:
        here = select(Notification).where(
            Notification.emergency_id == self.emergency.id, Notification.kind != "emergency_over"
        )
        people = joinedload(Notification.user).selectinload(User.memberships)
        return list(db.session.scalars(here.options(people).order_by(Notification.id)))

    def told_words(self, notice: Notification) -> str:
        if (took := self._since(notice.created_at)) < A_MINUTE:
            return _("told at once")
        return _("was told after %(span)s", span=span_words(took))

    def _since(self, at: datetime) -> timedelta:
        """From the declaration on; whatever came after it was reopened, from then on."""
        again = self.emergency.reopened_at
        return at - (again if again and at >= again else self.emergency.declared_at)

    def role_of(self, person: User) -> str | None:
        membership = person.membership_in(self.emergency.workspace_id)
        return membership.role if membership else None

    def after(self, at: datetime) -> str:
        return span_words(at - self.emergency.declared_at)

    # what is held

    @cached_property
    def _held(self) -> list[tuple[Task, bool]]:
        seen = Task.seen_by(self.reader).label("seen")
        query = (
            select(Task, seen)
            .join(Hold, Hold.task_id == Task.id)
            .join(Task.project)
            .where(Hold.emergency_id == self.emergency.id, Task.trashed_at.is_(None), Project.trashed_at.is_(None))
            .options(joinedload(Task.owner).selectinload(User.memberships), joinedload(Task.stage))
            .order_by(Task.project_id, Task.position)
        )
        return [(task, bool(may)) for task, may in db.session.execute(query)]

    @property
    def held(self) -> list[Task]:
        return [task for task, seen in self._held if seen]

    @property
    def held_unseen(self) -> int:
        return len(self._held) - len(self.held)

    # how fast it went

    @cached_property
    def results(self) -> list[Result]:
        """To take it up, and each task of the playbook's first hour."""
        emergency = self.emergency
        taken = self._since(emergency.acknowledged_at) if emergency.acknowledged_at else None
        lasted = self._since(emergency.closed_at or clock.now()) if taken is None else taken
        results = [Result(None, emergency.patience, taken, lasted > emergency.patience)]
        if self.playbook is None:
            return results
        first = Task.due_at > emergency.declared_at, Task.due_at <= emergency.declared_at + FIRST_HOUR
        query = Task.visible_to(self.reader).where(Task.project_id == self.playbook.id, *first)
        query = query.where(or_(Task.key.is_(None), Task.key != ACKNOWLEDGING), ~Task.optional)
        tasks = db.session.scalars(
            query.options(joinedload(Task.owner).lazyload(User.memberships)).order_by(Task.number)
        )
        for task in tasks:
            assert task.due_at
            results.append(self._result(task, task.due_at - emergency.declared_at, task.completed_at))
        return results

    def _result(self, task: Task | None, allowed: timedelta, done_at: datetime | None) -> Result:
        taken = done_at - self.emergency.declared_at if done_at else None
        lasted = (self.emergency.closed_at or clock.now()) - self.emergency.declared_at
        return Result(task, allowed, taken, (lasted if taken is None else taken) > allowed)

    @property
    def in_time(self) -> int:
        return sum(each.taken is not None and not each.late for each in self.results)

    # what happened

    @cached_property
    def events(self) -> list[AuditEvent]:
        """Of the playbook, and of the tasks that it holds, as far as the reader sees them."""
        emergency = self.emergency
        if emergency.project_id is None:
            return []
        here = AuditEvent.workspace_id == emergency.workspace_id
        playbook = and_(here, AuditEvent.project_id == emergency.project_id)
        acts = select(AuditEvent.change).where(playbook, AuditEvent.action.in_(HOLDING))
        mine: list[ColumnElement[bool]] = [AuditEvent.task_id.is_(None)]
        if self.playbook is None:
            mine.append(AuditEvent.action.startswith("emergency."))
        seen = select(Task.id).where(Task.seen_by(self.reader, trash=True))
        query = (
            select(AuditEvent)
            .where(here, or_(playbook, AuditEvent.change.in_(acts)), AuditEvent.action.not_in(SILENT))
            .where(or_(and_(*mine), AuditEvent.task_id.in_(seen)))
            .options(joinedload(AuditEvent.actor).lazyload(User.memberships))
            .options(joinedload(AuditEvent.task).joinedload(Task.project))
            .order_by(AuditEvent.id)
            .limit(MOST)
        )
        return list(db.session.scalars(query))

    @cached_property
    def names(self) -> Names:
        return Names(self.events, self.reader)

    @cached_property
    def timeline(self) -> list[Moment]:
        """It begins with the declaration, though legal was told a blink before that was written down."""
        return sorted(self._moments(), key=lambda each: (_declares(each.event), each.at))

    def _moments(self) -> Iterator[Moment]:
        for event in self.events:
            yield Moment(event.created_at, self.after(event.created_at), event=event, task=event.task)
        called = [
            (each.changes["user_id"][1], each.created_at)
            for each in self.events
            if each.action == "emergency.escalated"  # which says that they were told
        ]
        for notice in self._notices:
            if any(notice.user_id == key and abs(at - notice.created_at) < A_MINUTE for key, at in called):
                continue
            yield Moment(notice.created_at, self.after(notice.created_at), notice=notice)


def _declares(event: AuditEvent | None) -> int:
    return 0 if event and event.action == "emergency.declared" else 1


class Emergencies:
    """All of a workspace: the open ones first, then the newest; drills are marked."""

    def __init__(self, membership: Membership, reader: User) -> None:
        self.membership, self.reader = membership, reader

    @property
    def may_declare(self) -> bool:
        return Emergency.may_be_declared_by(self.reader, self.membership.workspace_id, None)

    @cached_property
    def rows(self) -> list[Emergency]:
        people: Any = [
            joinedload(each).lazyload(User.memberships) for each in (Emergency.declared_by, Emergency.acknowledged_by)
        ]
        query = (
            Emergency.visible_to(self.reader)
            .where(Emergency.workspace_id == self.membership.workspace_id)
            .options(*people, joinedload(Emergency.about), lazyload(Emergency.project))
            .order_by(Emergency.closed_at.is_not(None), Emergency.id.desc())
            .limit(200)
        )
        return list(db.session.scalars(query))

    def running(self, emergency: Emergency) -> str:
        return span_words((emergency.closed_at or clock.now()) - emergency.declared_at)

    def about(self, emergency: Emergency) -> Project | None:
        about = emergency.about
        return about if about and not about.trashed_at and about.known_to(self.reader) else None


def span_words(span: timedelta) -> str:
    """12 min · 1 h 5 min · 3 days"""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 60:
        return _("%(minutes)s min", minutes=minutes)
    if minutes < 48 * 60:
        if minutes % 60 == 0:
            return _("%(hours)s h", hours=minutes // 60)
        return _("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=minutes % 60)
    return ngettext("%(num)s day", "%(num)s days", minutes // (24 * 60))
