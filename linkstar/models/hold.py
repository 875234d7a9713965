from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar.extensions import Base

if TYPE_CHECKING:
    from linkstar.models.emergency import Emergency
    from linkstar.models.task import Task
    from linkstar.models.user import User


class Hold(Base):
    """A task that may neither start nor be completed: an emergency holds it, until it is closed and the row goes.
    A drill's rows hold nothing; they say what would be held."""

    __tablename__ = "hold"

    emergency_id: Mapped[int] = mapped_column(ForeignKey("emergency.id", ondelete="CASCADE"), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True, index=True)

    emergency: Mapped["Emergency"] = relationship(back_populates="holds")
    task: Mapped["Task"] = relationship()

    @classmethod
    def real(cls) -> ColumnElement[bool]:
        return cls.emergency.has(drill=False)

    @classmethod
    def add_to(cls, task: "Task", *, by: "User") -> list["Emergency"]:
        """Those that hold the task from now on: what they name, emergency.py says."""
        emergency: Any = cls.emergency.property.mapper.class_
        found: list[Emergency] = emergency.hold_added(task, by=by)
        return found
