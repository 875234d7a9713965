from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.approval import Approval
    from linkstar.models.comment import Comment
    from linkstar.models.handover_note import HandoverNote
    from linkstar.models.mailed_link import MailedLink
    from linkstar.models.task import Task

KINDS = (
    "assigned", "mentioned", "commented", "unblocked", "staffed", "waiver_asked", "waiver_decided", "approval_asked",
    "approval_decided", "handed_over",
)  # fmt: skip
MAILED = (
    "assigned",
    "mentioned",
    "unblocked",
    "staffed",
    "waiver_asked",
    "waiver_decided",
    "approval_asked",
    "approval_decided",
    "handed_over",
)  # a watcher is told in the inbox only


class Notification(Base):
    """One row in a person's inbox."""

    __tablename__ = "notification"
    __table_args__ = (Index("ix_notification_inbox", "user_id", "read_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id", ondelete="CASCADE"), index=True)
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    handover_note_id: Mapped[int | None] = mapped_column(ForeignKey("handover_note.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(Instant)

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    actor: Mapped[User] = relationship(foreign_keys=[actor_id], lazy="joined", innerjoin=True)
    task: Mapped["Task"] = relationship()  # None where the notice is about an approval
    approval: Mapped["Approval | None"] = relationship()
    comment: Mapped["Comment | None"] = relationship()
    handover_note: Mapped["HandoverNote | None"] = relationship()
    deliveries: Mapped[list["Delivery"]] = relationship(back_populates="notification", cascade="all, delete-orphan")

    @property
    def still_blocked_by(self) -> int:
        """How many blocking tasks stand in front of the task now, where the notice is about that."""
        return len(self.task.blocked_by()) if self.kind == "unblocked" else 0


class Delivery(Base):
    """A notification, or a link that somebody gets by mail, on its way out of the program by one channel. The row is
    the queue: whoever sends it claims it first for the length of a lease, so that a killed worker's delivery is taken
    up again and none goes twice."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("notification_id", "channel"),
        CheckConstraint("(notification_id IS NULL) <> (mailed_link_id IS NULL)", name="of_one"),
        Index("ix_delivery_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notification_id: Mapped[int | None] = mapped_column(ForeignKey("notification.id", ondelete="CASCADE"))
    mailed_link_id: Mapped[int | None] = mapped_column(ForeignKey("mailed_link.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str] = mapped_column(String(10), default="mail")
    state: Mapped[str] = mapped_column(String(8), default="due")  # due, sent, failed
    due_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    error: Mapped[str | None] = mapped_column(Text)

    notification: Mapped[Notification | None] = relationship(back_populates="deliveries")
    mailed_link: Mapped["MailedLink | None"] = relationship(back_populates="deliveries")


def notify(user: User, kind: str, *, by: User, task: "Task", **about: Any) -> None:
    """Tells a person of something about a task: of a `comment`, or a `handover_note`. Nobody is told of what he did
    himself, or of what happens in the draft of a template."""
    if user.id != by.id and not task.project.draft_of_id:
        _tell(user, kind, workspace_id=task.workspace_id, actor=by, task=task, **about)


def notify_of_approval(user: User, kind: str, *, by: User, approval: "Approval") -> None:
    if user.id != by.id:
        _tell(user, kind, workspace_id=approval.workspace_id, actor=by, approval=approval)


def _tell(user: User, kind: str, **values: Any) -> None:
    """Puts a row into the person's inbox, and for some kinds one on its way by mail; a creator has no inbox."""
    mailed = kind in MAILED or user.only_creates
    deliveries = [Delivery(channel="mail")] if mailed else []
    db.session.add(Notification(kind=kind, user=user, deliveries=deliveries, **values))
    db.session.info["notified"] = True
