import secrets
from datetime import datetime
from typing import Self

from sqlalchemy import JSON, ForeignKey, String, or_, select
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.membership import Membership
from linkstar.models.user import SignIn, User
from linkstar.models.workspace import Workspace

SCOPES = ("work:read", "work:write", "people:read", "audit:read")
PREFIX = "lks_"


class ApiToken(Base):
    """A key with which a script acts for one person in one workspace, never beyond the person's own rights. It is
    shown once; the table holds its hash."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    ending: Mapped[str] = mapped_column(String(4))  # its last characters, to tell it from others
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)

    user: Mapped[User] = relationship()
    workspace: Mapped[Workspace] = relationship()

    @classmethod
    def create(
        cls, user: User, workspace_id: int, name: str, scopes: list[str], expires_at: datetime | None = None
    ) -> tuple[Self, str]:
        """The row, and the token itself, which is not kept anywhere."""
        token = PREFIX + secrets.token_urlsafe(32)
        row = cls(
            user=user, workspace_id=workspace_id, name=name, scopes=scopes, expires_at=expires_at,
            token_hash=SignIn.digest(token), ending=token[-4:],
        )  # fmt: skip
        db.session.add(row)
        return row, token

    @classmethod
    def bearing(cls, token: str) -> Self | None:
        """The row behind a token; its user has the membership in the token's workspace, and no other."""
        query = (
            select(cls)
            .join(cls.user)
            .join(User.memberships)
            .options(contains_eager(cls.user).contains_eager(User.memberships))
            .where(cls.token_hash == SignIn.digest(token), Membership.workspace_id == cls.workspace_id, User.active)
            .where(or_(cls.expires_at.is_(None), cls.expires_at > clock.now()))
        )
        return db.session.scalars(query.execution_options(populate_existing=True)).unique().one_or_none()
