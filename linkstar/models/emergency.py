from datetime import datetime
from typing import Self

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Select, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant
from linkstar.models.hold import Hold
from linkstar.models.project import Project
from linkstar.models.user import User

SOURCES = ("button", "webhook", "rule")


class Emergency(Base):
    """A listing was taken down, somebody complains, a product is not safe: declared by a person, by a webhook or by a
    rule. A playbook is laid in hours from the moment of it, legal is told first and has minutes to take it up, and
    tasks that the plan names are on hold until it is closed."""

    __tablename__ = "emergency"
    __table_args__ = (
        CheckConstraint(f"source in {SOURCES}", name="source"),
        Index("ix_emergency_open", "workspace_id", "closed_at"),
        NUMBERED_ONCE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="SET NULL"), index=True)
    about_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="SET NULL"), index=True)
    trigger: Mapped[str] = mapped_column(String(40))  # of the pack's emergency flow
    severity: Mapped[str] = mapped_column(String(4))
    title: Mapped[str] = mapped_column(String(200))  # which listing, which product
    note: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(8), default="button")
    drill: Mapped[bool] = mapped_column(default=False)
    declared_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    declared_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    escalates_at: Mapped[datetime | None] = mapped_column(Instant)  # to the next in line; None: nobody is left, or done
    escalations: Mapped[int] = mapped_column(default=0)
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    retrospective: Mapped[str | None] = mapped_column(Text)

    project: Mapped[Project | None] = relationship(foreign_keys=[project_id])  # the playbook that was laid
    about: Mapped[Project | None] = relationship(foreign_keys=[about_id])  # the launch that it hits
    declared_by: Mapped[User] = relationship(foreign_keys=[declared_by_id])
    acknowledged_by: Mapped[User | None] = relationship(foreign_keys=[acknowledged_by_id])
    closed_by: Mapped[User | None] = relationship(foreign_keys=[closed_by_id])
    holds: Mapped[list[Hold]] = relationship(back_populates="emergency", cascade="all, delete-orphan")

    @classmethod
    def visible_to(cls, user: User) -> Select[Self]:
        return select(cls).where(cls.seen_by(user))

    @classmethod
    def seen_by(cls, user: User) -> ColumnElement[bool]:
        """Everybody inside the workspace: whoever prepares the next shipment has to know."""
        inside = [each.workspace_id for each in user.memberships if not each.external]
        return cls.workspace_id.in_(inside)


class Inlet(Base):
    """An address that other programs may post to: to declare an emergency, or to set automations going. The row holds
    no secret: the token follows from its key and SECRET_KEY and is looked up by its hash."""

    __tablename__ = "inlet"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))  # in whose name, and with whose rights
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(12))  # emergency, automation
    key: Mapped[str] = mapped_column(String(32))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(Instant)

    owner: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()
