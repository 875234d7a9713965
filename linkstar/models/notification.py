from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.approval import Approval
    from linkstar.models.automation import Automation
    from linkstar.models.channel import Channel, Post
    from linkstar.models.comment import Comment
    from linkstar.models.emergency import Emergency
    from linkstar.models.handover_note import HandoverNote
    from linkstar.models.mailed_link import MailedLink
    from linkstar.models.project import Project
    from linkstar.models.reminder import Reminder
    from linkstar.models.task import Task

TOPIC_OF = {  # kind → what the reader can choose about; a kind without a choice of its own goes with another
    "assigned": "assigned",
    "staffed": "assigned",
    "mentioned": "mentioned",
    "commented": "commented",
    "changed": "changed",
    "unblocked": "unblocked",
    "held": "unblocked",
    "released": "unblocked",
    "handed_over": "handed_over",
    "waiver_asked": "approval",
    "waiver_decided": "approval",
    "approval_asked": "approval",
    "approval_decided": "approval",
    "due": "due",
    "overdue": "overdue",
    "escalated": "overdue",
    "started": "started",
    "gate": "gate",
    "approval": "approval",
    "expiring": "expiring",
    "cutoff": "cutoff",
    "idle": "idle",
    "emergency": "emergency",
    "emergency_reopened": "emergency",
    "emergency_over": "emergency",
    "channel_failed": "channel",
    "automation": "mentioned",
    "automation_stopped": "channel",
    "automation_paused": "channel",
}
BY_NAME = ("assigned", "mentioned", "approval_asked", "approval_decided", "waiver_asked", "emergency")  # past a mute
URGENT = ("emergency", "emergency_reopened", "emergency_over", "held")


