"""Measures the whole program on boards of 100, 1,000 and 4,000 cards and holds the figures against the targets."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, MetaData, event, inspect, select

from linkstar import create_app
from linkstar.bench import programs, reference, seed
from linkstar.bench.load import FORM, Call, Figures, Person, drive
from linkstar.extensions import db
from linkstar.models import Project, Stage, Task

LONGEST = 170  # seconds for everything
CONNECTIONS = 8
OTHERS = ("DATABASE_URL", "REDIS_URL", "MAIL_URL", "STORAGE_URL", "PUBLIC_URL", "LINKSTAR_MODE", "TRUSTED_PROXIES")
HEAD = f"""{"":24}{"1 connection":>26}  {f"{CONNECTIONS} connections":>26}
{"":24}{"requests/s  p50 ms  p95 ms":>26}  {"requests/s  p50 ms  p95 ms":>26}  queries  KB plain  KB sent"""


class Row(NamedTuple):
    alone: Figures
    together: Figures
    queries: int
    plain: int

    def __str__(self) -> str:
        times = (f"{each.rate:10.0f}{each.p50:8.1f}{each.p95:8.1f}" for each in (self.alone, self.together))
        return f"{'  '.join(times)}{self.queries:9}{self.plain / 1000:10.1f}{self.alone.size / 1000:9.1f}"


class Program(NamedTuple):
    """In processes of its own at a port, and once more in this one, where its queries can be counted."""

    app: Flask
    port: int


class Bench:
    def __init__(self, ours: Program, bare: Program, *, quick: bool) -> None:
        self.ours, self.bare = ours, bare
        self.most, self.seconds = (10, 5.0) if quick else (400, 1.0)
        self.headers = Person(ours.port).sign_in()
        self.statements: list[str] = []
        event.listen(Engine, "before_cursor_execute", lambda *facts: self.statements.append(facts[2]))

    def measure(self, project_id: int) -> dict[str, Row]:
        """Measures one board and prints its rows. The moves come last, because they change it."""
        board = f"/projects/{project_id}/board"
        htmx = self.headers | {"HX-Request": "true", "HX-Current-URL": f"http://127.0.0.1:{self.ours.port}{board}"}
        with self.ours.app.app_context():
            project = db.session.get_one(Project, project_id)
            left, right = project.stages[:2]
            first, second = _tasks(left), _tasks(right)

        def drag(at: int) -> list[Call]:
            """Each connection takes a card of its own to the first column and back, in front of the same two."""
            forms = (f"stage_id={left.id}&before_id={first[at]}", f"stage_id={right.id}&before_id={second[2 * at + 1]}")
            return [Call("POST", f"/tasks/{second[2 * at]}/moves", htmx | FORM, form) for form in forms]

        def update(at: int) -> list[Call]:
            return [Call("POST", f"/moves/{second[2 * at]}", FORM, f"stage_id={right.id}")]

        pages = {
            "whole board": (f"{board}?all=1", self.headers),
            "default page": (board, self.headers),
            "unchanged poll": (f"/projects/{project_id}/changes?since={project.revision}", htmx),
            "task panel": (f"/tasks/{first[0]}", htmx),
            "list page": (f"/projects/{project_id}/list", self.headers),
        }
        rows = {name: self._row(name, self.ours, [[Call("GET", *get)]] * CONNECTIONS) for name, get in pages.items()}
        rows["move"] = self._row("move", self.ours, [drag(at) for at in range(CONNECTIONS)])
        bare = [[Call("GET", f"/boards/{project_id}", {})]] * CONNECTIONS
        rows["bare board"] = self._row("  reference: all cards", self.bare, bare)
        rows["bare move"] = self._row("  reference: an update", self.bare, [update(at) for at in range(CONNECTIONS)])
        for ours, theirs in (("whole board", "bare board"), ("move", "bare move")):
            print(f"p50 of our {ours} / reference: {rows[ours].alone.p50 / rows[theirs].alone.p50:.2f}")
        return rows

    def _row(self, name: str, program: Program, rounds: list[list[Call]]) -> Row:
        queries, plain = self._count(program.app, rounds[0])
        drive(program.port, rounds, self.most // 10 + 1, self.seconds)
        alone, together = (drive(program.port, some, self.most, self.seconds) for some in (rounds[:1], rounds))
        row = Row(alone, together, queries, plain)
        print(f"{name:24}{row}", flush=True)
        return row

    def _count(self, app: Flask, calls: list[Call]) -> tuple[int, int]:
        """Queries and bytes of a second request, asked in this process without compression."""
        client = app.test_client(use_cookies=False)
        for call in islice(cycle(calls), 2):
            self.statements.clear()
            headers = call.headers | {"Accept-Encoding": "identity"}
            answer = client.open(call.path, method=call.method, data=call.body, headers=headers)
        return sum(not each.startswith("BEGIN") for each in self.statements), len(answer.data)


def _tasks(stage: Stage) -> list[int]:
    return list(db.session.scalars(select(Task.id).where(Task.stage_id == stage.id).order_by(Task.position)))


def judge(rows: dict[str, Row], cards: int, first_visit: int) -> bool:
    """Says which targets are reached. A time depends on the machine, so only sizes and counts decide the answer."""
    whole, page, move, poll = (rows[name] for name in ("whole board", "default page", "move", "unchanged poll"))
    sizes = (
        (f"whole board of {cards:,} cards, KB sent", whole.alone.size / 1000, 50),
        (f"default page of {cards:,} cards, KB sent", page.alone.size / 1000, 15),
        ("a move, KB sent", move.alone.size / 1000, 8),
        ("a move, queries", move.queries, 17),
        ("first visit of the default page on a phone, KB sent", first_visit / 1000, 120),
    )
    times = (
        ("whole board, ms", whole.alone.p50, 20),
        ("whole board, ms, against the reference", whole.alone.p50, rows["bare board"].alone.p50),
        (f"whole board over {CONNECTIONS} connections, ms for each", 1000 / whole.together.rate, 1000 / 90),
        ("default page, ms", page.alone.p50, 10),
        ("a move, ms", move.alone.p50, 5),
        ("unchanged poll, ms", poll.alone.p50, 2),
    )
    for name, value, limit in sizes + times:
        print(f"{'reached' if value <= limit else 'missed':9}{name:54}{value:8.1f} ≤ {limit:.1f}")
    return all(value <= limit for _, value, limit in sizes)


@contextmanager
def seeded(folder: Path, database: str | None, sizes: list[int]) -> Iterator[tuple[Flask, list[int]]]:
    """The application on an empty database with boards of these sizes. A database that was given is left empty."""
    for name in OTHERS:
        os.environ.pop(name, None)
    os.environ |= {"LINKSTAR_DATA": str(folder)} | ({"DATABASE_URL": database} if database else {})
    app = create_app()
    with app.app_context():
        if inspect(db.engine).get_table_names():
            sys.exit("This database is not empty. Give one that holds nothing: the boards go into it and out again.")
    try:
        with app.app_context():
            upgrade()
            users = seed.people()
            projects = [seed.board(size, users).id for size in sizes]
            db.session.commit()
        yield app, projects
    finally:
        with app.app_context():
            everything = MetaData()
            everything.reflect(db.engine)
            everything.drop_all(db.engine)
            db.engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(prog="app.py bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few requests of each kind on the smallest board")
    parser.add_argument("--database", metavar="URL", help="an empty database; otherwise SQLite in a temporary folder")
    options = parser.parse_args()
    for each in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(each, lambda number, _: sys.exit(128 + number))
    signal.alarm(LONGEST)
    sizes = [100] if options.quick else [100, 1000, 4000]
    with (
        TemporaryDirectory(prefix="linkstar-bench-") as name,
        seeded(Path(name), options.database, sizes) as (app, projects),
        programs.linkstar(Path(name)) as (process, port),
        programs.reference(Path(name)) as bare_port,
    ):
        bench = Bench(Program(app, port), Program(reference.create_app(), bare_port), quick=options.quick)
        print(f"Linkstar at http://127.0.0.1:{port}: {programs.memory(process)}\n\n{HEAD}")
        boards = {}
        for size, project in zip(sizes, projects, strict=True):
            print(f"\n{size:,} cards")
            boards[size] = bench.measure(project)
        print(f"\nAfterwards: {programs.memory(process)}\n")
        size = min(1000, sizes[-1])
        page = Call("GET", f"/projects/{projects[sizes.index(size)]}/board", bench.headers)
        first_visit = Person(port).first_visit(page)
    sys.exit(not judge(boards[size], size, first_visit))


if __name__ == "__main__":
    main()
