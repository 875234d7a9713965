import secrets
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import CheckConstraint, ForeignKey, String, or_, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.mailed_link import secrets_of
from linkstar.models.project import Project
from linkstar.models.user import SignIn, User
from linkstar.models.workspace import Workspace

KINDS = ("personal", "project", "marketing")
MARKED_EVERY = timedelta(hours=1)


class CalendarFeed(Base):
    """An address that a person's own calendar program reads; who knows it reads what the person sees. The row holds
    no secret: the token follows from its key and SECRET_KEY and is looked up by its hash."""

    __tablename__ = "calendar_feed"
    __table_args__ = (CheckConstraint("(kind = 'project') = (project_id IS NOT NULL)", name="of_project"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    key: Mapped[str] = mapped_column(String(32))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(Instant)

    workspace: Mapped[Workspace] = relationship()
    user: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()

    @classmethod
    def create(cls, kind: str, workspace_id: int, *, by: User, project: Project | None = None) -> Self:
        key = secrets.token_urlsafe(16)
        feed = cls(kind=kind, workspace_id=workspace_id, user=by, project=project, key=key)
        feed.token_hash = SignIn.digest(feed.token)
        db.session.add(feed)
        changes = {"kind": (None, kind), "user_id": (None, by.id)}
        record("calendar_feed.made", by=by, workspace_id=workspace_id, changes=changes)
        return feed

    def revoke(self, *, by: User) -> None:
        """It is read no more from the next time on."""
        changes = {"kind": (self.kind, None), "user_id": (self.user_id, None)}
        record("calendar_feed.revoked", by=by, workspace_id=self.workspace_id, changes=changes)
        db.session.delete(self)

    @property
    def token(self) -> str:
        return secrets_of(self.key, "calendar feed")

    @classmethod
    def of(cls, user: User, workspace_id: int) -> list[Self]:
        mine = cls.user_id == user.id, cls.workspace_id == workspace_id
        return list(db.session.scalars(select(cls).where(*mine).options(joinedload(cls.project)).order_by(cls.id)))

    @classmethod
    def bearing(cls, token: str) -> Self | None:
        """The one with this token, if it opens anything."""
        feed = db.session.scalar(select(cls).where(cls.token_hash == SignIn.digest(token)))
        return feed if feed and feed.opens else None

    @property
    def opens(self) -> bool:
        """Is its person still in the workspace, and more than a creator there, and does the person still see what it
        is of? Who left and came back left the old ones behind."""
        if not self.user.active or self.user.lacks_second_factor:
            return False
        membership = self.user.membership_in(self.workspace_id)
        if membership is None or membership.role == "creator" or membership.created_at > self.created_at:
            return False
        return self.project is None or (self.project.trashed_at is None and self.project.known_to(self.user))

    @property
    def is_to_be_marked(self) -> bool:
        return self.read_at is None or self.read_at <= clock.now() - MARKED_EVERY

    @classmethod
    def mark_read(cls, feed_id: int) -> None:
        """Says that it was read now; once an hour is enough."""
        due = or_(cls.read_at.is_(None), cls.read_at <= clock.now() - MARKED_EVERY)
        db.session.execute(update(cls).where(cls.id == feed_id, due).values(read_at=clock.now()))
