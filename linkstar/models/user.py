import secrets
from datetime import datetime, time, timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    ForeignKey,
    Select,
    String,
    TypeDecorator,
    bindparam,
    delete,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.i18n import _
from linkstar.planning.working_days import country_of

if TYPE_CHECKING:
    from linkstar.models.membership import Membership
    from linkstar.models.project import ProjectMember

HUES = 12
_hasher = PasswordHasher()
_nobody = _hasher.hash(secrets.token_urlsafe())  # verified for unknown addresses, so that they take as long


ERASED = "deleted person "  # how the name of somebody begins who was erased; a mark follows


class PersonName(TypeDecorator[str]):
    """A person's name; of somebody who was erased only the mark is left, and is said in the reader's language."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value and value.startswith(ERASED):
            return _("Deleted person %(mark)s", mark=value.removeprefix(ERASED))
        return value


class User(Base):
    """A person with one sign-in, a language and a time zone; a member of one or more workspaces."""

    __tablename__ = "user"
    __table_args__ = NUMBERED_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(PersonName(80))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2), default="zh")
    timezone: Mapped[str] = mapped_column(String(64), default="Asia/Shanghai")
    works_from: Mapped[time] = mapped_column(default=time(9))  # where the person lives
    works_until: Mapped[time] = mapped_column(default=time(18))
    quiet_from: Mapped[time] = mapped_column(default=time(21))  # until morning only alarms go out
    quiet_until: Mapped[time] = mapped_column(default=time(8))
    digest: Mapped[str] = mapped_column(String(8), default="daily")  # how often: daily, weekly
    digest_at: Mapped[time] = mapped_column(default=time(9))
    digest_weekday: Mapped[int] = mapped_column(default=0)  # of a weekly one: 0 is Monday
    active: Mapped[bool] = mapped_column(default=True)  # False where no workspace is left, or the person was erased
    totp_secret: Mapped[str | None] = mapped_column(String(200))  # encrypted; the second factor is on where it stands
    totp_step: Mapped[int | None] = mapped_column(BigInteger)  # of the last code that was used, so that none is twice
    erased_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    pushes: Mapped[bool] = mapped_column(default=False)  # a browser shows, or showed, notices of its own

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
        return country_of(self.timezone)

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

    def is_inside(self, workspace_id: int) -> bool:
        membership = self.membership_in(workspace_id)
        return membership is not None and not membership.external

    @property
    def only_creates(self) -> bool:
        """A creator in every workspace that knows the person: there is a portal, and nothing else."""
        return bool(self.memberships) and all(membership.role == "creator" for membership in self.memberships)

    def creates_in(self, workspace_id: int) -> bool:
        """A creator there, whatever the person is elsewhere: what is said of it is what a creator may know."""
        membership = self.membership_in(workspace_id)
        return membership is not None and membership.role == "creator"

    def signed_in_with(self, token: str) -> Self:
        """Remembers, for this request, the token of the device that it came from."""
        inspect(self).info["token"] = token
        return self

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the device's token, so that ending a sign-in ends it there."""
        return str(inspect(self).info["token"])

    def membership_in(self, workspace_id: int) -> "Membership | None":
        return next((m for m in self.memberships if m.workspace_id == workspace_id), None)

    @property
    def has_second_factor(self) -> bool:
        return self.totp_secret is not None

    @property
    def is_asked_for_second_factor(self) -> bool:
        return any(membership.role in membership.workspace.second_factor_roles for membership in self.memberships)

    @property
    def lacks_second_factor(self) -> bool:
        """A workspace asks for it; until it is set up there is nothing else to be had."""
        return not self.has_second_factor and self.is_asked_for_second_factor

    def set_password(self, password: str) -> None:
        self.password_hash = _hasher.hash(password)

    def is_password(self, password: str) -> bool:
        return _fits(self.password_hash, password)

    @classmethod
    def at(cls, email: str) -> Self | None:
        """Whose address it is, of those who may come in."""
        return db.session.scalar(select(cls).where(cls.email == email.strip().lower(), cls.active))

    @classmethod
    def with_password(cls, email: str, password: str) -> Self | None:
        """The person whose address and password these are; unknown addresses take as long as wrong passwords."""
        user = cls.at(email)
        return user if _fits(user.password_hash if user else None, password) else None


