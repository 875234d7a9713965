from collections import defaultdict
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from linkstar.extensions import Base, db
from linkstar.models.audit_event import record
from linkstar.models.user import User
from linkstar.planning.working_days import COUNTRIES, ELSEWHERE, WorkingDays


class CalendarDay(Base):
    """A day on which the workspace works, or does not, against the calendar of the country."""

    __tablename__ = "calendar_day"
    __table_args__ = (CheckConstraint(f"country in {COUNTRIES}", name="country"),)

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), primary_key=True)
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    works: Mapped[bool]
    name_zh: Mapped[str | None] = mapped_column(String(60))
    name_en: Mapped[str | None] = mapped_column(String(60))

    @classmethod
    def write(
        cls, workspace_id: int, country: str, day: date, works: bool, *, by: User, name_zh: str | None = None,
        name_en: str | None = None,
    ) -> None:  # fmt: skip
        """Says that the day is worked or not; a second word about a day replaces the first."""
        here = {"workspace_id": workspace_id, "country": country, "day": day}
        row = db.session.get(cls, here)
        old = row.works if row else None
        if row is None:
            row = cls(**here)
            db.session.add(row)
        row.works, row.name_zh, row.name_en = works, name_zh, name_en
        changes = {"country": (country, country), "day": (day, day), "works": (old, works)}
        record("calendar_day.written", by=by, workspace_id=workspace_id, changes=changes)

    def forget(self, *, by: User) -> None:
        """Back to the country's own calendar."""
        db.session.delete(self)
        day = (self.day, self.day)
        changes = {"country": (self.country, self.country), "day": day, "works": (self.works, None)}
        record("calendar_day.forgotten", by=by, workspace_id=self.workspace_id, changes=changes)


def calendars_of(workspace_id: int) -> dict[str, WorkingDays]:
    """The working days of both countries as the workspace keeps them, and the weekdays of everybody else."""
    changes: dict[str, dict[date, bool]] = defaultdict(dict)
    rows = db.session.execute(
        select(CalendarDay.country, CalendarDay.day, CalendarDay.works).where(CalendarDay.workspace_id == workspace_id)
    )
    for row in rows:
        changes[row.country][row.day] = row.works
    return {country: WorkingDays(country, changes[country]) for country in (*COUNTRIES, ELSEWHERE)}
