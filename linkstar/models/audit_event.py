import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from flask import g, has_request_context
from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    and_,
    cast,
    event,
    func,
    insert,
    inspect,
    select,
    type_coerce,
)
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column, relationship
from sqlalchemy.types import NullType

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.role import MASKED
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.project import Project
    from linkstar.models.task import Task

CHAINS = 6174  # any number, but always the same: the name of PostgreSQL's locks on the chains

ACTIONS = frozenset(
    {
        "project.created", "project_member.added", "project_member.removed", "project_member.narrowed",
        "member.invited", "member.joined", "member.edited", "member.role_changed", "member.left",
        "invitation.revoked", "role.changed",
        "task.created", "task.edited", "task.moved", "task.trashed", "task.restored", "task.purged",
        "project.trashed", "project.restored", "project.purged",
        "approval.asked", "approval.signed", "approval.refused", "approval.withdrawn", "approval.done",
        "approval.failed",
        "checklist.added", "checklist.removed",
        "checklist_item.added", "checklist_item.ticked", "checklist_item.unticked", "evidence.given",
        "dependency.added", "dependency.removed", "waiver.asked", "waiver.signed", "waiver.declined",
        "gate.passed", "phase_gate.changed",
        "project.edited", "project.anchor_moved",
        "template.published", "template.edited", "template.trashed", "template.draft_discarded",
        "pack.installed", "pack.updated", "pack.removed",
        "calendar_day.written", "calendar_day.forgotten",
        "calendar_event.added", "calendar_event.edited", "calendar_event.removed", "calendar_event.reset",
        "workspace.set_up", "workspace.edited",
        "comment.added", "comment.edited", "comment.trashed", "comment.restored",
        "attachment.added", "attachment.version", "attachment.shared", "attachment.unshared", "attachment.trashed",
        "attachment.restored",
        "participant.added", "participant.removed",
        "saved_view.created", "saved_view.deleted",
        "baseline.taken", "baseline.deleted",
        "partner.added", "partner.edited", "partner.removed", "handover_note.written",
        "api_token.created", "api_token.revoked",
        "calendar_feed.made", "calendar_feed.revoked",
        "emergency.declared", "emergency.acknowledged", "emergency.escalated", "emergency.held", "emergency.released",
        "emergency.closed", "emergency.reopened", "emergency.abandoned", "inlet.made", "inlet.revoked",
        "channel.added", "channel.edited", "channel.removed", "channel.replayed",
        "entry.sent", "entry.revoked", "member.admitted", "member.second_factor_reset",
        "automation.added", "automation.edited", "automation.removed", "automation.switched",
        "person.exported", "person.erased", "history.exported",
        "absence.written", "absence.forgotten",
        "sign_in.began", "sign_in.ended", "sign_in.refused", "password.asked", "password.changed", "account.edited",
        "second_factor.added", "second_factor.removed", "recovery_codes.made", "recovery_code.used", "identity.linked",
    }
)  # fmt: skip


def in_both(zh: str | None, en: str | None) -> dict[str, str | None]:
    """A name as the trail keeps it, so that it can be read in either language after the record is gone."""
    return {"zh": zh, "en": en}


def new_change() -> str:
    """The name of one act of one person; everything that it touched is undone together."""
    return secrets.token_urlsafe(16)


_act: ContextVar[tuple[str, str] | None] = ContextVar("act", default=None)


@contextmanager
def one_act(change: str, via: str) -> Iterator[None]:
    """What is recorded, and flushed, before the block ends belongs to this change and came about this way."""
    token = _act.set((change, via))
    try:
        yield
    finally:
        _act.reset(token)


def _via() -> str:
    if act := _act.get():
        return act[1]
    return str(g.get("via", "web")) if has_request_context() else "program"


