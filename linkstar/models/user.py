import secrets
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import BigInteger, ForeignKey, Select, String, bindparam, inspect, select
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db

if TYPE_CHECKING:
    from linkstar.models.membership import Membership
    from linkstar.models.project import ProjectMember

HUES = 12
_hasher = PasswordHasher()
_nobody = _hasher.hash(secrets.token_urlsafe())  # verified for unknown addresses, so that they take as long


class User(Base):
    """A person with one sign-in, a language and a time zone; a member of one or more workspaces."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2), default="zh")
    timezone: Mapped[str] = mapped_column(String(64), default="Asia/Shanghai")
    active: Mapped[bool] = mapped_column(default=True)  # False where no workspace is left, or the person was erased
    totp_secret: Mapped[str | None] = mapped_column(String(200))  # encrypted; the second factor is on where it stands
    totp_step: Mapped[int | None] = mapped_column(BigInteger)  # of the last code that was used, so that none is twice
    erased_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    memberships: Mapped[list["Membership"]] = relationship(
        back_populates="user", order_by="Membership.id", lazy="selectin", cascade="all, delete-orphan"
    )

    project_memberships: Mapped[list["ProjectMember"]] = relationship(
        back_populates="user", cascade="all, delete-orphan"
    )

    is_authenticated = True  # what Flask-Login asks; its UserMixin would make all people equal by their tokens
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def country(self) -> str:
        """Whose working days and holidays the person keeps, by where the person lives."""
        return "US" if self.timezone.startswith(("America/", "US/", "Pacific/Honolulu")) else "CN"

    @property
    def hue(self) -> int:
        return self.id * 5 % HUES

    @property
    def initial(self) -> str:
        """雨 for 林晓雨, MB for Maya Brooks."""
        words = self.name.split()
        if self.name.isascii():
            return "".join(word[0] for word in words[:2]).upper()
        return words[-1][-1]

    @property
    def external(self) -> bool:
        """An outsider (creator, partner) in every workspace that knows the person."""
        return bool(self.memberships) and all(membership.external for membership in self.memberships)

    @property
    def only_creates(self) -> bool:
        """A creator in every workspace that knows the person: there is a portal, and nothing else."""
        return bool(self.memberships) and all(membership.role == "creator" for membership in self.memberships)

    def signed_in_with(self, token: str) -> Self:
        """Remembers, for this request, the token of the device that it came from."""
        inspect(self).info["token"] = token
        return self

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the device's token, so that ending a sign-in ends it there."""
        return str(inspect(self).info["token"])

    def membership_in(self, workspace_id: int) -> "Membership | None":
        return next((m for m in self.memberships if m.workspace_id == workspace_id), None)

    def set_password(self, password: str) -> None:
        self.password_hash = _hasher.hash(password)

    @classmethod
    def with_password(cls, email: str, password: str) -> Self | None:
        """The person whose address and password these are; unknown addresses take as long as wrong passwords."""
        user = db.session.scalar(select(cls).where(cls.email == email.strip().lower(), cls.active))
        stored = user.password_hash if user and user.password_hash else _nobody
        try:
            _hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return None
        return user


class SignIn(Base):
    """One device signed in by one person. The cookie holds the token, the table only its hash, so that
    signing out or closing an account ends it at the next request."""

    __tablename__ = "sign_in"

    LASTS = timedelta(days=30)
    LASTS_UNREMEMBERED = timedelta(hours=12)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    device: Mapped[str] = mapped_column(String(200), default="")
    awaits_code: Mapped[bool] = mapped_column(default=False)  # the password was right; the second factor is to come
    mailed_link_id: Mapped[int | None] = mapped_column(ForeignKey("mailed_link.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Instant)

    user: Mapped[User] = relationship()

    @classmethod
    def begin(cls, user: User, *, device: str, remember: bool) -> str:
        """Signs the person in on a device and returns the token, which is not kept anywhere."""
        token = secrets.token_urlsafe(32)
        lasts = cls.LASTS if remember else cls.LASTS_UNREMEMBERED
        db.session.add(
            cls(user=user, token_hash=cls.digest(token), device=device[:200], expires_at=clock.now() + lasts)
        )
        return token

    @classmethod
    def user_of(cls, token: str) -> User | None:
        """The person behind a token, with the memberships, in one query."""
        asked = {"token_hash": cls.digest(token), "now": clock.now()}
        return db.session.scalars(cls._user_of(), asked).unique().one_or_none()

    @classmethod
    @cache
    def _user_of(cls) -> Select[User]:
        """Built once: every request asks."""
        return (
            select(User)
            .join(cls, cls.user_id == User.id)
            .outerjoin(User.memberships)
            .options(contains_eager(User.memberships))
            .where(
                cls.token_hash == bindparam("token_hash"),
                cls.expires_at > bindparam("now"),
                User.active,
                ~cls.awaits_code,
            )
        )

    @classmethod
    def end(cls, token: str) -> None:
        sign_in = db.session.scalar(select(cls).where(cls.token_hash == cls.digest(token)))
        if sign_in:
            db.session.delete(sign_in)

    @staticmethod
    def digest(token: str) -> str:
        return sha256(token.encode()).hexdigest()
