"""What `flask doctor` looks at: everything that Linkstar leans on and that can be ill unnoticed."""

import os
import smtplib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from linkstar import clock, config, queue, storage
from linkstar.extensions import db, read_only
from linkstar.i18n import _
from linkstar.models import AuditEvent


def examine(app: Flask) -> Iterator[tuple[str, str | None]]:
    """Each thing by its name, with what is wrong with it."""
    read_only()
    yield _("Python"), python()
    yield _("Data folder"), data_folder(app.config["DATA"])
    yield _("Database"), database()
    yield _("Database structure"), guarded(structure)
    yield _("Database content"), guarded(content)
    yield _("Clock"), guarded(time)
    yield _("Queue"), answering(app)
    yield _("Worker"), working(app)
    yield _("Mail"), mail(app.config["MAIL_URL"])
    yield _("Uploaded files"), storage.trouble()


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
        return str(error.__cause__)


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
    return None


def answering(app: Flask) -> str | None:
    try:
        queue.connect(app.config["REDIS_URL"]).ping()
    except RedisError as error:
        return str(error)
    return None


def working(app: Flask) -> str | None:
    try:
        beat = queue.last_beat(queue.connect(app.config["REDIS_URL"]))
    except RedisError:
        return _("Nobody can say while the queue is away.")
    if beat is None:
        return _("None is running.")
    silence = clock.now() - beat
    return _("Not heard of for %(time)s.", time=silence) if silence > queue.LATE else None


def mail(address: str) -> str | None:
    url = urlsplit(address)
    try:
        if url.scheme == "file":
            Path(unquote(url.path)).mkdir(mode=0o700, parents=True, exist_ok=True)
            return None if os.access(unquote(url.path), os.W_OK) else _("The folder cannot be written to.")
        kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
        with kind(url.hostname or "", url.port or 0, timeout=5) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        return str(error)
    return None
