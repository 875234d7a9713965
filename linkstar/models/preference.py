from datetime import datetime
from typing import Self

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.user import User

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
        return db.session.get(cls, (user.id, topic)) or cls(user_id=user.id, topic=topic, mail=TOPICS[topic], push=True)


class Mute(Base):
    """A person wants to hear nothing of a project, or of one task, but what is said to the person by name."""

    __tablename__ = "mute"
    __table_args__ = (
        CheckConstraint("(project_id IS NULL) <> (task_id IS NULL)", name="of_one"),
        Index("ix_mute_of", "user_id", "project_id", "task_id", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)


class PushSubscription(Base):
    """A browser that shows notices of its own, also while no page of ours is open."""

    __tablename__ = "push_subscription"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(String(1000), unique=True)
    public_key: Mapped[str] = mapped_column(String(100))  # p256dh and auth, as the browser gave them
    auth: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    @classmethod
    def of(cls, user: User) -> list[Self]:
        return list(db.session.scalars(select(cls).where(cls.user_id == user.id).order_by(cls.id)))