OWN_HOURS = (
    "works_from", "works_until", "quiet_from", "quiet_until", "digest", "digest_at", "digest_weekday"
)  # fmt: skip


def usual_of(name: str) -> Any:
    """What stands in a column of a person who has not chosen anything."""
    default: Any = inspect(User).columns[name].default
    return default.arg


def _fits(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody, password)
    except (VerificationError, InvalidHashError):
        return False


class SignIn(Base):
    """One device signed in by one person. The cookie holds the token, the table only its hash, so that
    signing out or closing an account ends it at the next request."""

    __tablename__ = "sign_in"

    LASTS = timedelta(days=30)
    LASTS_UNREMEMBERED = timedelta(hours=12)
    LASTS_UNUSED = timedelta(days=7)
    LASTS_UNUSED_UNREMEMBERED = timedelta(hours=4)
    LASTS_WITHOUT_CODE = timedelta(minutes=10)
    MOST_TRIES = 5

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    device: Mapped[str] = mapped_column(String(200), default="")
    awaits_code: Mapped[bool] = mapped_column(default=False)  # the password was right; the second factor is to come
    tries: Mapped[int] = mapped_column(default=0)  # of the code
    mailed_link_id: Mapped[int | None] = mapped_column(ForeignKey("mailed_link.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Instant)

    user: Mapped[User] = relationship()

    @classmethod
    def begin(
        cls, user: User, *, device: str, remember: bool, awaits_code: bool = False, mailed_link_id: int | None = None
    ) -> str:
        """Signs the person in on a device and returns the token, which is not kept anywhere. One that awaits a code
        opens nothing yet."""
        token = secrets.token_urlsafe(32)
        lasts = cls.LASTS_WITHOUT_CODE if awaits_code else cls.LASTS if remember else cls.LASTS_UNREMEMBERED
        db.session.add(
            cls(
                user=user, token_hash=cls.digest(token), device=device[:200], expires_at=clock.now() + lasts,
                awaits_code=awaits_code, mailed_link_id=mailed_link_id,
            )
        )  # fmt: skip
        return token

    @classmethod
    def awaiting_code(cls, token: str) -> Self | None:
        query = select(cls).join(cls.user).where(cls.token_hash == cls.digest(token), cls.awaits_code, User.active)
        return db.session.scalar(query.where(cls.expires_at > clock.now(), cls.tries < cls.MOST_TRIES))

    def counts_try(self) -> bool:
        """However many guess at the same time, only a few are listened to."""
        counted = db.session.execute(
            update(SignIn)
            .where(SignIn.id == self.id, SignIn.tries < self.MOST_TRIES)
            .values(tries=SignIn.tries + 1)
            .execution_options(synchronize_session=False)
        )
        db.session.expire(self, ["tries"])
        return bool(counted.rowcount)  # type: ignore[attr-defined]

    @classmethod
    def of(cls, user: User) -> list[Self]:
        """Where the person is signed in, the newest first."""
        here = cls.user_id == user.id, ~cls.awaits_code, cls.expires_at > clock.now()
        return list(db.session.scalars(select(cls).where(*here).order_by(cls.created_at.desc(), cls.id.desc())))

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
                or_(cls.mailed_link_id.is_(None), ~cls._does_more()),
            )
        )

    @staticmethod
    def _does_more() -> ColumnElement[bool]:
        """Is the person more than a creator anywhere? What was signed in by a link from a mail ends then."""
        membership = inspect(User).relationships["memberships"].entity.class_
        return User.memberships.any(membership.role != "creator")

    @classmethod
    def end(cls, token: str) -> None:
        sign_in = db.session.scalar(select(cls).where(cls.token_hash == cls.digest(token)))
        if sign_in:
            db.session.delete(sign_in)

    @classmethod
    def end_all(cls, user: User, *, but: str | None = None) -> None:
        """Those that wait for a code too; `but` the one with this token."""
        rows = delete(cls).where(cls.user_id == user.id)
        db.session.execute(rows.where(cls.token_hash != cls.digest(but)) if but else rows)

    def is_behind(self, token: str) -> bool:
        return self.token_hash == self.digest(token)

    @staticmethod
    def digest(token: str) -> str:
        return sha256(token.encode()).hexdigest()
