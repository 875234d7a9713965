from datetime import date, datetime
from hashlib import sha256
from typing import Any, Self

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import in_both, record
from linkstar.models.user import User
from linkstar.models.workspace import Workspace


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

    @classmethod
    def add(cls, workspace_id: int, values: dict[str, Any], *, by: User) -> Self:
        """A day of the workspace's own."""
        row = cls(workspace_id=workspace_id, **values)
        db.session.add(row)
        db.session.flush()
        row._record("calendar_event.added", row._title(), {name: (None, getattr(row, name)) for name in values}, by)
        return row

    @classmethod
    def overlay(
        cls, workspace_id: int, pack_event: str, year: int, values: dict[str, Any], *, title: dict[str, str | None],
        by: User,
    ) -> None:  # fmt: skip
        """What the workspace says of one of the pack's days in one year, in full; a second word replaces the first.
        `title` is what the pack calls it."""
        db.session.get_one(Workspace, workspace_id).hold()
        here = cls.workspace_id == workspace_id, cls.pack_event == pack_event, cls.year == year
        row = db.session.scalar(select(cls).where(*here))
        if row is None:
            row = cls(workspace_id=workspace_id, pack_event=pack_event, year=year)
            db.session.add(row)
        row.edit(values, title=title, by=by)

    def edit(self, values: dict[str, Any], *, title: dict[str, str | None] | None = None, by: User) -> None:
        changes = {name: (getattr(self, name), value) for name, value in values.items() if getattr(self, name) != value}
        for name, (_old, new) in changes.items():
            setattr(self, name, new)
        if changes:
            self._record("calendar_event.edited", title or self._title(), changes, by)

    @property
    def fingerprint(self) -> str:
        """Of all that a form of it shows."""
        names = ("kind", "name_zh", "name_en", "note_zh", "note_en", "first_on", "last_on", "sensitive", "hidden")
        return sha256(repr([str(getattr(self, name)) for name in names]).encode()).hexdigest()[:16]

    def remove(self, *, title: dict[str, str | None] | None = None, by: User) -> None:
        """Gone; one of the pack's days goes by its rule again."""
        db.session.delete(self)
        action = "calendar_event.reset" if self.pack_event else "calendar_event.removed"
        self._record(action, title or self._title(), {}, by)

    def _title(self) -> dict[str, str | None]:
        return in_both(self.name_zh, self.name_en)

    def _record(self, action: str, title: dict[str, str | None], changes: dict[str, Any], by: User) -> None:
        changes = {name: pair for name, pair in changes.items() if any(value not in (None, False) for value in pair)}
        record(action, by=by, workspace_id=self.workspace_id, changes={"title": (title, title)} | changes)
