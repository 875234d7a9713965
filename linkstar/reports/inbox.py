"""Which notices a person still reads: rights are those of now, and what was muted is not told."""

from sqlalchemy import ColumnElement, Select, and_, or_, select

from linkstar.models import BY_NAME, Approval, Emergency, Mute, Notification, Project, Task, User


def notices_of(person: User) -> Select[Notification]:
    """Those about tasks, projects, requests and emergencies that the person still sees and has not muted."""
    mine = Notification.user_id == person.id, _seen_by(person), or_(Notification.kind.in_(BY_NAME), ~_muted_by(person))
    return select(Notification).outerjoin(Notification.task).where(*mine)


def _seen_by(person: User) -> ColumnElement[bool]:
    requests = select(Approval.id).where(Approval.seen_by(person)).correlate(None)
    projects = select(Project.id).where(Project.seen_by(person), Project.trashed_at.is_(None)).correlate(None)
    emergencies = select(Emergency.id).where(Emergency.seen_by(person)).correlate(None)
    return or_(
        Task.seen_by(person),
        Notification.approval_id.in_(requests),
        Notification.project_id.in_(projects),
        Notification.emergency_id.in_(emergencies),
    )


def _muted_by(person: User) -> ColumnElement[bool]:
    about = or_(
        Mute.task_id == Notification.task_id,
        Mute.project_id == Notification.project_id,
        and_(Notification.task_id.is_not(None), Mute.project_id == Task.project_id),
    )
    return select(Mute.id).where(Mute.user_id == person.id, about).correlate(Notification, Task).exists()
