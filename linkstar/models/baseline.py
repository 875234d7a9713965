from datetime import date, datetime
from typing import Self

from sqlalchemy import ForeignKey, String, case, insert, literal, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
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

    @classmethod
    def take(cls, project: Project, name: str, *, by: User) -> Self:
        """Takes down the dates of all tasks that have any."""
        project.lock()
        baseline = cls(workspace_id=project.workspace_id, project=project, name=name, taken_by=by)
        db.session.add(baseline)
        db.session.flush()
        task = Base.metadata.tables["task"]  # the class stands below this one
        here = task.c.project_id == project.id, task.c.trashed_at.is_(None), task.c.due_on.is_not(None)
        start = case((task.c.start_on < task.c.due_on, task.c.start_on), else_=task.c.due_on)
        columns = ["baseline_id", "task_id", "start_on", "due_on"]
        rows = select(literal(baseline.id), task.c.id, start, task.c.due_on).where(*here)
        db.session.execute(insert(BaselineSpan).from_select(columns, rows))
        baseline._record("baseline.taken", by, (None, name))
        return baseline

    def delete(self, *, by: User) -> None:
        self._record("baseline.deleted", by, (self.name, None))
        db.session.delete(self)

    @classmethod
    def of(cls, project: Project) -> list[Self]:
        """The project's baselines, the newest first."""
        return list(db.session.scalars(select(cls).where(cls.project_id == project.id).order_by(cls.id.desc())))

    def _record(self, action: str, by: User, name: tuple[str | None, str | None]) -> None:
        record(action, by=by, workspace_id=self.workspace_id, project_id=self.project_id, changes={"name": name})


class BaselineSpan(Base):
    """From when to when a task ran in a baseline."""

    __tablename__ = "baseline_span"

    baseline_id: Mapped[int] = mapped_column(ForeignKey("baseline.id", ondelete="CASCADE"), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True, index=True)
    start_on: Mapped[date]
    due_on: Mapped[date]
