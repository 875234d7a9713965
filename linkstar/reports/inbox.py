from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import contains_eager, joinedload

from linkstar.extensions import db
from linkstar.models import Approval, Emergency, Notification, Reminder, Task, User
from linkstar.models.inbox import notices_of

__all__ = ["Inbox", "notices_of"]

AT_ONCE = 50


@dataclass
class Entry:
    """One notice; or several unread ones about one task, the newest first."""

    notices: list[Notification]

    @property
    def newest(self) -> Notification:
        return self.notices[0]


class Inbox:
    """A page of a person's notices, the newest first; the unread ones alone, or all."""

    def __init__(self, person: User, *, unread_only: bool, page: int = 1) -> None:
        self.person, self.unread_only, self.page = person, unread_only, page
        query = notices_of(person)
        if unread_only:
            query = query.where(Notification.read_at.is_(None))
        rows = db.session.scalars(self._loaded(query).offset((page - 1) * AT_ONCE).limit(AT_ONCE + 1)).unique().all()
        self.notices, self.has_more = list(rows[:AT_ONCE]), len(rows) > AT_ONCE
        self.blockers = Task.blocker_counts({each.task_id for each in self.notices if each.kind == "unblocked"})

    @staticmethod
    def _loaded(query: Any) -> Any:
        """With all that a row says, so that a page asks once."""
        project = joinedload(Task.project, innerjoin=False)
        return (
            query.options(contains_eager(Notification.task).options(project, joinedload(Task.owner)))
            .options(joinedload(Notification.comment), joinedload(Notification.project))
            .options(joinedload(Notification.reminder).joinedload(Reminder.approval))
            .options(joinedload(Notification.emergency).joinedload(Emergency.acknowledged_by))
            .options(joinedload(Notification.approval).options(joinedload(Approval.task), joinedload(Approval.project)))
            .order_by(Notification.created_at.desc(), Notification.id.desc())
        )

    @property
    def entries(self) -> list[Entry]:
        """What stands unread about one task stands together, where the newest of it is."""
        places: dict[Any, list[Notification]] = {}
        for notice in self.notices:
            together = notice.task_id and not notice.read_at
            places.setdefault(("task", notice.task_id) if together else ("notice", notice.id), []).append(notice)
        return [Entry(notices) for notices in places.values()]


def unread_count(person: User) -> int:
    query = notices_of(person).where(Notification.read_at.is_(None))
    return db.session.scalar(query.with_only_columns(func.count())) or 0
