from datetime import datetime, time
from hashlib import sha256
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.user import User

FIELDS = ("name", "timezone", "works_from", "works_until", "answer_days")


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

    @classmethod
    def create(cls, workspace_id: int, values: dict[str, Any], *, by: User) -> "Partner":
        partner = cls(workspace_id=workspace_id, **values)
        db.session.add(partner)
        db.session.flush()
        record("partner.added", by=by, workspace_id=workspace_id, changes={"partner": (None, partner.name)})
        return partner

    @property
    def fingerprint(self) -> str:
        """The same for the same values: who saves over another's words is told."""
        return sha256(repr([str(getattr(self, field)) for field in FIELDS]).encode()).hexdigest()[:24]

    def edit(self, values: dict[str, Any], *, by: User, change: str | None = None, undoes: str | None = None) -> None:
        changes = {
            field: (_plain(getattr(self, field)), _plain(values[field]))
            for field in FIELDS
            if getattr(self, field) != values[field]
        }
        if not changes:
            return
        changes["partner"] = (self.name, values["name"])
        for field in FIELDS:
            setattr(self, field, values[field])
        record("partner.edited", by=by, workspace_id=self.workspace_id, changes=changes, change=change, undoes=undoes)

    def take_back(self, told: dict[str, list[Any]], *, by: User, change: str, undoes: str) -> bool:
        """Undoes an edit as the trail tells it; False where somebody has changed the same since."""
        values = {field: getattr(self, field) for field in FIELDS}
        for field, (old, new) in told.items():
            if field not in FIELDS:
                continue
            if _plain(values[field]) != new:
                return False
            values[field] = time.fromisoformat(old) if isinstance(values[field], time) else old
        if values["works_from"] == values["works_until"]:
            return False
        if self.is_taken(self.workspace_id, values["name"], besides=self):
            return False
        self.edit(values, by=by, change=change, undoes=undoes)
        return True

    @classmethod
    def is_taken(cls, workspace_id: int, name: str, *, besides: "Partner | None" = None) -> bool:
        same = select(cls.id).where(cls.workspace_id == workspace_id, cls.name == name)
        return db.session.scalar(same) not in (None, besides and besides.id)

    def remove(self, *, by: User) -> None:
        """Tasks that needed its answers need nobody's."""
        record("partner.removed", by=by, workspace_id=self.workspace_id, changes={"partner": (self.name, None)})
        db.session.delete(self)


def _plain(value: Any) -> Any:
    return f"{value:%H:%M}" if isinstance(value, time) else value
