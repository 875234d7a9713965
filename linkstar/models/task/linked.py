from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Mapped

from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.dependency import Dependency
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
        redraw: Any

    def wait_for(self, predecessor: Self, *, by: User, lag: float = 0) -> str | None:
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
        return record("dependency.added", by=by, task=self, changes=changes)  # type: ignore[arg-type]

    def stop_waiting_for(self, predecessor: Self, *, by: User) -> str | None:
        self._lock_with(predecessor)
        link = db.session.get(Dependency, (predecessor.id, self.id))
        if link is None:
            return None
        changes = {"predecessor_id": (predecessor.id, None), "lag": (link.lag, None)}
        db.session.delete(link)
        db.session.flush()
        db.session.expire(self, ["predecessors"])
        db.session.expire(predecessor, ["successors"])
        return record("dependency.removed", by=by, task=self, changes=changes)  # type: ignore[arg-type]

    def _lock_with(self, other: Self) -> None:
        """Both projects in the order of their ids, so that two writers never wait for each other. Both cards say
        something about the link, so both are drawn anew."""
        for task in sorted((self, other), key=lambda task: task.project_id):
            task.redraw()

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
