"""What `flask doctor` looks at: everything that Linkstar leans on and that can be ill unnoticed."""

import logging
import os
import smtplib
import ssl
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_babel import format_timedelta
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from linkstar import clock, config, queue, storage
from linkstar.extensions import db, read_only
from linkstar.i18n import _, ngettext
from linkstar.models import AuditEvent
from linkstar.models.backlog import backlogs, channels_failing, given_up
from linkstar.queue import Pulse

log = logging.getLogger("linkstar")

SKEW = timedelta(seconds=5)
PATIENCE = timedelta(minutes=10)  # until something that is due counts as late
A_WEEK = timedelta(days=7)


def examine(app: Flask) -> Iterator[tuple[str, str | None]]:
    """Each thing by its name, with what is wrong with it."""
    read_only()
    yield _("Python"), python()
    yield _("Data folder"), data_folder(app.config["DATA"])
    yield _("Database"), database()
    yield _("Database structure"), guarded(structure)
    yield _("Database content"), guarded(content)
    yield _("Clock"), guarded(time)
    yield from unseen(Pulse.feel(app.config))
    yield _("Mail"), mail(app.config["MAIL_URL"], app.config["MAIL_FROM"])
    yield _("Links in mails"), links(app)
    yield _("Uploaded files"), storage.trouble()


def unseen(pulse: Pulse | None, workspace_id: int | None = None) -> Iterator[tuple[str, str | None]]:
    """What works without a page: of everybody, or as far as it is one workspace's own."""
    yield _("Queue"), answering(pulse)
    yield _("Worker"), working(pulse)
    yield _("Timetable"), turning(pulse)
    yield _("What is due"), guarded(lambda: overdue(workspace_id))
    yield _("Messages that were given up"), guarded(lambda: dead(workspace_id))
    yield _("Channels"), guarded(lambda: failing(workspace_id))


def python() -> str | None:
    return None if sys.version_info >= (3, 11) else _("Linkstar needs Python 3.11 or newer.")


def data_folder(folder: Path) -> str | None:
    if not os.access(folder, os.W_OK | os.X_OK):
        return _("%(folder)s cannot be written to.", folder=folder)
    if folder.stat().st_mode & 0o007:
        return _("%(folder)s can be read by every user of this machine.", folder=folder)
    return None


def database() -> str | None:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        db.session.rollback()
        return str(error.__cause__)
    return None


def guarded(check: Callable[[], str | None]) -> str | None:
    try:
        return check()
    except SQLAlchemyError as error:
        db.session.rollback()
        log.warning("the database did not answer: %r", error.__cause__)
        return _("The database did not answer; the log says why.")


def structure() -> str | None:
    wanted = set(ScriptDirectory(str(config.CHECKOUT / "migrations")).get_heads())
    found = set(MigrationContext.configure(db.session.connection()).get_current_heads())
    if wanted == found:
        return None
    return _(
        "It is at %(found)s and belongs at %(wanted)s: run flask db upgrade.",
        found=", ".join(found) or "-",
        wanted=", ".join(wanted),
    )


def content() -> str | None:
    """SQLite's own two checks; PostgreSQL looks after itself."""
    if db.engine.dialect.name != "sqlite":
        return None
    damage = db.session.scalars(text("PRAGMA integrity_check(1)")).one()
    if damage != "ok":
        return _("The file is damaged: %(damage)s", damage=damage)
    lost = len(db.session.execute(text("PRAGMA foreign_key_check")).all())
    return _("%(number)s rows point to nothing.", number=lost) if lost else None


def time() -> str | None:
    newest = db.session.scalar(select(func.max(AuditEvent.created_at)))
    if newest and newest > clock.now():
        return _("It is behind the newest entry in the trail.")
    there = time_of_database()
    skew = abs(there - datetime.now(UTC)) if there else timedelta()
    if skew > SKEW:
        return _(
            "It and the clock of the database are %(time)s apart: let both machines follow NTP, by chrony or "
            "systemd-timesyncd.",
            time=format_timedelta(skew),
        )
    return None


def time_of_database() -> datetime | None:
    """None where it goes by the clock of this machine."""
    if db.engine.dialect.name == "sqlite":
        return None
    return db.session.scalar(select(func.clock_timestamp()))


def answering(pulse: Pulse | None) -> str | None:
    if pulse is None:
        return _(
            "It does not answer. Pages go on, but mails, reminders and channels wait: see whether the server that "
            "REDIS_URL names is running; without REDIS_URL, flask --app app serve starts one."
        )
    return None


def working(pulse: Pulse | None) -> str | None:
    if pulse is None:
        return _("Nobody can say while the queue is away.")
    if pulse.worker is None:
        return _("None is running, so nothing goes out: start flask --app app work.")
    silence = clock.now() - pulse.worker
    if silence <= queue.LATE:
        return None
    return _("Not heard of for %(time)s: start flask --app app work anew.", time=format_timedelta(silence))


