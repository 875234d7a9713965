from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.checklist import ChecklistItem
    from linkstar.models.task import Task

EVIDENCE = ("file", "url", "number", "text", "photo", "date")


class Evidence(Base):
    """What shows that an item is fulfilled, or the deliverable that a task was done for. Newer evidence replaces
    older, which stays readable. Of a file its name, size and SHA-256 are kept; its bytes lie in the storage."""

    __tablename__ = "evidence"
    __table_args__ = (
        CheckConstraint(f"kind in {EVIDENCE}", name="kind"),
        Index("ix_evidence_item_replaced", "item_id", "replaced_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("checklist_item.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8))
    value: Mapped[str | None] = mapped_column(Text)  # what was written: an address, a number, a day, a text
    file_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    file_name: Mapped[str | None] = mapped_column(String(200))
    media_type: Mapped[str | None] = mapped_column(String(100))
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    given_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    given_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    replaced_at: Mapped[datetime | None] = mapped_column(Instant)

    task: Mapped["Task | None"] = relationship(back_populates="evidence")  # None on the list of a stage
    item: Mapped["ChecklistItem | None"] = relationship(back_populates="evidence")  # None: the task's deliverable
    given_by: Mapped[User] = relationship()

    @property
    def words(self) -> str:
        """What is to be seen of it in a line: the file's name, or what was written."""
        return self.file_name or self.value or ""
