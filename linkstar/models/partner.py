from datetime import datetime, time

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from linkstar import clock
from linkstar.extensions import Base, Instant


class Partner(Base):
    """A company on the other side (laboratory, agency, warehouse): where it is, when it works, how fast it answers."""

    __tablename__ = "partner"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    timezone: Mapped[str] = mapped_column(String(64), default="America/Los_Angeles")
    works_from: Mapped[time] = mapped_column(default=time(9))  # where the partner is
    works_until: Mapped[time] = mapped_column(default=time(18))
    answer_days: Mapped[int] = mapped_column(default=1)  # working days on its side until it usually answers
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
