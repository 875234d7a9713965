from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, and_, delete, insert, select, union, update
from sqlalchemy.orm import Mapped

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.membership import Membership
from linkstar.models.notification import Delivery, Notification
from linkstar.models.preference import TOPICS, Preference
from linkstar.models.project import Project
from linkstar.models.task.participant import Participant
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.task import Task

GATHERED = timedelta(minutes=10)  # what is changed in them goes out as one mail
BESIDES = frozenset({"position", "start_rule", "unassigned", "offset"})  # what changes along with what was changed


class Told:
    """Who hears that a task was changed: its owner, and who takes part in it."""

    if TYPE_CHECKING:
        id: Mapped[int]
        workspace_id: Mapped[int]
        owner_id: Mapped[int]
        project: Mapped[Project]

    def tell_changed(self, fields: Collection[str], *, by: User) -> None:
        self.tell_all_changed({self: fields}, by=by)  # type: ignore[dict-item]

    @classmethod
    def tell_all_changed(cls, changed: Mapping["Task", Collection[str]], *, by: User) -> None:
        """One notice a person and task, however much of it was changed, until it is read; call it under the projects'
        locks. Not the one who did it; nor a new owner, who is told that much; nor a creator, who has no inbox."""
        tasks = {
            task.id: (task, told)
            for task, fields in changed.items()
            if not task.project.draft_of_id and (told := _in_order(fields))
        }
        if not tasks:
            return
        with db.session.no_autoflush:
            rows = db.session.execute(cls._concerned([*tasks], by)).all()
        fresh: list[Any] = []
        known: dict[tuple[str, ...], list[Any]] = {}
        for row in rows:
            task, fields = tasks[row.task_id]
            if "owner_id" in fields and row.user_id == task.owner_id:
                continue
            if row.id is None:
                fresh.append((row, task, fields))
            else:
                merged = tuple(dict.fromkeys([*row.fields, *fields]))
                known.setdefault(merged, []).append((row, task, fields))
        for merged, group in known.items():
            fresh += _add_to_notices(merged, group, by)
        silent = []
        for row, task, fields in fresh:
            values = {"kind": "changed", "user_id": row.user_id, "actor_id": by.id, "task_id": task.id}
            values |= {"workspace_id": task.workspace_id, "fields": list(fields)}
            if media := _media(row):
                due_at = clock.now() + GATHERED
                deliveries = [Delivery(medium=medium, due_at=due_at) for medium in media]
                db.session.add(Notification(deliveries=deliveries, **values))
            else:
                silent.append(values)
        if silent:
            with db.session.no_autoflush:
                db.session.execute(insert(Notification), silent)

    @classmethod
    def _concerned(cls, task_ids: list[int], by: User) -> Any:
        """Each person with each task, and the notice of it that was not read yet."""
        mine: Any = cls
        people = union(
            select(mine.id.label("task_id"), mine.owner_id.label("user_id")).where(mine.id.in_(task_ids)),
            select(Participant.task_id, Participant.user_id).where(Participant.task_id.in_(task_ids)),
        ).subquery()
        unread = and_(
            Notification.user_id == people.c.user_id, Notification.task_id == people.c.task_id,
            Notification.kind == "changed", Notification.read_at.is_(None),
        )  # fmt: skip
        return (
            select(
                people.c.task_id, people.c.user_id, User.pushes, Preference.mail, Preference.push, Notification.id,
                Notification.fields,
            )
            .select_from(people)
            .join(User, User.id == people.c.user_id)
            .join(mine, mine.id == people.c.task_id)
            .join(Membership, and_(Membership.user_id == User.id, Membership.workspace_id == mine.workspace_id))
            .outerjoin(Preference, and_(Preference.user_id == User.id, Preference.topic == "changed"))
            .outerjoin(Notification, unread)
            .where(User.id != by.id, User.active, Membership.role != "creator")
            .order_by(people.c.task_id, people.c.user_id)
        )  # fmt: skip


def _add_to_notices(merged: tuple[str, ...], group: list[Any], by: User) -> list[Any]:
    """To those that are still unread; gives back what somebody has read in this very moment, to be told anew."""
    ids = [row.id for row, _task, _fields in group]
    still = set(
        db.session.scalars(
            update(Notification)
            .where(Notification.id.in_(ids), Notification.read_at.is_(None))
            .values(fields=list(merged), created_at=clock.now(), actor_id=by.id)
            .returning(Notification.id)
            .execution_options(synchronize_session=False)
        )
    )
    for row, _task, _fields in group:
        if row.id in still and (media := _media(row)):
            _send_again(row.id, media)
    return [each for each in group if each[0].id not in still]


def _send_again(notice_id: int, media: list[str]) -> None:
    """As a message of its own, where the last one has gone out already."""
    waiting = select(Delivery.medium).where(Delivery.notification_id == notice_id, Delivery.state == "due")
    over = set(media) - set(db.session.scalars(waiting))
    gone = delete(Delivery).where(Delivery.notification_id == notice_id, Delivery.medium.in_(over))
    db.session.execute(gone.execution_options(synchronize_session=False))
    due_at = clock.now() + GATHERED
    db.session.add_all(Delivery(notification_id=notice_id, medium=medium, due_at=due_at) for medium in sorted(over))


def _media(row: Row[Any]) -> list[str]:
    """Of changes there are many and few want them outside, so what nobody wishes is not even written down."""
    mails = (row.mail or TOPICS["changed"]) == "now"
    pushed = row.pushes and row.push is not False
    return (["mail"] if mails else []) + (["push"] if pushed else [])


def _in_order(fields: Collection[str]) -> list[str]:
    return sorted(set(fields) - BESIDES)
