from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from linkstar.extensions import Base


class Dependency(Base):
    """The successor starts after the predecessor is finished, `lag` working days (hours in a plan that counts hours)
    later; a negative lag is an overlap."""

    __tablename__ = "dependency"
    __table_args__ = (CheckConstraint("predecessor_id <> successor_id", name="not_itself"),)

    predecessor_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True, index=True)
    lag: Mapped[float] = mapped_column(default=0)
