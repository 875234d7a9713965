from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Mapped, aliased

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.checklist import Checklist, ChecklistItem
from linkstar.models.dependency import Dependency
from linkstar.models.phase import PhaseGate
from linkstar.models.project import Project
from linkstar.models.refusal import CycleRefused
from linkstar.models.user import User


class Linked:
    """What a task waits for, and what waits for it: inside a project, or across the projects of one programme."""

    if TYPE_CHECKING:
        id: Mapped[int]
        project: Mapped[Project]
        project_id: Mapped[int]
        revision: Mapped[int]
        phase_id: Mapped[int | None]
        blocking: Mapped[bool]
        completed_at: Mapped[datetime | None]
        trashed_at: Mapped[datetime | None]
        owner: Mapped[User]

    def wait_for(self, predecessor: Self, *, by: User, lag: float = 0, undoes: str | None = None) -> str | None:
        """Starts after the predecessor from now on, or with another lag than before; raises CycleRefused."""
        self._lock_with(predecessor)
        if self.id == predecessor.id:
            raise CycleRefused([self])
        if self.project.programme_id != predecessor.project.programme_id:
            raise ValueError("tasks depend on each other inside one programme only")
        if circle := self._way_to(predecessor):
            raise CycleRefused(circle)
        link = db.session.get(Dependency, (predecessor.id, self.id))
        if link and link.lag == lag:
            return None
        old = link.lag if link else None
        if link is None:
            link = Dependency(predecessor_id=predecessor.id, successor_id=self.id)
            db.session.add(link)
        link.lag = lag
        db.session.flush()
        db.session.expire(self, ["predecessors"])
        db.session.expire(predecessor, ["successors"])
        changes = {"predecessor_id": (None if old is None else predecessor.id, predecessor.id), "lag": (old, lag)}
        return record("dependency.added", by=by, task=self, changes=changes, undoes=undoes)  # type: ignore[arg-type]

    def stop_waiting_for(self, predecessor: Self, *, by: User, undoes: str | None = None) -> str | None:
        """What an unfinished blocking task holds is let go by who keeps the gates."""
        self._lock_with(predecessor)
        link = db.session.get(Dependency, (predecessor.id, self.id))
        if link is None:
            return None
        if predecessor.still_blocks:
            self.project.refuse_release(by)
        changes = {"predecessor_id": (predecessor.id, None), "lag": (link.lag, None)}
        db.session.delete(link)
        db.session.flush()
        db.session.expire(self, ["predecessors"])
        db.session.expire(predecessor, ["successors"])
        return record("dependency.removed", by=by, task=self, changes=changes, undoes=undoes)  # type: ignore[arg-type]

    @property
    def still_blocks(self) -> bool:
        return self.blocking and not self.completed_at and not self.trashed_at

    @property
    def blocks_somebody(self) -> bool:
        """Does an open task, or a phase, wait for this unfinished blocking one?"""
        if not self.still_blocks:
            return False
        mine: Any = type(self)
        waiting = (
            select(mine.id)
            .join(Dependency, Dependency.successor_id == mine.id)
            .where(Dependency.predecessor_id == self.id, mine.completed_at.is_(None), mine.trashed_at.is_(None))
        )
        return self._phase_is_awaited or db.session.scalar(waiting.limit(1)) is not None

    @property
    def holds_somebody(self) -> bool:
        """The same; or a phase waits for a required item on it."""
        if self.blocks_somebody:
            return True
        required = (
            select(ChecklistItem.id)
            .join(ChecklistItem.checklist)
            .where(Checklist.task_id == self.id, ChecklistItem.required)
            .where(ChecklistItem.open_on(clock.today(ZoneInfo(self.owner.timezone))))
        )
        return not self.trashed_at and self._phase_is_awaited and db.session.scalar(required.limit(1)) is not None

    @classmethod
    def holding(cls, today: date) -> ColumnElement[bool]:
        """holds_somebody, for queries."""
        mine: Any = cls
        after = aliased(mine)
        waiting = (
            select(after.id)
            .join(Dependency, Dependency.successor_id == after.id)
            .where(Dependency.predecessor_id == mine.id, after.completed_at.is_(None), after.trashed_at.is_(None))
        )
        required = (
            select(ChecklistItem.id)
            .join(ChecklistItem.checklist)
            .where(Checklist.task_id == mine.id, ChecklistItem.required, ChecklistItem.open_on(today))
        )
        awaited = mine.phase_id.in_(select(PhaseGate.awaited_id))
        blocks = and_(mine.blocking, mine.completed_at.is_(None), or_(awaited, waiting.exists()))
        return and_(mine.trashed_at.is_(None), or_(blocks, and_(awaited, required.exists())))

    @property
    def _phase_is_awaited(self) -> bool:
        gates = select(PhaseGate.phase_id).where(PhaseGate.awaited_id == self.phase_id)
        return self.phase_id is not None and db.session.scalar(gates.limit(1)) is not None

    def _lock_with(self, other: Self) -> None:
        """All projects of the programme in the order of their ids, as a plan does, so that two writers never wait for
        each other. Both cards say something about the link, so both are drawn anew."""
        heads = {self.project.programme_id, other.project.programme_id}
        programme = select(Project).where(or_(Project.id.in_(heads), Project.parent_id.in_(heads)))
        for project in db.session.scalars(programme.order_by(Project.id)).all():
            project.lock()
        for task in (self, other):
            task.revision = task.project.revision

    def _way_to(self, goal: Self) -> list[Any]:
        """The tasks from this one to the goal along what follows; empty where the goal does not follow."""
        came_from: dict[int, int | None] = {self.id: None}
        edge = [self.id]
        while edge and goal.id not in came_from:
            links = db.session.execute(
                select(Dependency.predecessor_id, Dependency.successor_id).where(Dependency.predecessor_id.in_(edge))
            ).all()
            fresh = {successor: predecessor for predecessor, successor in links if successor not in came_from}
            came_from |= fresh
            edge = list(fresh)
        way: list[Any] = []
        step = goal.id if goal.id in came_from else None
        while step is not None:
            way.insert(0, db.session.get(type(self), step))
            step = came_from[step]
        return way
