"""Runs the migrations on the application's own engine, the same way on SQLite and on PostgreSQL."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from flask import current_app
from sqlalchemy import Connection, TypeDecorator

from linkstar.extensions import db

ONE_AT_A_TIME = 5468937125  # any number, but always the same: the name of PostgreSQL's lock


def check_links(ctx: MigrationContext, step: Any, heads: Any, run_args: Any) -> None:
    """Still inside the migration's transaction, which is rolled back if a row points to nothing."""
    if ctx.connection and ctx.dialect.name == "sqlite":
        lost = ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if lost:
            raise RuntimeError(f"the migration leaves rows that point to nothing: {lost[:10]}")


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """A migration outlives our column types, so it names the plain ones beneath them."""
    return f"sa.{item.impl_instance!r}" if isinstance(item, TypeDecorator) else False


@contextmanager
def one_at_a_time(connection: Connection) -> Iterator[None]:
    """Of two upgrades at once the second waits, and then finds nothing to do."""
    if connection.dialect.name == "sqlite":
        with (current_app.config["DATA"] / "migrating.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({ONE_AT_A_TIME})")
        connection.commit()
        yield


with db.engine.connect() as connection, one_at_a_time(connection):
    connection.detach()  # closed at the end, and what is set on it ends with it
    if connection.dialect.name == "sqlite":
        # Rebuilding a table drops it, and with the links on that deletes the rows of its children. The driver
        # is asked directly, because inside a transaction SQLite ignores this.
        connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,
        render_item=render_item,
        transactional_ddl=True,
        transaction_per_migration=True,
        on_version_apply=check_links,
    )
    with context.begin_transaction():
        context.run_migrations()
