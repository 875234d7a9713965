from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from linkstar import clock
from linkstar.extensions import Base, Instant


class CalendarEvent(Base):
    """A day of the market that the workspace wrote itself or, where `pack_event` is set, what it says of one of the
    pack's in one year: other days, other words, or that it is not to be shown."""

    __tablename__ = "calendar_event"
    __table_args__ = (
        UniqueConstraint("workspace_id", "pack_event", "year"),
        CheckConstraint("last_on >= first_on", name="in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    pack_event: Mapped[str | None] = mapped_column(String(60))
    year: Mapped[int | None]  # of the pack's event
    kind: Mapped[str] = mapped_column(String(20))
    name_zh: Mapped[str | None] = mapped_column(String(80))
    name_en: Mapped[str | None] = mapped_column(String(80))
    note_zh: Mapped[str | None] = mapped_column(Text)
    note_en: Mapped[str | None] = mapped_column(Text)
    first_on: Mapped[date]
    last_on: Mapped[date]
    sensitive: Mapped[bool] = mapped_column(default=False)  # no cheerful posts
    hidden: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
