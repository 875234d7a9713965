from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.project import Project
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.task import Task


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
    __table_args__ = (Index("ix_approval_workspace_state", "workspace_id", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    operation: Mapped[str] = mapped_column(String(30))  # a key of the pack's sensitive operations
    state: Mapped[str] = mapped_column(String(10), default="asked")  # agreed, done, refused, withdrawn, failed
    subject: Mapped[str] = mapped_column(String(80), index=True)  # what it is about, so that it is asked once
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # of the verb that will be run
    difference: Mapped[list[Any]] = mapped_column(JSON, default=list)  # field, before, after: as it was asked
    reason: Mapped[str | None] = mapped_column(Text)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    runs_at: Mapped[datetime | None] = mapped_column(Instant)  # after the hours in which it may still be stopped
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    change: Mapped[str | None] = mapped_column(String(32))  # what it did, in the trail

    project: Mapped[Project | None] = relationship()
    task: Mapped["Task | None"] = relationship()
    asked_by: Mapped[User] = relationship()
    votes: Mapped[list[ApprovalVote]] = relationship(order_by=ApprovalVote.voted_at, cascade="all, delete-orphan")
