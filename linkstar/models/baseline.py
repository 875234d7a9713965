from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.project import Project
from linkstar.models.user import User


class Baseline(Base):
    """A project's dates as they were when somebody took them down, to see later what slipped."""

    __tablename__ = "baseline"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    taken_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    taken_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    project: Mapped[Project] = relationship()
    taken_by: Mapped[User] = relationship()
    spans: Mapped[list["BaselineSpan"]] = relationship(cascade="all, delete-orphan")


class BaselineSpan(Base):
    """From when to when a task ran in a baseline."""

    __tablename__ = "baseline_span"

    baseline_id: Mapped[int] = mapped_column(ForeignKey("baseline.id", ondelete="CASCADE"), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    start_on: Mapped[date]
    due_on: Mapped[date]
