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
    below: bool = False  # it stands under its programme's head, which counts it as well

    def add(self, other: "Line") -> None:
        for name in ("tasks", "done", "late", "blocked"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

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
            .where(Project.draft_of_id.is_(None), ~Project.drill)
            .options(joinedload(Project.owner).selectinload(User.memberships))
            .order_by(Project.id)
        )
        rows = list(projects)
        found = counts(person, [project.id for project in rows])
        self.lines = self._in_programmes([Line(project, **found.get(project.id, {})) for project in rows])

    @staticmethod
    def _in_programmes(lines: list[Line]) -> list[Line]:
        """Each programme's projects under its head, whose numbers are those of all of them."""
        heads = {line.project.id: line for line in lines if line.project.parent_id is None}
        groups: dict[int, list[Line]] = {}
        for line in lines:
            line.below = line.project.parent_id in heads
            groups.setdefault(line.project.programme_id if line.below else line.project.id, []).append(line)
        ordered = []
        for key in sorted(groups):
            group = sorted(groups[key], key=lambda line: (line.below, line.project.id))
            for line in group:
                if line.below:
                    group[0].add(line)
            ordered += group
        return ordered


def counts(person: User, ids: list[int]) -> dict[int, dict[str, Any]]:
    """Project → how many of its tasks that the person sees there are, are done, late, and blocked."""
    query = (
        select(
            Task.project_id,
            func.count().label("tasks"),
            func.count().filter(Task.completed_at.is_not(None)).label("done"),
            func.count().filter(late()).label("late"),
            func.count().filter(blocked(), late()).label("blocked"),
        )
        .where(Task.seen_by(person), Task.project_id.in_(ids))
        .group_by(Task.project_id)
    )
    return {
        row.project_id: {"tasks": row.tasks, "done": row.done, "late": row.late, "blocked": row.blocked}
        for row in db.session.execute(query)
    }


def healthy_or_not(person: User, most: int = 30) -> list[tuple[Project, str]]:
    """The person's first projects, each with its health, by one query that stops at the first late task."""
    overdue = select(Task.id).where(Task.project_id == Project.id, Task.trashed_at.is_(None), late()).correlate(Project)
    query = Project.visible_to(person).add_columns(
        overdue.exists().label("is_late"), overdue.where(blocked()).exists().label("held_up")
    )
    query = query.where(Project.draft_of_id.is_(None), ~Project.drill).order_by(Project.id).limit(most)
    return [
        (project, "stop" if held_up else "risk" if is_late else "ok")
        for project, is_late, held_up in db.session.execute(query)
    ]
