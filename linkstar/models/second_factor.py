"""The codes of an authenticator app (TOTP), and the recovery codes that stand in for a lost one."""

import base64
import hmac
import re
import secrets
import unicodedata
from hashlib import sha256

import pyotp
from cryptography.fernet import InvalidToken
from sqlalchemy import ColumnElement, delete, func, or_, select, update

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.identity import RecoveryCode
from linkstar.models.sealed import lock_for
from linkstar.models.user import SignIn, User

SECONDS = 30  # that a code lives; the one before and the one after are taken too
WAITS = 3600  # seconds that a proposed secret may wait for its first right code
CODES = 10
PURPOSE = "second factor"


class SecondFactor:
    def __init__(self, user: User) -> None:
        self.user = user

    # setting up

    def propose(self) -> str:
        """A new secret, sealed for this person, so that it can wait in a form. Nothing is kept of it yet."""
        text = f"{self.user.id} {pyotp.random_base32()}"
        return lock_for(PURPOSE).encrypt_at_time(text.encode(), _seconds()).decode()

    def proposed(self, sealed: str) -> pyotp.TOTP | None:
        """What propose() sealed for this person; None where it has waited too long, or is somebody else's."""
        return self._open(sealed, WAITS)

    def begin(self, sealed: str, code: str) -> bool:
        """On from now on, if the code is right: so the secret has arrived in an app."""
        totp = self.proposed(sealed)
        step = _step(totp, _plain(code)) if totp else None
        if step is None:
            return False
        self.user.totp_secret, self.user.totp_step = sealed, step
        record("second_factor.added", by=self.user)
        return True

    def end(self) -> None:
        self.user.totp_secret = self.user.totp_step = None
        self._forget_recovery_codes()
        record("second_factor.removed", by=self.user)

    def may_be_reset_by(self, user: User) -> bool:
        """Only an administrator of everything that it guards; one's own is turned off with a code."""
        mine = [user.membership_in(each.workspace_id) for each in self.user.memberships]
        return user.id != self.user.id and all(each is not None and each.administers for each in mine)

    def reset(self, *, by: User | None) -> None:
        """Off without a code, for somebody who has lost the phone and the recovery codes; signed out everywhere."""
        self.user.totp_secret = self.user.totp_step = None
        self._forget_recovery_codes()
        SignIn.end_all(self.user)
        places: list[int | None] = [each.workspace_id for each in self.user.memberships]
        for place in places or [None]:
            changes = {"user_id": (self.user.id, self.user.id)}
            record("member.second_factor_reset", by=by, workspace_id=place, changes=changes)

    # signing in

    def accepts(self, code: str) -> bool:
        """A code of the app, or a recovery code; each is right once."""
        typed = _plain(code)
        if re.fullmatch("[0-9]{6}", typed):
            return self._accepts_app(typed)
        return self._accepts_recovery(typed)

    def _accepts_app(self, typed: str) -> bool:
        totp = self._open(self.user.totp_secret or "")
        step = _step(totp, typed) if totp else None
        if step is None:
            return False
        used = db.session.execute(
            update(User)
            .where(User.id == self.user.id, or_(User.totp_step.is_(None), User.totp_step < step))
            .values(totp_step=step)
            .execution_options(synchronize_session=False)
        )
        return bool(used.rowcount)  # type: ignore[attr-defined]

    def _accepts_recovery(self, typed: str) -> bool:
        used = db.session.execute(
            update(RecoveryCode)
            .where(*self._unused(), RecoveryCode.code_hash == _digest(typed))
            .values(used_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        if used.rowcount:  # type: ignore[attr-defined]
            record("recovery_code.used", by=self.user)
        return bool(used.rowcount)  # type: ignore[attr-defined]

    # recovery codes

    def make_recovery_codes(self) -> list[str]:
        """New ones in place of the old, for this one time as they are: the table holds their hashes."""
        self._forget_recovery_codes()
        plain = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
        db.session.add_all(RecoveryCode(user_id=self.user.id, code_hash=_digest(code)) for code in plain)
        record("recovery_codes.made", by=self.user)
        return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in plain]

    @property
    def recovery_codes_left(self) -> int:
        return db.session.scalar(select(func.count()).select_from(RecoveryCode).where(*self._unused())) or 0

    def _unused(self) -> tuple[ColumnElement[bool], ...]:
        return RecoveryCode.user_id == self.user.id, RecoveryCode.used_at.is_(None)

    def _forget_recovery_codes(self) -> None:
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == self.user.id))

    def _open(self, sealed: str, lasts: int | None = None) -> pyotp.TOTP | None:
        try:
            box, text = lock_for(PURPOSE), sealed.encode()
            opened = box.decrypt_at_time(text, lasts, _seconds()) if lasts else box.decrypt(text)
        except (InvalidToken, UnicodeError):
            return None
        owner, _space, secret = opened.decode().partition(" ")
        return pyotp.TOTP(secret, name=self.user.email, issuer="Linkstar") if owner == str(self.user.id) else None


def _seconds() -> int:
    return int(clock.now().timestamp())


def _plain(code: str) -> str:
    """As it is meant: without the gaps that people read it by, and in plain digits where an input method wrote wide
    ones."""
    return re.sub(r"[\s\-‐-―]", "", unicodedata.normalize("NFKC", code)).casefold()


def _digest(code: str) -> str:
    return sha256(code.encode()).hexdigest()


def _step(totp: pyotp.TOTP, typed: str) -> int | None:
    """The half minute that the code is of."""
    now = _seconds() // SECONDS
    found = [s for s in (now - 1, now, now + 1) if hmac.compare_digest(totp.generate_otp(s).encode(), typed.encode())]
    return max(found, default=None)
