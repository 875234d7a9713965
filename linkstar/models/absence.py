from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Self

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.user import User
from linkstar.planning.overlap import Away


class Absence(Base):
    """Days on which a person does not work for a workspace: leave, illness, a fair."""

    __tablename__ = "absence"
    __table_args__ = (
        CheckConstraint("last_on >= first_on", name="in_order"),
        Index("ix_absence_of", "workspace_id", "user_id", "first_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    first_on: Mapped[date]
    last_on: Mapped[date]
    note: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    user: Mapped[User] = relationship()

    @classmethod
    def write(
        cls, workspace_id: int, user: User, first_on: date, last_on: date, *, by: User, note: str | None = None
    ) -> Self:
        """The person is away from the first to the last day. Why is said in the note, and not in the trail."""
        absence = cls(workspace_id=workspace_id, user=user, first_on=first_on, last_on=last_on, note=note)
        db.session.add(absence)
        db.session.flush()
        changes = {"user_id": (None, user.id), "first_on": (None, first_on), "last_on": (None, last_on)}
        record("absence.written", by=by, workspace_id=workspace_id, changes=changes)
        return absence

    @classmethod
    def away(cls, workspace_ids: Collection[int], user_ids: Collection[int]) -> dict[tuple[int, int], Away]:
        """Workspace and person → the leave that is not over. One query, for any number of people."""
        query = select(cls.workspace_id, cls.user_id, cls.first_on, cls.last_on).where(
            cls.workspace_id.in_(workspace_ids), cls.user_id.in_(user_ids),
            cls.last_on >= clock.now().date() - timedelta(days=2),  # wherever they are
        )  # fmt: skip
        found: dict[tuple[int, int], Away] = {}
        for row in db.session.execute(query):
            key = row.workspace_id, row.user_id
            found[key] = (*found.get(key, ()), (row.first_on, row.last_on))
        return found

    def forget(self, *, by: User) -> None:
        """The person is there after all."""
        db.session.delete(self)
        changes = {
            "user_id": (self.user_id, None), "first_on": (self.first_on, None), "last_on": (self.last_on, None),
        }  # fmt: skip
        record("absence.forgotten", by=by, workspace_id=self.workspace_id, changes=changes)
