from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.project import Project
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.task import Task

STATES = ("due", "done", "nothing", "refused", "stopped")


class Automation(Base):
    """When something happens, and if it is so, then do this: with the rights of its owner, and no others."""

    __tablename__ = "automation"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    name: Mapped[str] = mapped_column(String(80))
    trigger: Mapped[dict[str, Any]] = mapped_column(JSON)
    conditions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    actions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    active: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    owner: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()
    runs: Mapped[list["AutomationRun"]] = relationship(back_populates="automation", cascade="all, delete-orphan")


class AutomationRun(Base):
    """What one automation did about one thing that happened, or why it did not."""

    __tablename__ = "automation_run"
    __table_args__ = (
        UniqueConstraint("automation_id", "key"),
        CheckConstraint(f"state in {STATES}", name="state"),
        Index("ix_automation_run_due", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    automation_id: Mapped[int] = mapped_column(ForeignKey("automation.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(80))  # what set it going: event:123 of the trail, day:…, post:…
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"), index=True)
    state: Mapped[str] = mapped_column(String(8), default="due")
    depth: Mapped[int] = mapped_column(default=0)  # how many automations set each other going before it
    change: Mapped[str | None] = mapped_column(String(32), index=True)  # of the trail: what it did
    trouble: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    done_at: Mapped[datetime | None] = mapped_column(Instant)

    automation: Mapped[Automation] = relationship(back_populates="runs")
    task: Mapped["Task | None"] = relationship()