class AuditEvent(Base):
    """Who did what to which record, with the values before and after. Rows are only ever added."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_workspace", "workspace_id", "id"),
        Index("ix_audit_event_project", "project_id", "id"),
        Index("ix_audit_event_task", "task_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspace.id"))
    project_id: Mapped[int | None]  # no links of the database: the trail outlives what it tells of
    task_id: Mapped[int | None]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    action: Mapped[str] = mapped_column(String(40))
    changes: Mapped[dict[str, list[Any]]] = mapped_column(JSON, default=dict)
    change: Mapped[str] = mapped_column(String(32), index=True)
    undoes: Mapped[str | None] = mapped_column(String(32))
    via: Mapped[str] = mapped_column(String(12), default=_via)
    task_version: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    actor: Mapped[User | None] = relationship()
    project: Mapped["Project | None"] = relationship(
        primaryjoin="and_(foreign(AuditEvent.project_id) == Project.id, "
        "Project.workspace_id == AuditEvent.workspace_id)",
        viewonly=True,
    )
    task: Mapped["Task | None"] = relationship(
        primaryjoin="and_(foreign(AuditEvent.task_id) == Task.id, AuditEvent.workspace_id == Task.workspace_id)"
    )

    def shows(self, reader: User, field: str) -> bool:
        """May somebody who reads the trail know what it says of this field?"""
        if field not in MASKED:
            return True
        if self.project:
            return self.project.shows(reader, field)
        membership = reader.membership_in(self.workspace_id or 0)
        return membership is not None and membership.scope(MASKED[field]) == "all"

    @classmethod
    def of_change(cls, change: str) -> list["AuditEvent"]:
        return list(db.session.scalars(select(cls).where(cls.change == change).order_by(cls.id)))

    @classmethod
    def of_task(cls, task: "Task") -> ColumnElement[bool]:
        """What was done to it; in another workspace another task may have had its id."""
        return and_(cls.task_id == task.id, cls.workspace_id == task.workspace_id)

    @classmethod
    def of_project(cls, project: "Project") -> ColumnElement[bool]:
        return and_(cls.project_id == project.id, cls.workspace_id == project.workspace_id)

    @classmethod
    def last_actor_id(cls, action: str, record: ColumnElement[bool]) -> int | None:
        """Who did this last to the record, such as of_task(task)."""
        return db.session.scalar(
            select(cls.actor_id).where(cls.action == action, record).order_by(cls.id.desc()).limit(1)
        )


class AuditLink(Base):
    """One link of a workspace's chain: an event, and a hash of it together with the link before. Whoever changes,
    drops or slips in an event breaks all links after it."""

    __tablename__ = "audit_link"
    __table_args__ = (Index("ix_audit_link_workspace", "workspace_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("audit_event.id"), unique=True)
    workspace_id: Mapped[int | None]  # None: sign-ins and other things of no workspace
    hash: Mapped[str] = mapped_column(String(64))


TOLD = (
    "id", "workspace_id", "project_id", "task_id", "actor_id", "action", "changes", "change", "undoes", "via",
    "task_version", "created_at",
)  # fmt: skip


def chained(before: str, event: Any) -> str:
    """The hash of an event (or a row with its columns) that follows the link with the hash `before`; '' before the
    first. Written in ASCII: a letter in two halves is one letter when it is read back."""
    told = [getattr(event, name) for name in TOLD[:-1]] + [event.created_at.astimezone(UTC).isoformat()]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return sha256(f"{before}\n{text}".encode()).hexdigest()


_told_before: WeakKeyDictionary[SessionTransaction, int] = WeakKeyDictionary()


@event.listens_for(db.session, "before_commit")
def _chain(session: Session) -> None:
    """At the very end of a transaction, so that nobody who holds a chain waits for anything else."""
    if session.in_nested_transaction():
        return
    session.flush()
    told = [each for each in session.info.get("told", []) if inspect(each).persistent]
    _read_again([each for each in told if inspect(each).expired])
    told.sort(key=lambda each: each.id)
    for workspace_id in sorted({each.workspace_id for each in told}, key=lambda key: key or 0):
        if session.get_bind().dialect.name == "postgresql":
            session.execute(select(func.pg_advisory_xact_lock(CHAINS, workspace_id or 0)))
        last, links = head_of(workspace_id) or "", []
        for each in told:
            if each.workspace_id == workspace_id:
                last = chained(last, each)
                links.append({"event_id": each.id, "workspace_id": workspace_id, "hash": last})
        session.execute(insert(AuditLink), links)
    session.info.pop("told", None)


def _read_again(events: list[AuditEvent]) -> None:
    """By one query for many, where a lock that came late has let everything be forgotten."""
    ids = [key[0] for each in events if (key := inspect(each).identity)]
    for start in range(0, len(ids), 1000):
        db.session.scalars(select(AuditEvent).where(AuditEvent.id.in_(ids[start : start + 1000]))).all()


@event.listens_for(db.session, "after_transaction_create")
def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        _told_before[transaction] = len(session.info.get("told", []))


@event.listens_for(db.session, "after_soft_rollback")
def _forget(session: Session, previous_transaction: SessionTransaction) -> None:
    """What was told since the savepoint, or all; a flush that fails takes back as much as what it was part of."""
    part: SessionTransaction | None = previous_transaction
    while part and not part.nested:
        part = part.parent
    del session.info.get("told", [])[_told_before[part] if part else 0 :]


def head_of(workspace_id: int | None) -> str | None:
    """The hash of the newest link of a workspace's chain: it stands for all that happened so far."""
    here = AuditLink.workspace_id == workspace_id
    return db.session.scalar(select(AuditLink.hash).where(here).order_by(AuditLink.id.desc()).limit(1))


@dataclass(frozen=True)
class Head:
    """The end of a workspace's chain as it was at some time: the newest event, how many there were, and the hash."""

    workspace_id: int | None
    event_id: int
    count: int
    hash: str

    @property
    def told(self) -> str:
        return f"{self.event_id}\t{self.count}\t{self.hash}"


