from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.task import Task
from linkstar.models.user import User


class HandoverNote(Base):
    """What one side of an ocean leaves for the other when it goes home: done, needed, to be decided. It arrives when
    the other side's next working day begins."""

    __tablename__ = "handover_note"
    __table_args__ = (Index("ix_handover_note_due", "delivered_at", "deliver_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    recipient_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    done: Mapped[str | None] = mapped_column(Text)
    needed: Mapped[str | None] = mapped_column(Text)
    decide: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    deliver_at: Mapped[datetime] = mapped_column(Instant)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)

    task: Mapped[Task] = relationship()
    author: Mapped[User] = relationship(foreign_keys=[author_id])
    recipient: Mapped[User] = relationship(foreign_keys=[recipient_id])
