import secrets
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.project import Project
from linkstar.models.user import User
from linkstar.models.workspace import Workspace

KINDS = ("personal", "project", "marketing")


class CalendarFeed(Base):
    """An address that a person's own calendar program reads; who knows it reads what the person sees. The row holds
    no secret: the token follows from its key and SECRET_KEY and is looked up by its hash."""

    __tablename__ = "calendar_feed"
    __table_args__ = (CheckConstraint("(kind = 'project') = (project_id IS NOT NULL)", name="of_project"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_urlsafe(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    workspace: Mapped[Workspace] = relationship()
    user: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()
