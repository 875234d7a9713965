"""Which notices a person still reads: rights are those of now."""

from sqlalchemy import ColumnElement, Select, or_, select

from linkstar.models import Approval, Notification, Task, User


def notices_of(person: User) -> Select[Notification]:
    """Those about tasks and requests that the person still sees."""
    return select(Notification).outerjoin(Notification.task).where(Notification.user_id == person.id, _seen_by(person))


def _seen_by(person: User) -> ColumnElement[bool]:
    requests = select(Approval.id).where(Approval.seen_by(person)).correlate(None)
    return or_(Task.seen_by(person), Notification.approval_id.in_(requests))
