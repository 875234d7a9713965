"""What one person has to do: late, today, the next seven days; what holds it up; who called."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import contains_eager, joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Notification, Project, Task, User
from linkstar.reports.task_filter import blocked

MOST = 50


class MyWork:
    def __init__(self, person: User) -> None:
        self.person = person
        self.today: date = clock.today(ZoneInfo(person.timezone))

    def _mine(self, *more: ColumnElement[bool]) -> list[Task]:
        query = (
            Task.visible_to(self.person)
            .where(Task.owner_id == self.person.id, Task.completed_at.is_(None), *more)
            .where(Task.project_id.not_in(Project.drafts()))
            .options(joinedload(Task.project), joinedload(Task.stage))
            .order_by(Task.due_on, Task.position)
            .limit(MOST)
        )
        return list(db.session.scalars(query))

    @property
    def due(self) -> list[Task]:
        """Late and today."""
        return self._mine(Task.due_on <= self.today)

    @property
    def coming(self) -> list[Task]:
        return self._mine(Task.due_on > self.today, Task.due_on <= self.today + timedelta(days=7))

    @property
    def undated(self) -> list[Task]:
        return self._mine(Task.due_on.is_(None))

    @property
    def held_up(self) -> list[Task]:
        return self._mine(blocked(), Task.due_on <= self.today + timedelta(days=14))

    @property
    def calls(self) -> list[Notification]:
        """Unread mentions, the newest first."""
        query = (
            select(Notification)
            .join(Notification.task)
            .where(Notification.user_id == self.person.id, Notification.read_at.is_(None))
            .where(Notification.kind == "mentioned", Task.seen_by(self.person))
            .options(contains_eager(Notification.task), joinedload(Notification.comment))
        )
        return list(db.session.scalars(query.order_by(Notification.id.desc()).limit(10)))

    @property
    def counts(self) -> dict[str, Any]:
        """How many tasks are late, due today and open in all, by one query."""
        late, today = Task.due_on < self.today, Task.due_on == self.today
        row = db.session.execute(
            select(
                func.count().label("open"),
                func.count().filter(late).label("late"),
                func.count().filter(today).label("today"),
                func.count().filter(blocked()).label("blocked"),
            )
            .where(Task.seen_by(self.person), Task.owner_id == self.person.id, Task.completed_at.is_(None))
            .where(Task.project_id.not_in(Project.drafts()))
        ).one()
        return dict(row._mapping)
