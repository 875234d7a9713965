"""Reminders while workers are killed, the queue forgets all it knew and three timetables run at once.

`CHAOS=full python3 app.py test tests/test_chaos.py` takes some minutes a database; without it a short form runs.
"""

import asyncio
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy import func, select

from linkstar import clock, config, jobs, queue
from linkstar.channels import MEDIA
from linkstar.extensions import db, read_only
from linkstar.models import Channel, Delivery, Membership, Notification, Reminder, Task, User
from linkstar.reports.reminders import Upcoming
from linkstar.supervisor import Child
from tests import clockwork, test_jobs
from tests.channels import fake_robots
from tests.conftest import PUBLIC_URL
from tests.test_jobs import live_app, valkey  # noqa: F401
from tests.world import NOW, World, october

WORKERS, TIMETABLES = 2, 3
PATIENCE = 900  # seconds; nobody waits so long, but for a machine that does much else


@dataclass(frozen=True)
class Form:
    reminders: int
    kills: int
    outage: float  # seconds
    pace: float  # of the clock that the program goes by: with it the lease of a killed delivery ends sooner


FORMS = {"short": Form(60, 6, 4, 15), "full": Form(500, 50, 60, 1)}
FORM = FORMS[os.environ.get("CHAOS", "short")]


class Sink(test_jobs.Sink):
    """Takes its time before it has a message, and after, so that workers die on either side of that moment."""

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        await asyncio.sleep(random.uniform(0, 0.1))
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        said = await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(random.uniform(0, 0.1))
        return str(said)


@pytest.fixture
def sink() -> Iterator[Sink]:
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=test_jobs.free_port())
    controller.start()
    handler.url = f"smtp://127.0.0.1:{controller.port}"
    yield handler
    controller.stop()


class Troupe:
    """The worker and timetable processes, begun again when they fall, as the supervisor does it."""

    def __init__(self, began: datetime) -> None:
        here = (sys.executable, "-m", "tests.clockwork", began.isoformat(), NOW.isoformat(), str(FORM.pace))
        self.workers = [Child((*here, "work")) for _number in range(WORKERS)]
        self.timetables = [Child((*here, "timetable")) for _number in range(TIMETABLES)]
        self.all = [*self.workers, *self.timetables]

    @contextmanager
    def playing(self) -> Iterator["Troupe"]:
        try:
            for each in self.all:
                each.start()
            yield self
        finally:
            for each in self.all:
                each.kill()

    def revive(self) -> None:
        for each in self.all:
            if not each.alive:
                each.revive()

    def kill_one(self, also_a_timetable: bool) -> None:
        """A worker, at work if there is one. The fork that does its job goes with it."""
        living = [each for each in self.workers if each.alive]
        while not living:
            self.revive()
            time.sleep(0.02)
            living = [each for each in self.workers if each.alive]
        self._kill(random.choice([each for each in living if _children(each)] or living))
        if also_a_timetable:
            self._kill(random.choice(self.timetables))

    @staticmethod
    def _kill(child: Child) -> None:
        assert child.process
        child.process.send_signal(signal.SIGKILL)
        child.process.wait()


def _children(child: Child) -> str:
    assert child.process
    with suppress(OSError):
        return Path(f"/proc/{child.process.pid}/task/{child.process.pid}/children").read_text()
    return ""


@pytest.mark.timeout(PATIENCE * 2)
def test_every_reminder_is_told_once_whatever_is_killed(
    live_app: Flask,  # noqa: F811
    databases: Any,
    sink: Sink,
    valkey: test_jobs.Queue,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    world = World(live_app, databases.ids)
    monkeypatch.chdir(config.CHECKOUT)
    with fake_robots.running(live_app) as robots:
        _lay_out(live_app, world, robots)
        environment = {
            "LINKSTAR_DATA": tmp_path,
            "SECRET_KEY": live_app.config["SECRET_KEY"],
            "DATABASE_URL": live_app.config["SQLALCHEMY_DATABASE_URI"],
            "REDIS_URL": valkey.url,
            "MAIL_URL": sink.url,
            "PUBLIC_URL": PUBLIC_URL,
            "OUTGOING_NETWORKS": f"127.0.0.1:{robots.port}",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))
        with live_app.app_context():
            read_only()
            wanted = {_key(row) for row in Upcoming(world.shanlan.id).news()[0] if row["due_at"] <= clock.now()}
        assert len(wanted) >= FORM.reminders
        with live_app.app_context(), clock.at(NOW - timedelta(hours=1)):
            jobs.plan_reminders()  # they are there, so that all who begin find the same ones due
        began = datetime.now(UTC)
        monkeypatch.setattr(clock, "datetime", datetime)  # and so it is again afterwards
        clockwork.run(began, NOW, FORM.pace)
        valkey.start()

        def progress() -> int:
            return _told(live_app) + len(sink.messages) + len(robots.calls)

        with Troupe(began).playing() as troupe:
            total = 2 * FORM.reminders  # each is told; two of a person are one mail; half are a post as well
            killed = _wreak_havoc(troupe, valkey, progress, total)
            end = time.monotonic() + PATIENCE
            woken = time.monotonic()
            while _waiting(live_app):
                assert time.monotonic() < end, "something still waits"
                if FORM is FORMS["short"] and time.monotonic() - woken > 3:
                    with live_app.app_context():
                        queue.wake()  # as each page does that tells somebody something
                    woken = time.monotonic()
                troupe.revive()
                time.sleep(0.1)
            connection = queue.connect(valkey.url)
            assert queue.last_beat(connection) and queue.last_turn(connection)
    took = time.monotonic() - (end - PATIENCE)
    assert killed == FORM.kills
    told, doubles = _look(live_app, wanted, sink, robots)
    seconds = (datetime.now(UTC) - began).total_seconds()
    print(
        f"chaos: {told} reminders told once each, {len(sink.messages)} mails and {len(robots.calls)} posts arrived "
        f"({doubles} of them again), {killed} kills, {seconds:.0f} s, of them {took:.0f} s after the last kill"
    )


