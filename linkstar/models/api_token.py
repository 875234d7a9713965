import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from sqlalchemy import JSON, ForeignKey, String, event, or_, select, update
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    contains_eager,
    joinedload,
    mapped_column,
    relationship,
    with_loader_criteria,
)

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.membership import Membership
from linkstar.models.user import SignIn, User
from linkstar.models.workspace import Workspace

if TYPE_CHECKING:
    from linkstar.models.channel import Channel

SCOPES = ("work:read", "work:write", "people:read", "audit:read", "hooks:write")
PREFIX = "lks_"
MARKED_EVERY = timedelta(minutes=1)


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
    hooks: Mapped[list["Channel"]] = relationship(back_populates="token", passive_deletes=True)  # subscribed to with it

    @classmethod
    def create(
        cls, user: User, workspace_id: int, name: str, scopes: list[str], expires_at: datetime, *, by: User | None
    ) -> tuple[Self, str]:
        """The row, and the token itself, which is not kept anywhere."""
        token = PREFIX + secrets.token_urlsafe(32)
        row = cls(
            user=user, workspace_id=workspace_id, name=name, scopes=scopes, expires_at=expires_at,
            token_hash=SignIn.digest(token), ending=token[-4:],
        )  # fmt: skip
        db.session.add(row)
        row._record("api_token.created", by, (None, name))
        return row, token

    def revoke(self, *, by: User | None) -> None:
        """It opens nothing from the next request on, and what it subscribed to goes with it."""
        for hook in self.hooks:
            hook.remove(by=by)
        self._record("api_token.revoked", by, (self.name, None))
        db.session.delete(self)

    def _record(self, action: str, by: User | None, name: tuple[str | None, str | None]) -> None:
        changes = {"name": name, "user_id": (self.user.id, self.user.id)}
        record(action, by=by, workspace_id=self.workspace_id, changes=changes)

    @classmethod
    def of(cls, user: User) -> list[Self]:
        """A person's keys, the newest first."""
        query = select(cls).where(cls.user_id == user.id).options(joinedload(cls.workspace)).order_by(cls.id.desc())
        return list(db.session.scalars(query))

    @property
    def has_run_out(self) -> bool:
        return self.expires_at is not None and self.expires_at <= clock.now()

    @property
    def is_to_be_marked(self) -> bool:
        return self.last_used_at is None or self.last_used_at <= clock.now() - MARKED_EVERY

    @classmethod
    def mark_used(cls, token_id: int) -> None:
        """Says that it was used now; once a minute is enough."""
        now = clock.now()
        due = or_(cls.last_used_at.is_(None), cls.last_used_at <= now - MARKED_EVERY)
        db.session.execute(update(cls).where(cls.id == token_id, due).values(last_used_at=now))

    @classmethod
    def bearing(cls, token: str) -> Self | None:
        """The row behind a token; its user has the membership in the token's workspace, and no other."""
        query = (
            select(cls)
            .join(cls.user)
            .join(User.memberships)
            .options(contains_eager(cls.user).contains_eager(User.memberships))
            .where(cls.token_hash == SignIn.digest(token), Membership.workspace_id == cls.workspace_id, User.active)
            .where(Membership.created_at <= cls.created_at)  # who left and came back left the old ones behind
            .where(or_(cls.expires_at.is_(None), cls.expires_at > clock.now()))
        )
        row = db.session.scalars(query.execution_options(populate_existing=True)).unique().one_or_none()
        if row:
            db.session.info["token_workspace_id"] = row.workspace_id
        return row


@event.listens_for(db.session, "do_orm_execute")
def _stay_inside(state: ORMExecuteState) -> None:
    """Whoever acts through a token is in its workspace only, however often the person is read again."""
    here = state.session.info.get("token_workspace_id")
    if here is not None and state.is_select:
        state.statement = state.statement.options(with_loader_criteria(Membership, Membership.workspace_id == here))