class Notification(Base):
    """One row in a person's inbox. Some changes of one task that were not read yet are one row, with all the fields."""

    __tablename__ = "notification"
    __table_args__ = (Index("ix_notification_inbox", "user_id", "read_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))  # None: the program reminds
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id", ondelete="CASCADE"), index=True)
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    handover_note_id: Mapped[int | None] = mapped_column(ForeignKey("handover_note.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    reminder_id: Mapped[int | None] = mapped_column(ForeignKey("reminder.id", ondelete="CASCADE"), index=True)
    emergency_id: Mapped[int | None] = mapped_column(ForeignKey("emergency.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    fields: Mapped[list[str]] = mapped_column(JSON, default=list)  # of a task that changed: which
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(Instant)

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    actor: Mapped[User | None] = relationship(foreign_keys=[actor_id], lazy="joined")
    task: Mapped["Task | None"] = relationship()
    project: Mapped["Project | None"] = relationship()  # of a notice about a project as a whole
    reminder: Mapped["Reminder | None"] = relationship()
    emergency: Mapped["Emergency | None"] = relationship()
    approval: Mapped["Approval | None"] = relationship()
    comment: Mapped["Comment | None"] = relationship()
    handover_note: Mapped["HandoverNote | None"] = relationship()
    deliveries: Mapped[list["Delivery"]] = relationship(back_populates="notification", cascade="all, delete-orphan")

    if TYPE_CHECKING:
        urgent: Mapped[bool]  # neither quiet hours nor a digest hold it; what makes it so, emergency.py says

    @property
    def still_blocked_by(self) -> int:
        """How many blocking tasks stand in front of the task now, where the notice is about that."""
        return len(self.task.blocked_by()) if self.kind == "unblocked" and self.task else 0

    @property
    def for_creator(self) -> bool:
        """Its reader is a creator in the workspace that it comes from, whatever the reader is elsewhere."""
        return self.user.creates_in(self.workspace_id)

    @property
    def of_drill(self) -> bool:
        """It is told in the inbox, and nowhere else."""
        about = self.emergency or (self.task.project if self.task else self.project)
        return about is not None and about.drill

    @property
    def of_an_hour(self) -> bool:
        """It is told at its own moment, by itself."""
        return self.task is not None and self.task.due_at is not None

    @property
    def topic(self) -> str:
        return TOPIC_OF[self.kind]

    @property
    def place(self) -> tuple[str, dict[str, Any]]:
        """The page that it leads to: its endpoint, and what stands in its address."""
        if self.kind == "channel_failed":
            return "channels.index", {"workspace": self.workspace_id}
        if self.kind in ("automation_stopped", "automation_paused"):
            return "automations.index", {"workspace": self.workspace_id}
        if self.emergency_id:
            return "emergencies.show", {"emergency_id": self.emergency_id}
        if self.approval_id:
            return "approvals.show", {"approval_id": self.approval_id}
        if self.task_id is None and self.project_id:
            return "projects.board.show", {"project_id": self.project_id}
        return "tasks.show", {"task_id": self.task_id or 0}


CARRIED = ("notification", "mailed_link", "digest", "post")


class Delivery(Base):
    """A notice, a link that somebody gets by mail, a digest, or a post to a channel, on its way out of the program.
    The row is the queue: whoever sends it claims it first for the length of a lease, so that a killed worker's
    delivery is taken up again; outside it may then arrive twice, with one idempotency key."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("notification_id", "medium"),
        CheckConstraint(
            " + ".join(f"(CASE WHEN {each}_id IS NULL THEN 0 ELSE 1 END)" for each in CARRIED) + " = 1",
            name="of_one",
        ),
        Index("ix_delivery_due", "state", "due_at"),
        NUMBERED_ONCE,  # whoever has got a message knows it by this number
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notification_id: Mapped[int | None] = mapped_column(ForeignKey("notification.id", ondelete="CASCADE"))
    mailed_link_id: Mapped[int | None] = mapped_column(ForeignKey("mailed_link.id", ondelete="CASCADE"), index=True)
    digest_id: Mapped[int | None] = mapped_column(ForeignKey("digest.id", ondelete="CASCADE"), index=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), index=True)
    carrier_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id", ondelete="SET NULL"), index=True)
    medium: Mapped[str] = mapped_column(String(10), default="mail")  # mail, push, channel
    state: Mapped[str] = mapped_column(String(8), default="due")  # due, sent, dropped, failed
    due_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    error: Mapped[str | None] = mapped_column(Text)

    notification: Mapped[Notification | None] = relationship(back_populates="deliveries")
    mailed_link: Mapped["MailedLink | None"] = relationship(back_populates="deliveries")
    digest: Mapped["Digest | None"] = relationship(back_populates="deliveries")
    post: Mapped["Post | None"] = relationship(back_populates="deliveries")

    @property
    def idempotency_key(self) -> str:
        """The same at every try, so that whoever gets it twice can tell."""
        return f"delivery-{self.id}"

    @property
    def notice_ids(self) -> Select[int | None]:
        """Its own and those that ride with it: whatever of them is still to be told goes out in its message, under its
        number, also where its own is not."""
        riding = and_(Delivery.carrier_id == self.id, Delivery.state == "due")
        return select(Delivery.notification_id).where(or_(Delivery.id == self.id, riding))


class Digest(Base):
    """What a person was told of in one mail instead of many: the notices of a day or a week."""

    __tablename__ = "digest"
    __table_args__ = (UniqueConstraint("user_id", "until_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime] = mapped_column(Instant)
    until_on: Mapped[date]  # the reader's own day; one a day

    user: Mapped[User] = relationship()
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="digest", cascade="all, delete-orphan")


def notify(user: User, kind: str, *, by: User | None, task: "Task", **about: Any) -> None:
    """Tells a person of something about a task: of a `comment`, a `handover_note` or a `reminder`. Nobody is told of
    what he did himself, or of what happens in the draft of a template. Without `by` the program tells."""
    if (by is None or user.id != by.id) and not task.project.draft_of_id:
        _tell(user, kind, workspace_id=task.workspace_id, actor=by, task=task, **about)


def notify_of_project(user: User, kind: str, *, by: User | None, project: "Project", **about: Any) -> None:
    if (by is None or user.id != by.id) and not project.draft_of_id:
        _tell(user, kind, workspace_id=project.workspace_id, actor=by, project=project, **about)


def notify_of_approval(user: User, kind: str, *, by: User | None, approval: "Approval", **about: Any) -> None:
    if by is None or user.id != by.id:
        _tell(user, kind, workspace_id=approval.workspace_id, actor=by, approval=approval, **about)


def notify_of_emergency(
    user: User, kind: str = "emergency", *, by: User | None, emergency: "Emergency", **about: Any
) -> None:
    """Whoever declared it is told as well: that legal has heard of it is to be seen in his inbox too."""
    _tell(user, kind, workspace_id=emergency.workspace_id, actor=by, emergency=emergency, **about)


def notify_of_channel(user: User, channel: "Channel") -> None:
    """That a channel of the person's takes no messages, and why; its name is kept, for it may be gone when this is
    read."""
    project: dict[str, Any] = {"project_id": channel.project_id}
    fields = [each for each in (channel.name, channel.what_is_wrong) if each]
    _tell(user, "channel_failed", workspace_id=channel.workspace_id, actor=None, fields=fields, **project)


def notify_of_automation(user: User, kind: str, automation: "Automation", others: Iterable[str] = ()) -> None:
    """That an automation of the person's was switched off, and which `others` with it; the names are kept, for they
    may be gone when this is read."""
    project: dict[str, Any] = {"project_id": automation.project_id}
    names = [automation.name, *others]
    _tell(user, kind, workspace_id=automation.workspace_id, actor=None, fields=names, **project)


def _tell(user: User, kind: str, in_inbox_only: bool = False, **values: Any) -> None:
    """Puts a row into the person's inbox, and one on its way by each medium that could carry it; whether the reader
    wants it so, and when, is asked when it goes out. A creator has no inbox."""
    media: tuple[str, ...] = ("mail", "push") if user.pushes else ("mail",)
    media = () if in_inbox_only else media
    of_an_hour = "task" in values and values["task"].due_at  # told at its own moment, by itself
    together = bool(values.get("reminder")) and not of_an_hour
    deliveries = [
        Delivery(medium=medium, carrier_id=_carrier_to(user, medium) if together else None) for medium in media
    ]
    db.session.add(Notification(kind=kind, user=user, deliveries=deliveries, **values))
    db.session.info["notified"] = True


def _carrier_to(user: User, medium: str) -> int | None:
    """What the person is reminded of in a morning goes out in one message, that of the first; as long as nobody has
    taken it in hand, which the lock on its row keeps so until this one is written."""
    waiting = (
        select(Delivery.id)
        .join(Delivery.notification)
        .where(Notification.user_id == user.id, Notification.reminder_id.is_not(None), Delivery.medium == medium)
        .where(Delivery.state == "due", Delivery.tries == 0, Delivery.carrier_id.is_(None))
        .where(~Notification.urgent, or_(Notification.task_id.is_(None), Notification.task.has(due_at=None)))
        .order_by(Delivery.id)
        .limit(1)
    )
    return db.session.scalar(waiting.with_for_update(of=Delivery))
