import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.task import Task


class Attachment(Base):
    """A file on a task, in one or more versions. Inside the team unless it is shared; what an outsider sends is
    always shared."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_task_trashed", "task_id", "trashed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    added_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    trashed_at: Mapped[datetime | None] = mapped_column(Instant)

    task: Mapped["Task"] = relationship(back_populates="attachments")
    added_by: Mapped[User] = relationship()
    versions: Mapped[list["AttachmentVersion"]] = relationship(
        order_by="AttachmentVersion.number", back_populates="attachment", cascade="all, delete-orphan"
    )


class AttachmentVersion(Base):
    """The bytes of an attachment as somebody sent them. The name is that of the sender's file."""

    __tablename__ = "attachment_version"
    __table_args__ = (UniqueConstraint("attachment_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachment.id", ondelete="CASCADE"))
    number: Mapped[int]
    file_key: Mapped[str] = mapped_column(String(80), unique=True)
    preview_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    file_name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    sent_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    sent_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    attachment: Mapped[Attachment] = relationship(back_populates="versions")
    sent_by: Mapped[User] = relationship()


class Upload(Base):
    """A file on its way in, piece by piece, so that a broken line costs nothing. Its bytes grow in the storage."""

    __tablename__ = "upload"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: secrets.token_urlsafe(16))
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachment.id", ondelete="CASCADE"))  # a new version
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    file_name: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    shared: Mapped[bool] = mapped_column(default=False)
    file_key: Mapped[str] = mapped_column(String(80), unique=True)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # what the storage keeps of a growing file
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    task: Mapped["Task"] = relationship()
    attachment: Mapped[Attachment | None] = relationship()
    user: Mapped[User] = relationship()
