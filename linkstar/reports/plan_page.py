"""A project's plan: its critical path, how far each task may slip, what crosses, and who is still missing."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Plan, Project, Task, TemplateVersion, User
from linkstar.reports.portfolio import Line, counts
from linkstar.reports.preview import Crossing


@dataclass
class Row:
    task: Task
    slack: int | None
    critical: bool
    late: bool
    blocked: bool
    crosses: bool


@dataclass
class Child:
    line: Line
    next_gate: Task | None  # the next milestone that is not done


class PlanPage:
    def __init__(self, project: Project, reader: User) -> None:
        self.project, self.reader = project, reader
        self.plan = Plan(project)
        self.today = clock.today(ZoneInfo(reader.timezone))
        self._seen = set(
            db.session.scalars(select(Task.id).where(Task.seen_by(reader), Task.id.in_(list(self.plan.tasks))))
        )

    @cached_property
    def rows(self) -> list[Row]:
        """The project's open tasks that the reader sees, in the order of time; those without dates at the end."""
        crossing = {clash.task.id for clash in self.plan.clashes}
        critical = {task.id for task in self.plan.critical}
        tasks = [task for task in self.plan.own if task.id in self._seen and not task.completed_at]
        tasks.sort(key=lambda task: (task.due_on is None, task.start_on or task.due_on or self.today, task.position))
        return [
            Row(
                task,
                self.plan.slack.get(task.id),
                task.id in critical,
                task.late_from is not None and task.late_from <= clock.now(),
                any(self._holds(self.plan.tasks[key]) for key, _lag in self.plan.after.get(task.id, ())),
                task.id in crossing,
            )
            for task in tasks
        ]

    @staticmethod
    def _holds(task: Task) -> bool:
        return task.blocking and not task.completed_at

    @property
    def critical(self) -> list[Task]:
        return [row.task for row in self.rows if row.critical]

    @property
    def late(self) -> int:
        return sum(row.late for row in self.rows)

    @property
    def blocked(self) -> int:
        return sum(row.blocked for row in self.rows)

    @property
    def to_assign(self) -> list[Task]:
        return [row.task for row in self.rows if row.task.unassigned]

    @property
    def clashes(self) -> list[Crossing]:
        return [
            Crossing(clash.task, clash.predecessor if clash.predecessor.id in self._seen else None, clash.days)
            for clash in self.plan.clashes
            if clash.task.id in self._seen
        ]

    @cached_property
    def children(self) -> list[Child]:
        """The projects of a programme that the reader sees."""
        below = Project.visible_to(self.reader).where(Project.parent_id == self.project.id).order_by(Project.id)
        projects = list(db.session.scalars(below))
        found = counts(self.reader, [project.id for project in projects]) if projects else {}
        gates: dict[int, Task] = {}
        for task in sorted(self.plan.tasks.values(), key=lambda task: (task.due_on or self.today, task.position)):
            if task.milestone and not task.completed_at and task.due_on and task.id in self._seen:
                gates.setdefault(task.project_id, task)
        return [Child(Line(project, **found.get(project.id, {})), gates.get(project.id)) for project in projects]

    @cached_property
    def newer(self) -> tuple[int, int, int] | None:
        """Template, the version that the project was made from, and the newest: where they differ. Outsiders see no
        templates."""
        membership = self.reader.membership_in(self.project.workspace_id)
        if membership is None or membership.external:
            return None
        if self.project.template_version_id is None or self.project.draft_of_id:
            return None
        taken = select(TemplateVersion.template_id, TemplateVersion.number).where(
            TemplateVersion.id == self.project.template_version_id
        )
        row = db.session.execute(taken).one()
        newest: Any = db.session.scalar(
            select(func.max(TemplateVersion.number)).where(TemplateVersion.template_id == row.template_id)
        )
        return (row.template_id, row.number, newest) if newest > row.number else None
