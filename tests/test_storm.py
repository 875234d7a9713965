"""Fifty people move cards of one column at once, and a web worker is killed in the middle."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import select

from linkstar.extensions import db
from linkstar.models import AuditEvent, Task
from tests.world import PASSWORD, PEOPLE, World

CHECKOUT = Path(__file__).parents[1]
CARDS = 50


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The real web server with its workers: (port, process id of gunicorn)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "DATABASE_URL": database,
        "LINKSTAR_DATA": str(tmp_path / "data"),
        "REDIS_URL": f"unix://{tmp_path / 'nobody'}",
    }
    command = [sys.executable, "-m", "gunicorn", "app:app", "--no-control-socket", f"--bind=127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--worker-class=gthread", "--workers=2", "--threads=8", "--graceful-timeout=1"],
        cwd=CHECKOUT,
        env=environment,
    )
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    for _attempt in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start")


def _workers(master: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


class Person:
    """One signed-in browser over HTTP; connections that break are an answer too: None."""

    def __init__(self, port: int) -> None:
        self.port, self.cookie = port, ""
        token = self._token("/login")
        self.ask("POST", "/login", {"email": PEOPLE["yu"][1], "password": PASSWORD, "csrf_token": token})
        self.token = self._token("/")

    def _token(self, path: str) -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', str(self.ask("GET", path)))
        assert found
        return found[1]

    def ask(
        self, method: str, path: str, form: dict[str, object] | None = None, key: str = ""
    ) -> tuple[int, str] | None:
        headers = {
            "Cookie": self.cookie,
            "Content-Type": "application/x-www-form-urlencoded",
            "Idempotency-Key": key,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, urlencode(form or {}), headers)
            response = connection.getresponse()
            body = response.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if cookie := response.headers.get("Set-Cookie"):
            self.cookie = cookie.split(";")[0]
        return response.status, body

    def move(self, task_id: int, before_id: int) -> list[int | None]:
        """Moves a card as a browser does: again, with the same key, where no answer came. The answers' statuses."""
        answers: list[int | None] = []
        while not answers or (answers[-1] is None and len(answers) < 5):
            form = {"before_id": before_id, "csrf_token": self.token}
            answer = self.ask("POST", f"/tasks/{task_id}/moves", form, key=f"move-{task_id}")
            answers.append(answer and answer[0])
        return answers


def test_no_acknowledged_move_is_lost_when_a_worker_is_killed(
    app: Flask, world: World, server: tuple[int, int]
) -> None:
    port, master = server
    with app.app_context():
        ids = _fill_column(world)
    person = Person(port)
    orders = []
    with ThreadPoolExecutor(CARDS) as crowd:
        moves = [crowd.submit(person.move, task_id, ids[(place * 7 + 3) % CARDS]) for place, task_id in enumerate(ids)]
        while not any(move.done() for move in moves):
            time.sleep(0.01)
        assert not all(move.done() for move in moves)
        os.kill(_workers(master)[0], signal.SIGKILL)
        while not all(move.done() for move in moves):
            with app.app_context():
                orders.append(_order(ids))
        answers = [move.result() for move in moves]
    assert {tries[-1] for tries in answers} == {303}
    with app.app_context():
        orders.append(_order(ids))
        events = select(AuditEvent.task_id).where(AuditEvent.action == "task.moved", AuditEvent.task_id.in_(ids))
        moved = list(db.session.scalars(events))
    assert sorted(moved) == sorted(ids), "every acknowledged move was made, and none twice"
    for order in orders:
        assert len(order) == CARDS and len(set(order)) == CARDS, "the order is total in every read"


def _fill_column(world: World) -> list[int]:
    tasks = [
        Task.create(world.lamp, by=world.yu, stage=world.to_do, owner=world.yu, title_zh=f"第 {number} 张卡")
        for number in range(CARDS)
    ]
    db.session.commit()
    return [task.id for task in tasks]


def _order(ids: list[int]) -> list[int]:
    return list(db.session.scalars(select(Task.position).where(Task.id.in_(ids)).order_by(Task.position)))
