from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.role import EXTERNAL_ROLES, GATE_KEEPERS, ROLES, WORKSPACE_KEEPERS
from linkstar.models.user import User
from linkstar.models.workspace import Workspace


class Membership(Base):
    """A person in a workspace, in one role. Whoever leaves has no row any more, so nothing is left to forget; a
    Departure says that it was so."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("workspace_id", "user_id"),
        CheckConstraint(f"role in ({', '.join(repr(role) for role in ROLES)})", name="role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    contact: Mapped[str | None] = mapped_column(Text)  # of a creator: telephone, chat, where samples go
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    workspace: Mapped[Workspace] = relationship(lazy="joined")
    user: Mapped[User] = relationship(back_populates="memberships")

    def scope(self, permission: str) -> str:
        return self.workspace.scope(self.role, permission)

    @property
    def external(self) -> bool:
        return self.role in EXTERNAL_ROLES

    @property
    def keeps_gates(self) -> bool:
        return self.role in GATE_KEEPERS

    @property
    def keeps_workspace(self) -> bool:
        return self.role in WORKSPACE_KEEPERS


class Departure(Base):
    """Somebody left a workspace, and who took over the tasks."""

    __tablename__ = "departure"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    role: Mapped[str] = mapped_column(String(20))
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    successor: Mapped[User | None] = relationship(foreign_keys=[successor_id])
    by: Mapped[User] = relationship(foreign_keys=[by_id])
