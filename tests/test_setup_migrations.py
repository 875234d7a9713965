import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import Migrate, upgrade
from sqlalchemy import text

from linkstar import config
from linkstar.extensions import db

TABLES = """
    op.create_table("owner", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(9)))
    op.create_table(
        "thing",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner_id", sa.Integer, sa.ForeignKey("owner.id", ondelete="CASCADE"), nullable=False),
    )
    op.execute("INSERT INTO owner VALUES (1, 'Lin')")
    op.execute("INSERT INTO thing VALUES (1, 1)")
"""
REBUILD = """
    with op.batch_alter_table("owner") as owner:
        owner.alter_column("name", type_=sa.String(99))
"""
BREAK_A_LINK = """
    op.execute("CREATE TABLE half_done (id integer)")
    op.execute("DELETE FROM owner")
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """An application with the product's engine and env.py, and with migrations of its own."""
    migrations = tmp_path / "migrations"
    (migrations / "versions").mkdir(parents=True)
    shutil.copy(config.CHECKOUT / "migrations" / "env.py", migrations)
    app = Flask(__name__)
    app.config.from_mapping(config.load({"LINKSTAR_DATA": str(tmp_path / "data")}))
    db.init_app(app)
    Migrate(app, db, directory=str(migrations))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def add(app: Flask, number: int, body: str) -> None:
    before = f"'{number - 1}'" if number > 1 else None
    folder = Path(app.extensions["migrate"].directory) / "versions"
    (folder / f"{number}.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        f"revision = '{number}'\ndown_revision = {before}\n\n"
        f"def upgrade():{body}"
    )


def count(table: str) -> int:
    with db.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_rebuilding_a_table_keeps_the_rows_that_hang_on_it(app: Flask) -> None:
    add(app, 1, TABLES)
    add(app, 2, REBUILD)
    upgrade()
    assert (count("owner"), count("thing")) == (1, 1)
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_migration_that_breaks_a_link_is_undone_as_a_whole(app: Flask) -> None:
    add(app, 1, TABLES)
    upgrade()
    add(app, 2, BREAK_A_LINK)
    with pytest.raises(SystemExit):
        upgrade()
    assert (count("owner"), count("thing")) == (1, 1)
    assert count("sqlite_master WHERE name = 'half_done'") == 0
    assert count("alembic_version WHERE version_num = '1'") == 1
