from dataclasses import dataclass
from typing import Any

from sqlalchemy import func

from linkstar.extensions import db
from linkstar.models import Notification, Task, User, notices_of, with_all_they_say

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
        query = with_all_they_say(query).order_by(Notification.created_at.desc(), Notification.id.desc())
        rows = db.session.scalars(query.offset((page - 1) * AT_ONCE).limit(AT_ONCE + 1)).unique().all()
        self.notices, self.has_more = list(rows[:AT_ONCE]), len(rows) > AT_ONCE
        unblocked = {each.task_id for each in self.notices if each.kind == "unblocked" and each.task_id}
        self.blockers = Task.blocker_counts(unblocked)

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
