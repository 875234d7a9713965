import secrets
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from flask import has_request_context
from sqlalchemy import JSON, ForeignKey, Index, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.project import Project
    from linkstar.models.task import Task

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
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    action: Mapped[str] = mapped_column(String(40))
    changes: Mapped[dict[str, list[Any]]] = mapped_column(JSON, default=dict)
    change: Mapped[str] = mapped_column(String(32), index=True)
    undoes: Mapped[str | None] = mapped_column(String(32))
    via: Mapped[str] = mapped_column(String(12), default=lambda: "web" if has_request_context() else "program")
    task_version: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    actor: Mapped[User | None] = relationship()
    project: Mapped["Project | None"] = relationship()
    task: Mapped["Task | None"] = relationship()

    @classmethod
    def of_change(cls, change: str) -> list["AuditEvent"]:
        return list(db.session.scalars(select(cls).where(cls.change == change).order_by(cls.id)))


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
    db.session.add(
        AuditEvent(
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
    )
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
        db.session.execute(insert(AuditEvent), rows)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
