from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.approval import Approval
    from linkstar.models.project import Project
    from linkstar.models.task import Task

KINDS = (
    "due", "overdue", "escalated", "started", "gate", "approval", "expiring", "cutoff", "idle",
)  # fmt: skip
STATES = ("due", "told", "dropped")


class Reminder(Base):
    """One person is to be told one thing once: so many days before or after the day that `version` names. The unique
    index makes it once, however many timetables run; the row waits in the database until its moment has come, so that
    none is lost while the queue is away."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("user_id", "subject", "kind", "step", "version"),
        CheckConstraint(f"kind in {KINDS}", name="kind"),
        CheckConstraint(f"state in {STATES}", name="state"),
        Index("ix_reminder_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(100))  # task:12, project:3, evidence:5, cutoff:fba_bfcm:awd …
    kind: Mapped[str] = mapped_column(String(12))
    step: Mapped[int]  # days before the day (or after it, where it has passed)
    version: Mapped[str] = mapped_column(String(40))  # the day that it counts from; another day is another reminder
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id", ondelete="CASCADE"), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # names in both languages, numbers
    due_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(8), default="due")
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    user: Mapped[User] = relationship()
    task: Mapped["Task | None"] = relationship()
    project: Mapped["Project | None"] = relationship()
    approval: Mapped["Approval | None"] = relationship()
