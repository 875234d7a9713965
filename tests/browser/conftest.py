"""People at real screens: the served application, Chromium, and a watch over everything that a page must never do."""

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, CDPSession, Locator, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from linkstar.assets.build import STATIC
from linkstar.extensions import db
from linkstar.models import Project, Task
from tests.world import PASSWORD, PEOPLE, World, october

SCREENS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "desk": {"viewport": {"width": 1440, "height": 900}},
}


class Setting(NamedTuple):
    """At which screen and in which language a story is told, and which database it is kept in."""

    screen: str
    language: str
    database: str

    def says(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en


USUAL = Setting("phone", "zh", "sqlite"), Setting("desk", "en", "postgresql")
CROSSED = Setting("phone", "en", "postgresql"), Setting("desk", "zh", "sqlite")


def told_at(*settings: Setting) -> pytest.MarkDecorator:
    """Tells a story at other settings than the two usual ones."""
    return pytest.mark.parametrize("setting", settings, indirect=True, ids="-".join)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(params=USUAL, ids="-".join)
def setting(request: pytest.FixtureRequest) -> Setting:
    return request.param


@pytest.fixture
def databases(setting: Setting, request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(setting.database)


# the application, served


class Silent(WSGIRequestHandler):
    def log(self, *args: Any) -> None:
        pass


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


# the people


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            ],
        )
        yield browser
        browser.close()


@dataclass
class Reader:
    """A person at a page."""

    page: Page
    address: str
    setting: Setting
    expected: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: message.type == "error" and self.blame(message.text))
        self.page.on("pageerror", lambda error: self.blame(f"{error.name}: {error.message}"))
        self.page.on("request", self._watch_request)

    def blame(self, trouble: str) -> None:
        if not any(part in trouble for part in self.expected):
            self.troubles.append(trouble)

    def _watch_request(self, request: Any) -> None:
        if urlsplit(request.url).scheme != "data" and urlsplit(request.url).hostname != "127.0.0.1":
            self.blame(f"asked {request.url}")

    def expect(self, *parts: str) -> None:
        """Console errors that the story itself brings about; Chromium reports every 4xx and every lost line."""
        self.expected += parts

    # going about

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, person: str) -> None:
        self.go("/login?lang=" + self.setting.language)
        self.page.locator("[name=email]").fill(PEOPLE[person][1])
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator(".door [type=submit]").click()
        self.page.wait_for_url(self.address + "/")

    def open_board(self, project: Any, query: str = "") -> None:
        self.go(f"/projects/{project.id}/board{query}")

    # what stands where

    def card(self, task: Any) -> Locator:
        return self.page.locator(f"[data-cell] > #task-{task.id}")

    def column(self, stage: Any) -> Locator:
        return self.page.locator(f"[data-cell='stage-{stage.id}']")

    def ids_in(self, stage: Any) -> list[int]:
        cards = self.column(stage).locator(".card")
        return [int(each) for each in cards.evaluate_all("all => all.map(card => card.dataset.taskId)")]

    @property
    def dialog(self) -> Locator:
        return self.page.locator("#dialog[open]")

    @property
    def toast(self) -> Locator:
        return self.page.locator("#flash [data-toast]")

    @property
    def focused(self) -> Locator:
        return self.page.locator(":focus")

    # hands

    @cached_property
    def devtools(self) -> CDPSession:
        """Kept for the page's whole life: where a session ends, Chromium forgets that the line is cut."""
        return self.page.context.new_cdp_session(self.page)

    def quiet(self) -> None:
        """Waits until the page has had time for what must not happen."""
        self.page.wait_for_timeout(400)

    # judgement

    def check(self) -> None:
        """The page is accessible, fits the screen, and nothing went wrong on it so far."""
        if self.page.url == "about:blank":
            return
        self.devtools.send("Runtime.evaluate", {"expression": (STATIC / "vendor" / "axe.min.js").read_text("utf-8")})
        run = (
            "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify(found.violations.map("
            "one => [one.id, one.nodes.map(node => node.html.slice(0, 160))])))"
        )
        found = self.devtools.send("Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True})
        assert found["result"]["value"] == "[]", f"{self.page.url}: {found['result']['value']}"
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(width) <= 0, f"{self.page.url} scrolls sideways"
        assert not self.troubles, self.troubles


@pytest.fixture
def arrive(chromium: Browser, address: str, setting: Setting) -> Iterator[Callable[..., Reader]]:
    """arrive("yu") is 林晓雨 signed in at the setting's screen; arrive() is somebody at the door."""
    readers: list[Reader] = []

    def begin(person: str | None = None) -> Reader:
        context = chromium.new_context(
            **SCREENS[setting.screen], locale=setting.says("zh-CN", "en-US"), reduced_motion="reduce"
        )
        reader = Reader(context.new_page(), address, setting)
        readers.append(reader)
        if person:
            reader.sign_in(person)
        return reader

    yield begin
    try:
        for reader in readers:
            reader.check()
    finally:
        for reader in readers:
            reader.page.context.close()


@pytest.fixture
def yu(arrive: Callable[..., Reader]) -> Reader:
    return arrive("yu")


class Finger:
    """A finger on the glass, as the browser itself feels it."""

    def __init__(self, reader: Reader) -> None:
        self.page, self.devtools = reader.page, reader.devtools
        self.at = (0.0, 0.0)

    def _feel(self, kind: str) -> None:
        points = [] if kind == "touchEnd" else [{"x": self.at[0], "y": self.at[1]}]
        self.devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def press(self, on: Locator) -> None:
        box = on.bounding_box()
        assert box
        self.at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self._feel("touchStart")

    def slide(self, x: float, y: float, steps: int = 12) -> None:
        (from_x, from_y), done = self.at, range(1, steps + 1)
        for step in done:
            self.at = (from_x + (x - from_x) * step / steps, from_y + (y - from_y) * step / steps)
            self._feel("touchMove")
            self.page.wait_for_timeout(16)

    def lift(self) -> None:
        self._feel("touchEnd")


@pytest.fixture
def finger() -> type[Finger]:
    return Finger


@pytest.fixture
def fill_column(app: Flask, world: World) -> Callable[[int], None]:
    """fill_column(70) adds so many tasks to what is being done in the lamp's project."""

    def fill(count: int) -> None:
        with app.app_context():
            lamp = db.session.get_one(Project, world.lamp.id)
            for number in range(count):
                Task.create(
                    lamp, by=lamp.owner, stage=lamp.stages[1], owner=lamp.owner, title_zh=f"第 {number} 项",
                    due_on=october(20),
                )  # fmt: skip
            db.session.commit()

    return fill
