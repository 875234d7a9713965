"""What lies in the trash, as one person may see it, and which of it that person may bring back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import lazyload, selectinload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import KEPT, Attachment, AuditEvent, Project, Task, Trash, User

MOST = 100


@dataclass
class Piece:
    """One thing in the trash."""

    record: Any
    thrown_by: User | None
    may_restore: bool
    days_left: int
    tasks: int = 0  # that come back with a project


class TrashPage:
    def __init__(self, person: User, page: int = 1) -> None:
        self.person, self.page = person, page
        self._trash = Trash(person)

    def _turned(self, query: Select[Any]) -> Select[Any]:
        return query.offset((self.page - 1) * MOST).limit(MOST)

    @cached_property
    def older(self) -> bool:
        """Does anything lie below this page?"""
        queries = (self._trash.tasks(), self._trash.projects(), self._trash.attachments())
        return any(db.session.scalar(query.offset(self.page * MOST).limit(1)) for query in queries)

    @cached_property
    def tasks(self) -> list[Piece]:
        tasks = list(db.session.scalars(self._turned(self._trash.tasks())))
        who = self._who("task.trashed", "task_id", tasks)
        return [self._piece(task, who, task.may_be_restored_by(self.person)) for task in tasks]

    @cached_property
    def projects(self) -> list[Piece]:
        projects = list(db.session.scalars(self._turned(self._trash.projects())))
        who = self._who("project.trashed", "project_id", projects)
        pieces = [self._piece(each, who, each.may_be_restored_by(self.person)) for each in projects]
        counts = self._counts(projects)
        for piece in pieces:
            piece.tasks = counts.get(piece.record.id, 0)
        return pieces

    @cached_property
    def attachments(self) -> list[Piece]:
        query = self._turned(self._trash.attachments().options(selectinload(Attachment.versions)))
        return [
            self._piece(attachment, {}, attachment.may_be_trashed_by(self.person))
            for attachment in db.session.scalars(query)
        ]

    def _piece(self, record: Any, who: dict[int, User], may_restore: bool) -> Piece:
        zone = ZoneInfo(self.person.timezone)
        last = (record.trashed_at + KEPT).astimezone(zone).date()
        left = last - clock.today(zone)
        return Piece(record, who.get(record.id), may_restore, max(left, timedelta()).days)

    @staticmethod
    def _who(action: str, column: str, records: Iterable[Any]) -> dict[int, User]:
        """Record → who threw it away last."""
        key = getattr(AuditEvent, column)
        query = (
            select(key, User)
            .join(User, User.id == AuditEvent.actor_id)
            .where(AuditEvent.action == action, key.in_([record.id for record in records]))
            .where(AuditEvent.workspace_id.in_({record.workspace_id for record in records}))
            .options(lazyload(User.memberships))
            .order_by(AuditEvent.id)
        )
        return {record_id: user for record_id, user in db.session.execute(query)}

    @staticmethod
    def _counts(projects: list[Project]) -> dict[int, int]:
        query = (
            select(Task.project_id, func.count())
            .join(Task.project)
            .where(Task.project_id.in_([project.id for project in projects]), Task.trashed_at == Project.trashed_at)
            .group_by(Task.project_id)
        )
        return {project_id: count for project_id, count in db.session.execute(query)}
