import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

from flask import current_app
from sqlalchemy import ForeignKey, Index, String, and_, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.notification import Delivery
from linkstar.models.user import PersonName, SignIn, User
from linkstar.models.workspace import Workspace

if TYPE_CHECKING:
    from linkstar.models.task import Task

LASTS = {
    "invitation": timedelta(days=7),  # of a person to a workspace; used once
    "reset": timedelta(minutes=30),  # of a forgotten password; used once
    "entry": timedelta(days=30),  # a creator's way in: opens as often as the device that came first asks
    "code": timedelta(minutes=10),  # six digits for a second device
}
MOST_TRIES = 5
MOST_CODES = 5  # within an hour


class MailedLink(Base):
    """A secret that was sent by mail and lets somebody in: an invitation, a new password, a creator's way in, a
    code. The row holds no secret: the token follows from its key and SECRET_KEY, so that a mail that has to be sent
    again carries the same one, and is looked up by its hash."""

    __tablename__ = "mailed_link"
    __table_args__ = (Index("ix_mailed_link_user_kind", "user_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(PersonName(80))
    language: Mapped[str] = mapped_column(String(2))
    role: Mapped[str | None] = mapped_column(String(20))  # which the invited person gets, who joins the project
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    # where an entry leads, and whose code it is
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("mailed_link.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_urlsafe(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    device_hash: Mapped[str | None] = mapped_column(String(64))  # of the device that opened an entry first
    tries: Mapped[int] = mapped_column(default=0)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    workspace: Mapped[Workspace | None] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    sent_by: Mapped[User | None] = relationship(foreign_keys=[sent_by_id])
    task: Mapped["Task | None"] = relationship()
    parent: Mapped["MailedLink | None"] = relationship(remote_side=[id])
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="mailed_link", cascade="all, delete-orphan")

    @classmethod
    def send(cls, kind: str, **values: Any) -> Self:
        """Makes one and puts it on its way by mail. `values`: email, name, language, and what the kind needs."""
        key = secrets.token_urlsafe(16)
        link = cls(kind=kind, key=key, expires_at=clock.now() + LASTS[kind], deliveries=[Delivery()], **values)
        link.token_hash = cls.digest(link.token)
        db.session.add(link)
        db.session.info["notified"] = True
        return link

    @classmethod
    def find(cls, kind: str, token: str) -> Self | None:
        """The one that this token opens, if it still opens anything."""
        link = db.session.scalar(select(cls).where(cls.token_hash == cls.digest(token), cls.kind == kind))
        return link if link and link.opens else None

    @classmethod
    def forget(cls, before: datetime) -> None:
        """Those that have opened nothing since then, with the addresses in them."""
        spent = and_(cls.used_at < before, cls.kind != "entry")
        ended = delete(cls).where(or_(cls.expires_at < before, cls.revoked_at < before, spent))
        db.session.execute(ended.execution_options(synchronize_session=False))

    @property
    def opens(self) -> bool:
        spent = self.used_at and self.kind != "entry"
        return not spent and not self.revoked_at and self.expires_at > clock.now() and self.tries < MOST_TRIES

    @property
    def token(self) -> str:
        """64 characters for an address."""
        return secrets_of(self.key, "token")

    @property
    def code(self) -> str:
        """Six digits to be typed."""
        return f"{int.from_bytes(secrets_of(self.key, 'code').encode()) % 1_000_000:06}"

    def is_code(self, typed: str) -> bool:
        """Counts the try, so that nobody has more than a few; to be committed whatever the answer."""
        counted = db.session.execute(
            update(MailedLink)
            .where(MailedLink.id == self.id, MailedLink.tries < MOST_TRIES, MailedLink.used_at.is_(None))
            .values(tries=MailedLink.tries + 1)
            .execution_options(synchronize_session=False)
        )
        db.session.expire(self, ["tries"])
        right = hmac.compare_digest(self.code.encode(), typed.encode())
        return right and bool(counted.rowcount) and self.expires_at > clock.now()  # type: ignore[attr-defined]

    def is_for_device(self, device: str) -> bool:
        """An entry opens at once where it was opened first; the first device that asks becomes that one."""
        db.session.execute(
            update(MailedLink)
            .where(MailedLink.id == self.id, MailedLink.device_hash.is_(None))
            .values(device_hash=self.digest(device), used_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        db.session.refresh(self, ["device_hash", "used_at"])
        return hmac.compare_digest(self.device_hash or "", self.digest(device))

    def send_code(self) -> "MailedLink | None":
        """Six digits for another device than the first; None where the person was sent enough of them."""
        lately = MailedLink.kind == "code", MailedLink.created_at > clock.now() - timedelta(hours=1)
        sent = select(func.count(MailedLink.id)).where(MailedLink.user_id == self.user_id, *lately)
        if (db.session.scalar(sent) or 0) >= MOST_CODES:
            return None
        return MailedLink.send(
            "code", user=self.user, email=self.email, name=self.name, language=self.language,
            workspace_id=self.workspace_id, parent=self,
        )  # fmt: skip

    def revoke(self) -> None:
        """Opens nothing any more, and what it opened is closed at once."""
        self.revoked_at = clock.now()
        signed_in = delete(SignIn).where(SignIn.mailed_link_id == self.id)
        db.session.execute(signed_in.execution_options(synchronize_session=False))

    def use(self) -> bool:
        """Once: of two who come at the same time one is let in."""
        used = db.session.execute(
            update(MailedLink)
            .where(MailedLink.id == self.id, MailedLink.used_at.is_(None), MailedLink.revoked_at.is_(None))
            .values(used_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        db.session.expire(self, ["used_at"])
        return bool(used.rowcount)  # type: ignore[attr-defined]

    @staticmethod
    def digest(token: str) -> str:
        return sha256(token.encode()).hexdigest()


def secrets_of(key: str, purpose: str) -> str:
    """What follows from a key for one purpose, and cannot be guessed without SECRET_KEY."""
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.digest(secret, f"mailed link {purpose} {key}".encode(), "sha256").hex()
