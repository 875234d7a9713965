from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.task import Task
from linkstar.models.user import User


class Checklist(Base):
    """A list of things to tick off on a task."""

    __tablename__ = "checklist"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    title_zh: Mapped[str | None] = mapped_column(String(120))
    title_en: Mapped[str | None] = mapped_column(String(120))
    position: Mapped[int] = mapped_column(default=0)

    task: Mapped[Task] = relationship(back_populates="checklists")
    items: Mapped[list["ChecklistItem"]] = relationship(
        order_by="ChecklistItem.position", back_populates="checklist", cascade="all, delete-orphan"
    )

    @classmethod
    def of(cls, task: Task, *, by: User) -> Self:
        """The task's own list, made when the first item is written."""
        own = next((checklist for checklist in task.checklists if not checklist.title_zh), None)
        if own is None:
            own = cls(position=len(task.checklists))
            task.checklists.append(own)
            db.session.flush()
            record("checklist.added", by=by, task=task)
        return own  # type: ignore[return-value]

    def add(self, text_zh: str | None, text_en: str | None, *, required: bool = False) -> "ChecklistItem":
        item = ChecklistItem(text_zh=text_zh, text_en=text_en, required=required, position=len(self.items))
        self.items.append(item)
        self.task.check_count += 1
        return item


class ChecklistItem(Base):
    __tablename__ = "checklist_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    checklist_id: Mapped[int] = mapped_column(ForeignKey("checklist.id", ondelete="CASCADE"), index=True)
    text_zh: Mapped[str | None] = mapped_column(String(400))
    text_en: Mapped[str | None] = mapped_column(String(400))
    required: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int]
    ticked_at: Mapped[datetime | None] = mapped_column(Instant)
    ticked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    checklist: Mapped[Checklist] = relationship(back_populates="items")
    ticked_by: Mapped[User | None] = relationship()

    @classmethod
    def write(cls, task: Task, text: str, *, by: User) -> "ChecklistItem":
        """Adds an item to the task's own list."""
        task.redraw()
        item = Checklist.of(task, by=by).add(text, None)
        db.session.flush()
        record("checklist_item.added", by=by, task=task, changes={"item": (None, text)})
        return item

    def tick(self, *, by: User) -> None:
        self._set(clock.now(), by)

    def untick(self, *, by: User) -> None:
        self._set(None, by)

    def _set(self, ticked_at: datetime | None, by: User) -> None:
        task = self.checklist.task
        task.redraw()
        if bool(ticked_at) == bool(self.ticked_at):
            return
        self.ticked_at, self.ticked_by = ticked_at, by if ticked_at else None
        task.checked_count += 1 if ticked_at else -1
        action = "checklist_item.ticked" if ticked_at else "checklist_item.unticked"
        name = self.text_zh or self.text_en
        record(action, by=by, task=task, changes={"item": (name, name)})