def turning(pulse: Pulse | None) -> str | None:
    if pulse is None:
        return _("Nobody can say while the queue is away.")
    if pulse.timetable is None:
        return _(
            "None is running, so nothing is done in time: start flask --app app timetable, or let a cron of the "
            "machine call flask --app app tick every minute."
        )
    silence = clock.now() - pulse.timetable
    if silence <= queue.TIMETABLE_LATE:
        return None
    return _("Not heard of for %(time)s: start flask --app app timetable anew.", time=format_timedelta(silence))


def overdue(workspace_id: int | None) -> str | None:
    """Where worker and timetable are well, something is wrong with the rows themselves."""
    found = [
        (name, each.number, clock.now() - (each.since or clock.now())) for name, each in backlogs(workspace_id).items()
    ]
    said = [OVERDUE[name](number, format_timedelta(late)) for name, number, late in found if late > PATIENCE]
    if not said:
        return None
    advice = _(
        "Where worker and timetable are well, the log of the worker says why: look for “could not be done” and "
        "“failed”."
    )
    return " ".join([*said, advice])


OVERDUE: dict[str, Callable[[int, str], str]] = {
    "reminders": lambda count, time: ngettext(
        "%(num)s reminder is due, for %(time)s.",
        "%(num)s reminders are due, the oldest for %(time)s.",
        count,
        time=time,
    ),
    "deliveries": lambda count, time: ngettext(
        "%(num)s message is due, for %(time)s.", "%(num)s messages are due, the oldest for %(time)s.", count, time=time
    ),
    "automations": lambda count, time: ngettext(
        "%(num)s automation waits, for %(time)s.",
        "%(num)s automations wait, the oldest for %(time)s.",
        count,
        time=time,
    ),
}


def dead(workspace_id: int | None) -> str | None:
    count = given_up(clock.now() - A_WEEK, workspace_id)
    if not count:
        return None
    return ngettext(
        "%(num)s within a week: the page “Messages that were given up” says why, and has a button to try again.",
        "%(num)s within a week: the page “Messages that were given up” says why, and has buttons to try again.",
        count,
    )


def failing(workspace_id: int | None) -> str | None:
    failing, sealed = channels_failing(workspace_id)
    said = [_channels_refused(failing)] if failing else []
    said += [_channels_sealed(sealed)] if sealed else []
    return " ".join(said) or None


def _channels_sealed(count: int) -> str:
    return ngettext(
        "The address of %(num)s can no longer be read, because SECRET_KEY is another one: start with the old "
        "SECRET_KEY, or enter address and secret again on the page “Channels”.",
        "The addresses of %(num)s can no longer be read, because SECRET_KEY is another one: start with the old "
        "SECRET_KEY, or enter addresses and secrets again on the page “Channels”.",
        count,
    )


def _channels_refused(count: int) -> str:
    return ngettext(
        "%(num)s takes no messages: the page “Channels” says what the other side answered; a test there shows whether "
        "it is mended.",
        "%(num)s take no messages: the page “Channels” says what the other sides answered; a test there shows whether "
        "it is mended.",
        count,
    )


def links(app: Flask) -> str | None:
    address = app.config["PUBLIC_URL"]
    if not config.leads_nowhere(address, app.config["MAIL_URL"]):
        return None
    return _(
        "They lead to %(address)s, where nobody but this machine gets: set PUBLIC_URL to the address that people type, "
        "for every command (serve, work, tick), and start anew.",
        address=address,
    )


def mail(address: str, sender: str) -> str | None:
    """As far as a mail goes before anybody is named who would get it."""
    url = urlsplit(address)
    try:
        if url.scheme == "file":
            Path(unquote(url.path)).mkdir(mode=0o700, parents=True, exist_ok=True)
            return None if os.access(unquote(url.path), os.W_OK) else _("The folder cannot be written to.")
        with mail_server(url) as server:
            code, said = server.mail(parseaddr(sender)[1])
            if code >= 400:
                raise smtplib.SMTPSenderRefused(code, said, sender)
            server.rset()
    except smtplib.SMTPAuthenticationError as error:
        return _(
            "The mail server refuses the user name or the password in MAIL_URL: %(said)s",
            said=in_words(error.smtp_error),
        )
    except smtplib.SMTPSenderRefused as error:
        return _(
            "The mail server takes no mail from %(sender)s: put a sender into MAIL_FROM that it allows. It says: "
            "%(said)s",
            sender=sender,
            said=in_words(error.smtp_error),
        )
    except ssl.SSLError as error:
        return _("The mail server’s certificate or TLS is not in order: %(error)s", error=error)
    except smtplib.SMTPException as error:
        return _("The mail server breaks the conversation off: %(error)s", error=error)
    except OSError as error:
        return _(
            "No mail server answers there: check host and port in MAIL_URL, and whether this machine may reach them. "
            "%(error)s",
            error=error,
        )
    return None


def mail_server(url: SplitResult) -> smtplib.SMTP:
    """Signed in, as whoever sends does it."""
    host, port, context = url.hostname or "", url.port or 0, ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(host, port, timeout=5, context=context)
        if url.scheme == "smtps"
        else smtplib.SMTP(host, port, timeout=5)
    )
    try:
        server.ehlo_or_helo_if_needed()
        if url.username:
            if server.has_extn("starttls"):
                server.starttls(context=context)
            server.login(unquote(url.username), unquote(url.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def in_words(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
