from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey, String, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.user import User


class Identity(Base):
    """A person as another house knows them, which signs people in for us (OpenID Connect)."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    user: Mapped[User] = relationship()

    @classmethod
    def recognize(cls, issuer: str, subject: str, email: str | None) -> Self | None:
        """Who was sent by another house. The first time a person is known by the address that it vouches for, later
        only by its own number: an address may pass to somebody else. Nobody is made."""
        user = User.at(email) if email else None
        known = or_(cls.subject == subject, cls.user_id == (user.id if user else None))
        rows = db.session.scalars(select(cls).where(cls.issuer == issuer, known)).all()
        found = next((row for row in rows if row.subject == subject), None)
        if found is None and user and not rows:
            found = cls(issuer=issuer, subject=subject, user=user)
            db.session.add(found)
            record("identity.linked", by=user)
        return found if found and found.user.active else None


class RecoveryCode(Base):
    """One of the codes that stand in for a lost second factor; each works once."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(Instant)
