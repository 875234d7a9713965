from datetime import datetime, timedelta
from functools import cache
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, Select, String, Text, and_, cast, false, or_, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock, packs
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.membership import Membership
from linkstar.models.notification import notify_of_approval
from linkstar.models.operations import OPERATIONS, DeleteTask, Operation
from linkstar.models.operations.role_change import RoleChange
from linkstar.models.project import Project
from linkstar.models.refusal import AlreadyDecided, NotAllowed, Overtaken, Refusal
from linkstar.models.task import Task
from linkstar.models.user import User

OF_RECORDS = ("task ", "project ", "history ")  # how a subject begins that names a task or a project
OPEN = ("asked", "agreed")  # agreed: it waits until its hours are over, and may still be stopped


@cache
def decided_by(role: str) -> tuple[str, ...]:
    """The operations that the pack lets a role decide on."""
    return tuple(key for key in OPERATIONS if role in packs.pack().operation(key).approvers)


class ApprovalVote(Base):
    """One approver's word on a request."""

    __tablename__ = "approval_vote"

    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    agrees: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(Text)
    voted_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    user: Mapped[User] = relationship()


class Approval(Base):
    """A sensitive operation that somebody asks for and others decide on. Approved, it is carried out once."""

    __tablename__ = "approval"
    __table_args__ = (Index("ix_approval_workspace_state", "workspace_id", "state"), NUMBERED_ONCE)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    operation: Mapped[str] = mapped_column(String(30))  # a key of the pack's sensitive operations
    state: Mapped[str] = mapped_column(String(10), default="asked")  # agreed, done, refused, withdrawn, failed
    subject: Mapped[str] = mapped_column(String(80), index=True)  # what it is about, so that it is asked once
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="SET NULL"), index=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"), index=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # of the verb that will be run
    difference: Mapped[list[Any]] = mapped_column(JSON, default=list)  # field, before, after: as it was asked
    reason: Mapped[str | None] = mapped_column(Text)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    runs_at: Mapped[datetime | None] = mapped_column(Instant)  # after the hours in which it may still be stopped
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    change: Mapped[str | None] = mapped_column(String(32))  # what it did, in the trail
    trouble: Mapped[str | None] = mapped_column(String(20))  # why it failed: a refusal's reason, or its name

    project: Mapped[Project | None] = relationship()
    task: Mapped[Task | None] = relationship()
    asked_by: Mapped[User] = relationship()
    votes: Mapped[list[ApprovalVote]] = relationship(order_by=ApprovalVote.voted_at, cascade="all, delete-orphan")

    @property
    def asked_for(self) -> Operation:
        arguments = {name: value for name, value in self.arguments.items() if name != "seen"}
        return OPERATIONS[self.operation](self.workspace_id, arguments, project=self.project, task=self.task)

    @hybrid_property
    def gone(self) -> bool:
        """What it was about was deleted for good."""
        return self.task_id is None and self.project_id is None and self.subject.startswith(OF_RECORDS)

    @gone.inplace.expression
    @classmethod
    def _gone(cls) -> ColumnElement[bool]:
        of_record = or_(*map(cls.subject.startswith, OF_RECORDS))
        return and_(cls.task_id.is_(None), cls.project_id.is_(None), of_record)

    @classmethod
    def outlive(cls, about: ColumnElement[bool], *, change: str) -> None:
        """What they are about is deleted for good: they keep its name, and nobody decides on them any more."""
        for approval in db.session.scalars(select(cls).where(about)):
            approval.arguments = approval.arguments | {"about": approval.asked_for.about}
            if approval.state in OPEN:
                approval.state, approval.decided_at, approval.trouble = "failed", clock.now(), "gone"
                approval._record("approval.failed", None, change=change)

    @classmethod
    def forget_guests(cls, before: datetime) -> None:
        """The addresses of people whose invitation was decided on before that."""
        closed = cls.operation == RoleChange.key, cls.state.not_in(OPEN), cls.decided_at < before
        for approval in db.session.scalars(select(cls).where(*closed, cast(cls.arguments, Text).contains("@"))):
            guests = [["", name] for _email, name in approval.arguments["guests"]]
            approval.arguments = approval.arguments | {"guests": guests}
            approval.difference = [row for row in approval.difference if row[0] != "email"]

    # who sees it, and who decides

    @classmethod
    def visible_to(cls, user: User) -> Select[Self]:
        return select(cls).where(cls.seen_by(user))

    @classmethod
    def seen_by(cls, user: User) -> ColumnElement[bool]:
        """Who asked for it and who decides on it, as long as they see what it is about (be it in the trash)."""
        mine = and_(cls.asked_by_id == user.id, cls.workspace_id.in_([m.workspace_id for m in user.memberships]))
        tasks = select(Task.id).where(Task.seen_by(user, trash=True)).correlate(None)
        projects = select(Project.id).where(Project.seen_by(user)).correlate(None)
        return and_(
            or_(mine, cls._decided_by(user)),
            or_(cls.task_id.is_(None), cls.task_id.in_(tasks)),
            or_(cls.project_id.is_(None), cls.project_id.in_(projects)),
        )

    @classmethod
    def _decided_by(cls, user: User) -> ColumnElement[bool]:
        return or_(false(), *map(cls._decided_through, user.memberships))

    @classmethod
    def _decided_through(cls, membership: Membership) -> ColumnElement[bool]:
        if not membership.has_say_in(None):
            return false()
        projects = select(Project.id).where(Project.with_say_of(membership)).correlate(None)
        tasks = select(Task.id).where(Task.project_id.in_(projects)).correlate(None)
        about_none = and_(cls.project_id.is_(None), cls.task_id.is_(None))
        if membership.scope("view") != "all":  # nobody can say any more whether this person saw it
            about_none = and_(about_none, ~cls.gone)
        here = cls.workspace_id == membership.workspace_id, cls.operation.in_(decided_by(membership.role))
        return and_(*here, or_(about_none, cls.project_id.in_(projects), cls.task_id.in_(tasks)))

    @classmethod
    def waits_for(cls, user: User) -> ColumnElement[bool]:
        """The person may decide on it, and has not yet."""
        keeping = [membership.workspace_id for membership in user.memberships if membership.keeps_gates]
        held = select(Task.id).where(Task.holding(clock.today(ZoneInfo(user.timezone)))).correlate(None)
        return and_(
            cls.state == "asked",
            cls.asked_by_id != user.id,
            or_(cls.operation != DeleteTask.key, cls.workspace_id.in_(keeping), cls.task_id.not_in(held)),
            cls._decided_by(user),
            ~cls.votes.any(ApprovalVote.user_id == user.id),
            cls.seen_by(user),
        )

    def may_be_decided_by(self, user: User) -> bool:
        """By the rights of this moment, and never by who asked."""
        return (
            self.state in OPEN
            and not self.gone
            and user.id != self.asked_by_id
            and self._is_approver(user)
            and self.asked_for.may_be_decided_by(user)
        )

    def _is_approver(self, user: User) -> bool:
        membership = user.membership_in(self.workspace_id)
        project = self.task.project if self.task else self.project
        return (
            user.active
            and membership is not None
            and membership.role in self.asked_for.rule.approvers
            and membership.has_say_in(project)
        )

    def approvers(self) -> list[User]:
        """Who could decide on it."""
        roles = self.asked_for.rule.approvers
        people = (
            select(User)
            .join(User.memberships)
            .where(Membership.workspace_id == self.workspace_id, Membership.role.in_(roles), User.active)
            .order_by(User.id)
        )
        return [person for person in db.session.scalars(people).unique() if self.may_be_decided_by(person)]

    # how it goes

    @classmethod
    def ask(cls, operation: Operation, *, by: User, reason: str | None = None) -> Self:
        """Asks for the operation and tells who decides. What was asked for just so, is still open and is seen by the
        person, is answered with itself."""
        if not operation.may_be_asked_by(by):
            raise NotAllowed("ask")
        db.session.scalar(select(User.id).where(User.id == by.id).with_for_update(key_share=True))  # two clicks are one
        arguments = operation.arguments | {"seen": operation.seen()}
        same = cls.visible_to(by).where(
            cls.workspace_id == operation.workspace_id, cls.operation == operation.key,
            cls.subject == operation.subject, cls.state.in_(OPEN),
        )  # fmt: skip
        for open_one in db.session.scalars(same):
            if open_one.arguments == arguments:
                return open_one
        approval = cls(
            workspace_id=operation.workspace_id, operation=operation.key, subject=operation.subject,
            project=operation.project, task=operation.task, arguments=arguments,
            difference=operation.difference(by=by), reason=reason, asked_by=by, state="asked",
        )  # fmt: skip
        db.session.add(approval)
        db.session.flush()
        approval._record("approval.asked", by, reason)
        for person in approval.approvers():
            notify_of_approval(person, "approval_asked", by=by, approval=approval)
        return approval

    def vote(self, agrees: bool, *, by: User, reason: str | None = None) -> None:
        """One person's word. One refusal ends it, also while it could still be stopped; enough agreement carries it
        out, or lets its hours begin. Raises AlreadyDecided."""
        self._lock()
        if self.state not in OPEN or (agrees and self.state == "agreed"):
            raise AlreadyDecided
        if not self.may_be_decided_by(by):
            raise NotAllowed("decide")
        self._write_vote(agrees, by, reason)
        self._record("approval.signed" if agrees else "approval.refused", by, reason)
        if not agrees:
            self._close("refused", by)
            return
        rule = self.asked_for.rule
        if len(self._agreeing) < rule.min_approvals:
            return
        if rule.cooling_off_hours:
            self.runs_at = clock.now() + timedelta(hours=rule.cooling_off_hours)
            self._close("agreed", by)
        else:
            self._carry_out(by)

    def _write_vote(self, agrees: bool, by: User, reason: str | None) -> None:
        membership = by.membership_in(self.workspace_id)
        assert membership
        vote = next((vote for vote in self.votes if vote.user_id == by.id), None)
        if vote is None:
            vote = ApprovalVote(user=by)
            self.votes.append(vote)
        vote.role, vote.agrees, vote.reason, vote.voted_at = membership.role, agrees, reason, clock.now()
        db.session.flush()

    def withdraw(self, *, by: User) -> None:
        """Whoever asked takes it back."""
        self._lock()
        if by.id != self.asked_by_id:
            raise NotAllowed("withdraw")
        if self.state not in OPEN:
            raise AlreadyDecided
        self._record("approval.withdrawn", by)
        self._close("withdrawn", by)

    @classmethod
    def due(cls) -> Select[int]:
        """The ids of those whose hours are over."""
        return select(cls.id).where(cls.state == "agreed", cls.runs_at <= clock.now()).order_by(cls.runs_at)

    def run(self) -> None:
        """When the hours are over: done once, in the name of who agreed last."""
        self._lock()
        if self.state == "agreed" and self.runs_at and self.runs_at <= clock.now():
            last, agreeing = self.votes[-1].user, self._agreeing
            try:
                if len(agreeing) < self.asked_for.rule.min_approvals:
                    raise NotAllowed("decide")
                self._carry_out(agreeing[-1])
            except NotAllowed as refusal:
                self._fail(refusal, last)

    @property
    def _agreeing(self) -> list[User]:
        """Who has agreed and might decide on it at this moment, the last at the end."""
        return [vote.user for vote in self.votes if vote.agrees and self._is_approver(vote.user)]

    def _carry_out(self, by: User) -> None:
        """Whole, or not at all: then the request has failed, and says why. What `by` may not do is refused to him."""
        operation = self.asked_for
        try:
            with db.session.begin_nested():
                if self.gone:
                    raise Overtaken("gone")
                operation.lock()
                if operation.seen() != self.arguments["seen"]:
                    raise Overtaken("changed_since")
                if not operation.may_be_asked_by(self.asked_by):
                    raise Overtaken("rights_lost")
                change = operation.run(by=by, asked_by=self.asked_by)
        except NotAllowed:
            raise
        except Refusal as refusal:
            self._fail(refusal, by)
            return
        self.change, self.done_at = change, clock.now()
        self._record("approval.done", by)
        self._close("done", by)

    def _fail(self, refusal: Refusal, by: User) -> None:
        self.trouble = refusal.reason if isinstance(refusal, Overtaken) else type(refusal).__name__
        self._record("approval.failed", by)
        self._close("failed", by)

    def _close(self, state: str, by: User) -> None:
        self.state, self.decided_at = state, clock.now()
        notify_of_approval(self.asked_by, "approval_decided", by=by, approval=self)

    def _lock(self) -> None:
        """Of two people at the same moment the second sees what the first did."""
        query = select(Approval).where(Approval.id == self.id).with_for_update(of=Approval)
        db.session.scalar(query.execution_options(populate_existing=True))
        db.session.refresh(self, ["votes"])

    @classmethod
    def withdraw_all(cls, workspace_id: int, asked_by: User, *, by: User) -> None:
        """Who leaves a workspace asks for nothing in it any more, and is not told so."""
        for approval in cls.open_of(workspace_id, asked_by):
            approval._lock()
            if approval.state in OPEN:
                approval._record("approval.withdrawn", by)
                approval.state, approval.decided_at = "withdrawn", clock.now()

    def _record(self, action: str, by: User | None, reason: str | None = None, change: str | None = None) -> None:
        changes: dict[str, tuple[Any, Any]] = {"operation": (None, self.operation), "reason": (None, reason)}
        if action == "approval.failed":
            changes["trouble"] = (None, self.trouble)
        if self.task:
            record(action, by=by, change=change, task=self.task, changes=changes)
        else:
            changes |= self.asked_for.told
            here, project = self.workspace_id, self.project_id
            record(action, by=by, change=change, workspace_id=here, project_id=project, changes=changes)

    @classmethod
    def open_of(cls, workspace_id: int, user: User) -> list[Self]:
        """What the person has asked for and nobody has carried out."""
        query = select(cls).where(cls.workspace_id == workspace_id, cls.asked_by_id == user.id, cls.state.in_(OPEN))
        return list(db.session.scalars(query.order_by(cls.id)))
