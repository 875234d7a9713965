import json
import secrets
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from flask import has_request_context
from sqlalchemy import JSON, ForeignKey, Index, String, event, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.project import Project
    from linkstar.models.task import Task

CHAINS = 6174  # any number, but always the same: the name of PostgreSQL's locks on the chains

ACTIONS = frozenset(
    {
        "project.created", "project_member.added", "project_member.removed",
        "task.created", "task.edited", "task.moved", "task.trashed", "task.restored",
        "checklist.added", "checklist.removed",
        "checklist_item.added", "checklist_item.ticked", "checklist_item.unticked", "evidence.given",
        "dependency.added", "dependency.removed", "waiver.asked", "waiver.signed", "waiver.declined",
        "gate.passed", "phase_gate.changed",
        "project.edited", "project.anchor_moved",
        "template.published", "template.edited", "template.trashed", "template.draft_discarded",
        "pack.installed", "pack.updated", "pack.removed",
        "calendar_day.written", "calendar_day.forgotten", "workspace.set_up", "workspace.edited",
        "comment.added", "participant.added", "participant.removed",
        "saved_view.created", "saved_view.deleted",
        "sign_in.began", "sign_in.ended",
    }
)  # fmt: skip


def in_both(zh: str | None, en: str | None) -> dict[str, str | None]:
    """A name as the trail keeps it, so that it can be read in either language after the record is gone."""
    return {"zh": zh, "en": en}


def new_change() -> str:
    """The name of one act of one person; everything that it touched is undone together."""
    return secrets.token_urlsafe(16)


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
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    action: Mapped[str] = mapped_column(String(40))
    changes: Mapped[dict[str, list[Any]]] = mapped_column(JSON, default=dict)
    change: Mapped[str] = mapped_column(String(32), index=True)
    undoes: Mapped[str | None] = mapped_column(String(32))
    via: Mapped[str] = mapped_column(String(12), default=lambda: "web" if has_request_context() else "program")
    task_version: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    actor: Mapped[User | None] = relationship()
    project: Mapped["Project | None"] = relationship(
        primaryjoin="foreign(AuditEvent.project_id) == Project.id", viewonly=True
    )
    task: Mapped["Task | None"] = relationship(primaryjoin="foreign(AuditEvent.task_id) == Task.id")

    @classmethod
    def of_change(cls, change: str) -> list["AuditEvent"]:
        return list(db.session.scalars(select(cls).where(cls.change == change).order_by(cls.id)))


class AuditLink(Base):
    """One link of a workspace's chain: an event, and a hash of it together with the link before. Whoever changes,
    drops or slips in an event breaks all links after it."""

    __tablename__ = "audit_link"
    __table_args__ = (Index("ix_audit_link_workspace", "workspace_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("audit_event.id"), unique=True)
    workspace_id: Mapped[int | None]  # None: sign-ins and other things of no workspace
    hash: Mapped[str] = mapped_column(String(64))


def chained(before: str, event: AuditEvent) -> str:
    """The hash of an event that follows the link with the hash `before`; '' before the first."""
    told = [
        event.id, event.workspace_id, event.project_id, event.task_id, event.actor_id, event.action, event.changes,
        event.change, event.undoes, event.via, event.task_version, event.created_at.astimezone(UTC).isoformat(),
    ]  # fmt: skip
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(f"{before}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


@event.listens_for(db.session, "before_commit")
def _chain(session: Session) -> None:
    """At the very end of a transaction, so that nobody who holds a chain waits for anything else."""
    told = session.info.pop("told", [])
    if not told:
        return
    session.flush()
    ids = [each for each in told if isinstance(each, int)]
    many: Iterable[AuditEvent] = session.scalars(select(AuditEvent).where(AuditEvent.id.in_(ids))) if ids else []
    events = sorted((*many, *(each for each in told if isinstance(each, AuditEvent))), key=lambda each: each.id)
    for workspace_id in sorted({each.workspace_id for each in events}, key=lambda key: key or 0):
        if session.get_bind().dialect.name == "postgresql":
            session.execute(select(func.pg_advisory_xact_lock(CHAINS, workspace_id or 0)))
        newest = (
            select(AuditLink.hash)
            .where(AuditLink.workspace_id.is_not_distinct_from(workspace_id))
            .order_by(AuditLink.id.desc())
            .limit(1)
        )
        last, links = session.scalar(newest) or "", []
        for each in events:
            if each.workspace_id == workspace_id:
                last = chained(last, each)
                links.append({"event_id": each.id, "workspace_id": workspace_id, "hash": last})
        session.execute(insert(AuditLink), links)


@event.listens_for(db.session, "after_soft_rollback")
def _forget(session: Session, previous_transaction: Any) -> None:
    session.info.pop("told", None)


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
    change = change or new_change()
    told = AuditEvent(
        action=action,
        actor=by,
        change=change,
        undoes=undoes,
        workspace_id=task.workspace_id if task else workspace_id,
        project_id=task.project_id if task else project_id,
        task=task,
        task_version=task.version if task else None,
        changes={field: [_plain(old), _plain(new)] for field, (old, new) in (changes or {}).items()},
    )
    db.session.add(told)
    db.session.info.setdefault("told", []).append(told)
    return change


def record_created(tasks: Iterable["Task"], *, by: User, change: str) -> None:
    """The creation of many tasks at once, in one statement."""
    rows = [
        {
            "action": "task.created", "actor_id": by.id, "change": change, "workspace_id": task.workspace_id,
            "project_id": task.project_id, "task_id": task.id, "task_version": task.version,
        }
        for task in tasks
    ]  # fmt: skip
    if rows:
        ids = db.session.scalars(insert(AuditEvent).returning(AuditEvent.id), rows)
        db.session.info.setdefault("told", []).extend(ids)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
