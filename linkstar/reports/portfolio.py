"""All projects that a person sees, with how far each is and what is late in it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models import Project, Task, User
from linkstar.reports.task_filter import blocked, late


@dataclass
class Line:
    project: Project
    tasks: int = 0
    done: int = 0
    late: int = 0
    blocked: int = 0

    @property
    def health(self) -> str:
        """stop: a blocked task is late; risk: something is late; ok: nothing is."""
        if self.late and self.blocked:
            return "stop"
        return "risk" if self.late else "ok"

    @property
    def share(self) -> int:
        """Done, in steps of five per cent."""
        return self.done * 20 // self.tasks * 5 if self.tasks else 0


class Portfolio:
    def __init__(self, person: User) -> None:
        self.person = person
        projects = db.session.scalars(
            Project.visible_to(person)
            .options(joinedload(Project.owner).selectinload(User.memberships))
            .order_by(Project.id)
        )
        self.lines = [Line(project) for project in projects]
        by_id = {line.project.id: line for line in self.lines}
        for row in self._counts(list(by_id)):
            line = by_id[row.project_id]
            line.tasks, line.done, line.late, line.blocked = row.tasks, row.done, row.late, row.blocked

    def _counts(self, ids: list[int]) -> list[Any]:
        return list(
            db.session.execute(
                select(
                    Task.project_id,
                    func.count().label("tasks"),
                    func.count().filter(Task.completed_at.is_not(None)).label("done"),
                    func.count().filter(late()).label("late"),
                    func.count().filter(blocked(), late()).label("blocked"),
                )
                .where(Task.seen_by(self.person), Task.project_id.in_(ids))
                .group_by(Task.project_id)
            )
        )


def healthy_or_not(person: User, most: int = 30) -> list[tuple[Project, str]]:
    """The person's first projects, each with its health, by one query that stops at the first late task."""
    overdue = (
        select(Task.id)
        .where(Task.project_id == Project.id, Task.trashed_at.is_(None), late())
        .correlate(Project)
    )
    query = Project.visible_to(person).add_columns(
        overdue.exists().label("is_late"), overdue.where(blocked()).exists().label("held_up")
    )
    query = query.order_by(Project.id).limit(most)
    return [
        (project, "stop" if held_up else "risk" if is_late else "ok")
        for project, is_late, held_up in db.session.execute(query)
    ]
