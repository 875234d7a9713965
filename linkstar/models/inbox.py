"""What a person still reads: rights are those of now, and what was muted is not told. And what of it goes out in one
mail instead of many."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.approval import Approval
from linkstar.models.emergency import Emergency
from linkstar.models.notification import BY_NAME, TOPIC_OF, Delivery, Digest, Notification
from linkstar.models.preference import Mute, Preference
from linkstar.models.project import Project
from linkstar.models.reminder import Reminder
from linkstar.models.task import Task
from linkstar.models.user import User

REACHES_BACK = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}  # the first digest; the next go on from it
FURTHEST_BACK = timedelta(days=30)
OF_THEIR_OWN = ("channel_failed", "automation_stopped", "automation_paused")  # about what is in the person's name


def notices_of(person: User) -> Select[Notification]:
    """Those about tasks, projects, requests and emergencies that the person still sees and has not muted."""
    mine = Notification.user_id == person.id, _seen_by(person), or_(Notification.kind.in_(BY_NAME), ~_muted_by(person))
    return select(Notification).outerjoin(Notification.task).where(*mine)


def with_all_they_say(notices: Select[Notification]) -> Select[Notification]:
    """With all that they say, so that it is asked once."""
    project = joinedload(Task.project, innerjoin=False)
    return (
        notices.options(contains_eager(Notification.task).options(project, joinedload(Task.owner)))
        .options(joinedload(Notification.comment), joinedload(Notification.project))
        .options(joinedload(Notification.reminder).joinedload(Reminder.approval))
        .options(joinedload(Notification.emergency).joinedload(Emergency.acknowledged_by))
        .options(joinedload(Notification.approval).options(joinedload(Approval.task), joinedload(Approval.project)))
    )


def _seen_by(person: User) -> ColumnElement[bool]:
    requests = select(Approval.id).where(Approval.seen_by(person)).correlate(None)
    projects = select(Project.id).where(Project.seen_by(person), Project.trashed_at.is_(None)).correlate(None)
    emergencies = select(Emergency.id).where(Emergency.seen_by(person)).correlate(None)
    inside = [each.workspace_id for each in person.memberships if not each.external]
    return or_(
        Task.seen_by(person),
        Notification.approval_id.in_(requests),
        Notification.project_id.in_(projects),
        Notification.emergency_id.in_(emergencies),
        and_(Notification.kind.in_(OF_THEIR_OWN), Notification.workspace_id.in_(inside)),
    )


def _muted_by(person: User) -> ColumnElement[bool]:
    about = or_(
        Mute.task_id == Notification.task_id,
        Mute.project_id == Notification.project_id,
        and_(Notification.task_id.is_not(None), Mute.project_id == Task.project_id),
    )
    return select(Mute.id).where(Mute.user_id == person.id, about).correlate(Notification, Task).exists()


def digests_due() -> list[int]:
    """Whose hour has come today, where the person lives, and who was not written to yet today."""
    return _due_of()


def _due_of(*of_these: ColumnElement[bool]) -> list[int]:
    last = select(func.max(Digest.until_on)).where(Digest.user_id == User.id).scalar_subquery()
    wished = select(Preference.user_id).where(Preference.mail == "digest")
    people = select(User, last).where(User.active, User.digest != "off", User.id.in_(wished), *of_these)
    found = []
    for user, last_on in db.session.execute(people.order_by(User.id)):
        local = clock.now().astimezone(ZoneInfo(user.timezone))
        on_day = user.digest == "daily" or local.weekday() == user.digest_weekday
        if on_day and local.time() >= user.digest_at and (last_on is None or last_on < local.date()):
            found.append(user.id)
    return found


def write_digest(user_id: int) -> None:
    """Takes what is unread since the last one; a day on which there is nothing has its row too, but no mail."""
    user = db.session.get_one(User, user_id, with_for_update={"of": User})
    if not _due_of(User.id == user_id):
        return  # somebody else wrote it in this very moment
    now = clock.now()
    last = db.session.scalar(select(func.max(Digest.until)).where(Digest.user_id == user.id))
    since = max(last or now - REACHES_BACK[user.digest], now - FURTHEST_BACK)
    digest = Digest(user=user, since=since, until=now, until_on=now.astimezone(ZoneInfo(user.timezone)).date())
    db.session.add(digest)
    db.session.flush()
    if db.session.scalar(notices_in(digest).limit(1)):
        digest.deliveries.append(Delivery(medium="mail"))


def notices_in(digest: Digest) -> Select[Notification]:
    """The newest first; by the rights and the choices of the moment of asking."""
    chosen = {topic for topic, each in Preference.all_of(digest.user).items() if each.mail == "digest"}
    kinds = [kind for kind, topic in TOPIC_OF.items() if topic in chosen]
    within = Notification.created_at > digest.since, Notification.created_at <= digest.until
    drills = select(Project.id).where(Project.drill), select(Emergency.id).where(Emergency.drill)
    real = (
        func.coalesce(Notification.project_id, Task.project_id, 0).not_in(drills[0]),
        func.coalesce(Notification.emergency_id, 0).not_in(drills[1]),
    )
    unread = notices_of(digest.user).where(Notification.read_at.is_(None), Notification.kind.in_(kinds), *within, *real)
    return unread.order_by(Notification.created_at.desc(), Notification.id.desc())
