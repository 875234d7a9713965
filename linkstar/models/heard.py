from sqlalchemy import ForeignKey, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from linkstar.extensions import Base, db
from linkstar.models.audit_event import AuditEvent, AuditLink


class Heard(Base):
    """How far a workspace's trail was read by those who act on it: channels and automations. The links of the chain
    are in the order in which the changes were committed, so none slips by."""

    __tablename__ = "heard"

    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), primary_key=True)
    link_id: Mapped[int] = mapped_column(default=0)

    @classmethod
    def waiting(cls) -> list[int]:
        """The workspaces whose trail has gone on."""
        further = AuditLink.workspace_id == cls.workspace_id, AuditLink.id > cls.link_id
        return list(db.session.scalars(select(cls.workspace_id).where(select(AuditLink.id).where(*further).exists())))

    @classmethod
    def begin(cls, workspace_id: int) -> None:
        """From here on somebody listens there: to what comes, and to nothing of the past."""
        if db.session.get(cls, workspace_id) is None:
            insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
            head = select(func.coalesce(func.max(AuditLink.id), 0)).where(AuditLink.workspace_id == workspace_id)
            row = insert(cls).values(workspace_id=workspace_id, link_id=head.scalar_subquery())
            db.session.execute(row.on_conflict_do_nothing())

    @classmethod
    def next_of(cls, workspace_id: int, at_once: int) -> list[AuditEvent]:
        """The events that come next, in this transaction nobody else's: who comes second gets none."""
        seen = db.session.scalar(select(cls.link_id).where(cls.workspace_id == workspace_id))
        if seen is None:
            return []
        rows = db.session.execute(
            select(AuditLink.id, AuditEvent)
            .join(AuditEvent, AuditEvent.id == AuditLink.event_id)
            .where(AuditLink.workspace_id == workspace_id, AuditLink.id > seen)
            .order_by(AuditLink.id)
            .limit(at_once)
        ).all()
        if not rows:
            return []
        claimed = db.session.execute(
            update(cls)
            .where(cls.workspace_id == workspace_id, cls.link_id == seen)
            .values(link_id=rows[-1].id)
            .execution_options(synchronize_session=False)
        )
        return [row.AuditEvent for row in rows] if claimed.rowcount else []  # type: ignore[attr-defined]
