"""The bare objects that create_app() binds to the application, and the rules of the database connection."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from flask import g, has_app_context
from flask_babel import Babel
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from sqlalchemy import DateTime, Dialect, Engine, MetaData, TypeDecorator, event
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


NUMBERED_ONCE = {"sqlite_autoincrement": True}  # the id of a record that was deleted for good is no other's later


class Instant(TypeDecorator[datetime]):
    """A moment: aware, kept in UTC. A naive datetime is refused, because nobody can say which moment it is."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


LARGEST_ID = 2**31 - 1  # what a column of ids holds


def record_id(text: str) -> int | None:
    """An id that came from outside; None where no record can have it."""
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= LARGEST_ID:
        return int(text)
    return None


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
htmx = Htmx()
babel = Babel()
compress = Compress()
limiter = Limiter(key_func=get_remote_address)


def read_only() -> None:
    """From here on the request only reads, so that SQLite's one write lock stays free for others."""
    g.read_only = True


def write() -> None:
    """Ends the reading and may write from here on. What was read is read again, under the lock; a request that is to
    count once claims its key again."""
    db.session.rollback()
    g.read_only = False
    if claim := g.get("claim"):
        claim()


def commit() -> None:
    """Commits what the request changed; what follows (drawing the answer) only reads."""
    db.session.commit()
    read_only()


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below; pysqlite's would not cover DDL
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL", "busy_timeout=8000"):
            connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Any) -> None:
    """A writer takes its lock at once: one that began by reading would be refused with "database is locked"."""
    if connection.dialect.name == "sqlite":
        reading = has_app_context() and g.get("read_only", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
