from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.project import Project
from linkstar.models.sealed import Sealed
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.notification import Delivery
    from linkstar.models.task import Task

KINDS = ("slack", "feishu", "wecom", "dingtalk", "webhook")
EVENTS = (  # what a channel can be told of; the names are those of the webhooks
    "task.created", "task.moved", "task.completed", "task.overdue", "task.unblocked", "gate.passed", "gate.waiting",
    "project.created", "project.idle", "approval.asked", "compliance.expiring", "cutoff.near", "content.published",
    "emergency.declared", "emergency.acknowledged", "emergency.closed",
)  # fmt: skip


class Channel(Base):
    """A place outside where a team wants to hear of what happens: the robot of a group chat, or an address that takes
    signed JSON. It tells what its owner may see of one project, or of all; no field that is not everybody's."""

    __tablename__ = "channel"
    __table_args__ = (CheckConstraint(f"kind in {KINDS}", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(2), default="zh")
    address: Mapped[str] = mapped_column(Sealed("channel address"))
    secret: Mapped[str | None] = mapped_column(Sealed("channel secret"))  # what its messages are signed with
    events: Mapped[list[str]] = mapped_column(JSON, default=list)
    drills: Mapped[bool] = mapped_column(default=False)  # takes the messages of drills, and those alone
    active: Mapped[bool] = mapped_column(default=True)
    trouble: Mapped[str | None] = mapped_column(Text)  # what the other side said last, where it did not take a message
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    owner: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()


class Post(Base):
    """One thing that one channel is told, once."""

    __tablename__ = "post"
    __table_args__ = (UniqueConstraint("channel_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(80))  # what it is about: event:123 of the trail, reminder:45, test:…
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    emergency_id: Mapped[int | None] = mapped_column(ForeignKey("emergency.id", ondelete="CASCADE"), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # what cannot be read from the records later
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    channel: Mapped[Channel] = relationship()
    task: Mapped["Task | None"] = relationship()
    project: Mapped[Project | None] = relationship()
    deliveries: Mapped[list["Delivery"]] = relationship(back_populates="post", cascade="all, delete-orphan")
