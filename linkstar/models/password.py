"""Passwords: which are not taken, how one is changed, and how a forgotten one is asked for.

They are judged here, by the lists that zxcvbn brings along: nobody outside is asked."""

import logging
import re

from sqlalchemy import func, select, update

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.mailed_link import MailedLink
from linkstar.models.user import SignIn, User

log = logging.getLogger("linkstar")

SHORTEST, LONGEST = 10, 200
GUESSES = 10**8  # what a list of stolen passwords with their usual endings, a keyboard's rows or a birthday need
JUDGED = 24  # characters of it; half of them where many signs may stand for letters, which takes seconds to sort out
SIGNS = frozenset("@({[<!|$+%")
LEFT = 8  # characters that a password has to have beside the person's own words
MOST_MAILS = 5  # at a time and person


def faults(password: str, *, of: list[str]) -> list[str]:
    """What is wrong with a password for the person whose address and name are in `of`: some of short, long, common
    (stolen, or soon guessed) and yours (hardly more than the address or the name)."""
    found = ["short"] if len(password) < SHORTEST else ["long"] if len(password) > LONGEST else []
    words = [word for text in of for word in (text.casefold(), *re.findall(r"\w{2,}", text.casefold()))]
    if _is_mostly(words, password.casefold()):
        found.append("yours")
    elif not found and _is_common(password, words):
        found.append("common")
    return found


def _is_mostly(words: list[str], password: str) -> bool:
    rest = password
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest) < min(len(password), LEFT)


def _is_common(password: str, words: list[str]) -> bool:
    from zxcvbn import zxcvbn  # its lists are large

    judged = password[: JUDGED // 2 if len(SIGNS & set(password)) > 4 else JUDGED]
    return bool(zxcvbn(judged, [*words, "linkstar", "联星"])["guesses"] < GUESSES)


def change_password(user: User, password: str, *, but: str | None = None) -> None:
    """Whoever was signed in by the old one is so no longer, `but` the device with this token; and no mail that was
    sent for a forgotten one opens anything any more."""
    user.set_password(password)
    SignIn.end_all(user, but=but)
    db.session.execute(
        update(MailedLink)
        .where(MailedLink.user_id == user.id, MailedLink.kind == "reset", MailedLink.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    record("password.changed", by=user)


def send_reset(email: str) -> None:
    """A link for a new password, if somebody has this address; whoever asks learns nothing of it. Few enough that
    nobody's letter box is filled."""
    user = User.at(email)
    if user and _mails_of(user) < MOST_MAILS:
        MailedLink.send("reset", email=user.email, name=user.name, language=user.language, user=user)
    if user:
        record("password.asked", by=None, changes={"user_id": (None, user.id)})
    else:
        log.info("a new password was asked for, for an address that nobody has")
    db.session.info["notified"] = True  # in any case: waking the worker takes its time as well


def _mails_of(user: User) -> int:
    """Those that still open."""
    sent = MailedLink.user_id == user.id, MailedLink.kind == "reset", MailedLink.revoked_at.is_(None)
    opens = MailedLink.used_at.is_(None), MailedLink.expires_at > clock.now()
    return db.session.scalar(select(func.count()).select_from(MailedLink).where(*sent, *opens)) or 0