def _lay_out(app: Flask, world: World, robots: fake_robots.Robots) -> None:
    """Everybody has two tasks: one is due in three days, and of the one due since yesterday a webhook hears as well."""
    with app.app_context(), clock.at(NOW - timedelta(days=4)):
        Channel.open(
            world.shanlan.id, "webhook", by=world.yue, name="程序", address=robots.address("webhook"),
            secret=fake_robots.SECRETS["webhook"], events=["task.overdue"],
        )  # fmt: skip
        for number in range(FORM.reminders):
            if number % 2 == 0:
                owner = User(email=f"{number}@shanlan.example", name=f"同事 {number}", language="zh")
                db.session.add(Membership(workspace=world.shanlan, user=owner, role="ops"))
                db.session.flush()
            day = october(12) if number % 2 else october(16)
            title = f"第 {number} 项"
            Task.create(world.lamp, by=owner, stage=world.doing, owner=owner, title_zh=title, due_on=day)
        db.session.commit()


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("user_id", "subject", "kind", "step", "version"))


def _wreak_havoc(troupe: Troupe, valkey: test_jobs.Queue, progress: Callable[[], int], total: int) -> int:  # noqa: F811
    """At moments that the work's progress says, so that they fall into it however fast the machine is."""
    moments = sorted(random.sample(range(1, total * 85 // 100), FORM.kills))
    outage_at = total * 2 // 5
    killed, out, end = 0, False, time.monotonic() + PATIENCE
    while killed < FORM.kills or not out:
        assert time.monotonic() < end, "no progress"
        reached = progress()
        if not out and reached >= outage_at:
            out = True
            _forget_the_queue(troupe, valkey)
        elif killed < FORM.kills and reached >= moments[killed]:
            time.sleep(random.uniform(0, 0.25))
            troupe.kill_one(also_a_timetable=killed % 3 == 2)
            killed += 1
        troupe.revive()
        time.sleep(0.02)
    return killed


def _forget_the_queue(troupe: Troupe, valkey: test_jobs.Queue) -> None:  # noqa: F811
    valkey.stop()
    back = time.monotonic() + FORM.outage
    while time.monotonic() < back:
        troupe.revive()
        time.sleep(0.1)
    shutil.rmtree(valkey.folder / "data")
    valkey.start()
    assert queue.connect(valkey.url).dbsize() < 100, "it began again, and not where it was"


def _told(app: Flask) -> int:
    with app.app_context():
        read_only()
        return db.session.scalar(select(func.count()).where(Reminder.state == "told")) or 0


def _waiting(app: Flask) -> int:
    with app.app_context():
        read_only()
        reminders = select(func.count()).where(Reminder.state == "due", Reminder.due_at <= clock.now())
        deliveries = select(func.count()).where(Delivery.state == "due")
        return (db.session.scalar(reminders) or 0) + (db.session.scalar(deliveries) or 0)


def _look(app: Flask, wanted: set[tuple[Any, ...]], sink: Sink, robots: fake_robots.Robots) -> tuple[int, int]:
    """How many were told, and how many messages came again."""
    with app.app_context():
        read_only()
        told = list(db.session.scalars(select(Reminder).where(Reminder.state == "told")))
        assert {_key(vars(each)) for each in told} >= wanted
        rows = select(Notification.reminder_id, func.count()).where(Notification.reminder_id.is_not(None))
        counts = {key: count for key, count in db.session.execute(rows.group_by(Notification.reminder_id))}
        assert counts == {each.id: 1 for each in told}, "one row in the inbox for each"
        sent = select(Delivery.id).where(Delivery.sent_at.is_not(None), Delivery.carrier_id.is_(None))
        ended = {medium: set(db.session.scalars(sent.where(Delivery.medium == medium))) for medium in MEDIA}
        assert db.session.scalar(select(func.count()).where(Delivery.state == "failed")) == 0
    mails, posts = defaultdict(set), defaultdict(list)
    arrived = [str(message["Message-ID"]) for message in sink.messages]
    for message, key in zip(sink.messages, arrived, strict=True):
        for title in re.findall(r"第 \d+ 项", message.get_body(("plain",)).get_content()):
            mails[title].add(key)
    for call in robots.calls:
        assert call["taken"]
        posts[call["body"]["id"]].append(call["headers"]["idempotency-key"])
    host = PUBLIC_URL.removeprefix("https://")
    assert set(arrived) == {f"<delivery-{each}@{host}>" for each in ended["mail"]}, "each came"
    assert len(mails) == FORM.reminders and all(len(keys) == 1 for keys in mails.values()), "one thing, one key"
    assert all(len(set(keys)) == 1 for keys in posts.values()), "one thing comes under one key"
    assert sorted(keys[0] for keys in posts.values()) == sorted(f"delivery-{each}" for each in ended["channel"])
    assert len(posts) >= FORM.reminders // 2
    return len(told), len(arrived) - len(set(arrived)) + len(robots.calls) - len(posts)