@dataclass(frozen=True)
class Fault:
    """The first event that is not as it was written. `kind`: broken (it was changed, or something before it was
    taken out or slipped in), deleted (its link is still there), unlinked (it never went through the program), cut (a
    head that was noted with it is not in the chain)."""

    kind: str
    event_id: int


@dataclass(frozen=True)
class Verdict:
    """What a look over a chain found: how many events are as they were written, and the hash of the last of them."""

    count: int
    head: str
    fault: Fault | None
    found: bool  # the head that was expected is in the chain


def verify_audit(workspace_id: int | None, expected: str | None = None, noted: Iterable[Head] = ()) -> Verdict:
    """Follows a workspace's chain (None: of what belongs to no workspace) from its first event to its last, some
    hundred at a time. Whoever takes the newest links away as well leaves a whole chain, but without the head that
    somebody noted before: `expected` by hand, `noted` by the program."""
    count, head, found = 0, "", not expected
    awaited = {each for each in noted if each.workspace_id == workspace_id}
    with db.session.execute(_links_of(workspace_id)) as rows:
        for row in rows:
            if row.hash != _read_hash(head, row):
                kind = "deleted" if row.id is None else "broken"
                return Verdict(count, head, Fault(kind, row.event_id), found)
            count, head = count + 1, row.hash
            found = found or head == expected
            awaited.discard(Head(workspace_id, row.event_id, count, head))
    if awaited:
        return Verdict(count, head, Fault("cut", min(each.event_id for each in awaited)), found)
    linked = select(AuditLink.id).where(AuditLink.event_id == AuditEvent.id).exists()
    here = AuditEvent.workspace_id == workspace_id
    stray = db.session.scalar(select(AuditEvent.id).where(here, ~linked).order_by(AuditEvent.id).limit(1))
    return Verdict(count, head, Fault("unlinked", stray) if stray else None, found)


def _links_of(workspace_id: int | None) -> Select[*tuple[Any, ...]]:
    """The links in their order, each with its event as it lies in the database, whatever somebody made of it."""
    as_is: dict[str, Any] = {
        "changes": cast(AuditEvent.changes, Text),
        "created_at": type_coerce(AuditEvent.created_at, NullType()),
    }
    return (
        select(AuditLink.event_id, AuditLink.hash, *(as_is.get(n, getattr(AuditEvent, n)).label(n) for n in TOLD))
        .select_from(AuditLink)
        .outerjoin(AuditEvent, AuditEvent.id == AuditLink.event_id)
        .where(AuditLink.workspace_id == workspace_id)
        .order_by(AuditLink.id)
        .execution_options(yield_per=500)
    )


def _read_hash(before: str, row: Any) -> str | None:
    """None where what lies there is no event at all."""
    told = dict(row._mapping)
    try:
        told["changes"] = json.loads(told["changes"])
        if isinstance(told["created_at"], str):  # SQLite keeps a moment as a text without its zone
            told["created_at"] = datetime.fromisoformat(told["created_at"]).replace(tzinfo=UTC)
        return chained(before, SimpleNamespace(**told))
    except (AttributeError, TypeError, ValueError):
        return None


def record(
    action: str,
    *,
    by: User | None,
    change: str | None = None,
    undoes: str | None = None,
    workspace_id: int | None = None,
    project_id: int | None = None,
    task: "Task | None" = None,
    changes: dict[str, tuple[Any, Any]] | None = None,
) -> str:
    """Writes one audit event in the running transaction and returns the name of the change it belongs to.

    `changes` maps a field to its value before and after; days are kept as ISO text, names as in_both() has them.
    """
    if action not in ACTIONS:
        raise ValueError(f"unknown audit action {action}")
    act = _act.get()
    change = change or (act[0] if act else new_change())
    told = AuditEvent(
        action=action,
        actor=by,
        change=change,
        undoes=undoes,
        workspace_id=task.workspace_id if task else workspace_id,
        project_id=task.project_id if task else project_id,
        task=task,
        task_version=task.version if task else None,
        changes=plain(changes or {}),
    )
    db.session.add(told)
    db.session.info.setdefault("told", []).append(told)
    return change


def record_created(tasks: Iterable["Task"], *, by: User, change: str) -> None:
    """The creation of many tasks at once, in one statement."""
    record_rows(
        {
            "action": "task.created", "actor_id": by.id, "change": change, "workspace_id": task.workspace_id,
            "project_id": task.project_id, "task_id": task.id, "task_version": task.version,
        }
        for task in tasks
    )  # fmt: skip


def record_rows(rows: Iterable[dict[str, Any]]) -> None:
    """Many events at once, by their columns."""
    if written := list(rows):
        events = db.session.scalars(insert(AuditEvent).returning(AuditEvent), written)
        db.session.info.setdefault("told", []).extend(events)


def plain(value: Any) -> Any:
    """As it is read back: days and sums as text, names of fields too, and nothing but lists."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
