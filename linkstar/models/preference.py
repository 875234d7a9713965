from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.user import SignIn, User, usual_of

if TYPE_CHECKING:
    from linkstar.models.project import Project
    from linkstar.models.task import Task

MAILS = ("now", "digest", "off")
TOPICS = {  # what a person can choose about, and how it comes by mail where nothing was chosen; the inbox has it all
    "assigned": "now",
    "mentioned": "now",
    "approval": "now",
    "due": "now",
    "overdue": "now",
    "unblocked": "now",
    "gate": "now",
    "handed_over": "now",
    "expiring": "now",
    "cutoff": "now",
    "idle": "now",
    "channel": "now",
    "emergency": "now",
    "started": "off",
    "commented": "off",
    "changed": "off",
}
INSIDE_ONLY = ("channel", "emergency")  # of which nobody outside is ever told
NOT_FOR_CREATORS = ("changed", "started")  # without an inbox they get the rest by mail, until they say no


class Preference(Base):
    """How a person wants to hear of one topic, where that differs from what is usual."""

    __tablename__ = "preference"
    __table_args__ = (CheckConstraint(f"mail in {MAILS}", name="mail"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(20), primary_key=True)
    mail: Mapped[str] = mapped_column(String(8))
    push: Mapped[bool] = mapped_column(default=True)

    @classmethod
    def of(cls, user: User, topic: str) -> Self:
        return db.session.get(cls, (user.id, topic)) or cls._usual(user, topic)

    @classmethod
    def all_of(cls, user: User) -> dict[str, Self]:
        """Topic → how the person wants to hear of it, chosen or usual, in the order of the topics."""
        chosen = {each.topic: each for each in db.session.scalars(select(cls).where(cls.user_id == user.id))}
        return {topic: chosen.get(topic) or cls._usual(user, topic) for topic in TOPICS}

    @classmethod
    def _usual(cls, user: User, topic: str) -> Self:
        return cls(user_id=user.id, topic=topic, mail=cls.usual_mail(user, topic), push=True)

    @staticmethod
    def usual_mail(user: User, topic: str) -> str:
        if user.only_creates:
            return "off" if topic in NOT_FOR_CREATORS else "now"
        return TOPICS[topic]

    @classmethod
    def choose(cls, user: User, topic: str, *, mail: str | None = None, push: bool | None = None) -> None:
        """What is not said stays as it is. What is usual needs no row, so that it follows where the usual changes."""
        row, usual = cls.of(user, topic), cls._usual(user, topic)
        chosen = {"mail": mail or row.mail, "push": row.push if push is None else push}
        if (row.mail, row.push) == tuple(chosen.values()):
            return
        if (usual.mail, usual.push) == tuple(chosen.values()):
            db.session.execute(delete(cls).where(cls.user_id == user.id, cls.topic == topic))
            return
        fresh = _insert(cls).values(user_id=user.id, topic=topic, **chosen)
        db.session.execute(fresh.on_conflict_do_update(index_elements=["user_id", "topic"], set_=chosen))
        if row in db.session:
            db.session.expire(row)

    @classmethod
    def reset(cls, user: User) -> None:
        """All as it is usual: topics, quiet hours, digest. What is muted stays muted."""
        db.session.execute(delete(cls).where(cls.user_id == user.id))
        for name in ("quiet_from", "quiet_until", "digest", "digest_at", "digest_weekday"):
            setattr(user, name, usual_of(name))


class Mute(Base):
    """A person wants to hear nothing of a project, or of one task, but what is said to the person by name."""

    __tablename__ = "mute"
    __table_args__ = (
        CheckConstraint("(project_id IS NULL) <> (task_id IS NULL)", name="of_one"),
        Index("ix_mute_of_project", "user_id", "project_id", unique=True),
        Index("ix_mute_of_task", "user_id", "task_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    task: Mapped["Task | None"] = relationship()
    project: Mapped["Project | None"] = relationship()

    @classmethod
    def of(cls, user: User) -> Select[Self]:
        return select(cls).where(cls.user_id == user.id).order_by(cls.id)

    @classmethod
    def write(cls, user: User, *, task: "Task | None" = None, project: "Project | None" = None) -> None:
        """Of one task, or of a project with all its tasks. Twice is once."""
        about = task or project
        assert about
        what = {"task_id": task.id} if task else {"project_id": about.id}
        row = _insert(cls).values(workspace_id=about.workspace_id, user_id=user.id, **what)
        db.session.execute(row.on_conflict_do_nothing())


class PushSubscription(Base):
    """A browser that shows notices of its own, also while no page of ours is open; as long as the person is signed in
    there."""

    __tablename__ = "push_subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    sign_in_id: Mapped[int] = mapped_column(ForeignKey("sign_in.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(String(1000), unique=True)
    public_key: Mapped[str] = mapped_column(String(100))  # p256dh and auth, as the browser gave them
    auth: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    @classmethod
    def of(cls, user: User) -> list[Self]:
        signed_in = select(SignIn.id).where(SignIn.expires_at > clock.now())
        here = cls.user_id == user.id, cls.sign_in_id.in_(signed_in)
        return list(db.session.scalars(select(cls).where(*here).order_by(cls.id)))

    @classmethod
    def write(cls, user: User, token: str, endpoint: str, public_key: str, auth: str) -> None:
        """This browser, where the person is signed in by the token, shows notices of this person from now on, and of
        nobody who used it before."""
        sign_in = db.session.scalars(select(SignIn.id).where(SignIn.token_hash == SignIn.digest(token))).one()
        values = {"user_id": user.id, "sign_in_id": sign_in, "public_key": public_key, "auth": auth}
        row = _insert(cls).values(endpoint=endpoint, **values)
        db.session.execute(row.on_conflict_do_update(index_elements=["endpoint"], set_=values))
        user.pushes = True

    @classmethod
    def forget(cls, endpoint: str) -> None:
        """It shows nothing any more; whoever has no other browser is pushed nothing."""
        gone = delete(cls).where(cls.endpoint == endpoint).returning(cls.user_id)
        user_id = db.session.scalar(gone)
        if user_id is not None:
            user = db.session.get_one(User, user_id)
            user.pushes = bool(cls.of(user))


def _insert(model: Any) -> Any:
    """One that can say what becomes of a row that somebody else wrote at the same moment."""
    return (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert(model)
