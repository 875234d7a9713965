"""What leaves the program leaves it once, also when the queue is away and workers are killed."""

import asyncio
import email
import email.policy
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from io import BytesIO
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from linkstar import clock, config, jobs, queue, storage
from linkstar.channels import mail
from linkstar.extensions import db
from linkstar.models import (
    Approval,
    AuditEvent,
    Comment,
    Delivery,
    Evidence,
    GatePassage,
    IdempotentRequest,
    MailedLink,
    Notification,
    SignIn,
    User,
    send_reset,
)
from linkstar.models.operations import RoleChange
from tests.conftest import PUBLIC_URL, Browser, make_app
from tests.world import NOW, PEOPLE, World


def deliveries(app, **where):
    with app.app_context():
        rows = list(db.session.scalars(db.select(Delivery).filter_by(**where).order_by(Delivery.id)))
        db.session.expunge_all()
        return rows


def due(app):
    return deliveries(app, state="due")


def say(app, world, body="@何佳 看一下", shared=False):
    with app.app_context():
        Comment.post(world.script, body, by=world.yu, shared=shared)
        db.session.commit()


def deliver(app, at=NOW):
    with app.app_context(), clock.at(at):
        jobs.deliver_due()


def nobody_sleeps(app):
    with app.app_context():
        db.session.execute(db.update(User).values(quiet_from=time_of_day(0), quiet_until=time_of_day(0)))
        db.session.commit()


def letters(folder):
    return sorted((folder / "mail").glob("*.eml"))


# one worker after the other


def test_a_due_delivery_goes_out_once(app, world, tmp_path):
    say(app, world)
    deliver(app)
    deliver(app)
    deliver(app, NOW + timedelta(days=1))
    (letter,) = letters(tmp_path)
    message = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default)
    assert message["To"].addresses[0].addr_spec == PEOPLE["jia"][1]
    (delivery,) = deliveries(app, id=int(letter.stem.rpartition("-")[2]))
    assert (delivery.state, delivery.tries, delivery.sent_at, delivery.error) == ("sent", 1, NOW, None)


def test_failures_are_kept_and_tried_again_ever_later_and_then_given_up(app, world, monkeypatch):
    def refuse(message):
        raise OSError("the mail server is away")

    monkeypatch.setattr(mail, "send", refuse)
    say(app, world)
    nobody_sleeps(app)
    moment = NOW
    for tries, minutes in enumerate((1, 5, 25, 125, 625), 1):
        deliver(app, moment)
        (delivery,) = due(app)
        assert delivery.tries == tries
        assert timedelta(minutes=minutes) <= delivery.due_at - moment <= 1.2 * timedelta(minutes=minutes)
        assert "away" in delivery.error
        deliver(app, delivery.due_at - timedelta(seconds=1))
        assert due(app)[0].tries == tries, "not before its time"
        moment = delivery.due_at
    deliver(app, moment)
    assert due(app) == []
    (delivery,) = deliveries(app, state="failed")
    assert delivery.tries == 6

    def die(delivery, *notices):
        raise GeneratorExit("the worker is killed")

    monkeypatch.setattr(mail, "compose", die)
    say(app, world, "@何佳 再看一下")
    for _try in range(6):
        with pytest.raises(GeneratorExit):
            deliver(app, moment)
        moment += jobs.LEASE
    deliver(app, moment)
    assert due(app) == [] and len(deliveries(app, state="failed")) == 2, "nor for ever where no failure can be noted"


def test_one_that_fails_does_not_hold_up_the_others(app, world, tmp_path, monkeypatch):
    send = mail.send
    monkeypatch.setattr(mail, "send", lambda message: 1 / 0 if "design@" in str(message["To"]) else send(message))
    say(app, world, "@陈思远 @何佳 看一下")
    deliver(app)
    assert len(letters(tmp_path)) == 1
    assert len(due(app)) == 1


def test_who_left_meanwhile_is_told_nothing(app, world, tmp_path):
    say(app, world, "@陈思远 @何佳 @Maya Brooks 看一下", shared=True)
    with app.app_context():
        world.designer.active = False
        db.session.delete(world.jia.membership_in(world.shanlan.id))
        world.script.project.remove_member(
            next(m for m in world.lamp.members if m.user_id == world.maya.id), by=world.yue
        )
        db.session.commit()
    deliver(app)
    assert letters(tmp_path) == []
    assert len(deliveries(app, state="dropped")) == 3


def test_an_internal_word_does_not_follow_a_colleague_who_became_an_outsider(app, world, tmp_path):
    say(app, world, "@何佳 底价 250")
    with app.app_context():
        world.jia.membership_in(world.shanlan.id).role = "us_partner"
        db.session.commit()
    deliver(app)
    assert letters(tmp_path) == []


def test_a_trashed_task_sends_no_more_mails(app, world, tmp_path):
    say(app, world)
    with app.app_context():
        world.script.trash(by=world.yu)
        db.session.commit()
    deliver(app)
    assert letters(tmp_path) == []


def test_while_a_lease_runs_nobody_else_sends(app, world, tmp_path):
    say(app, world)
    with app.app_context():
        assert jobs._claim()
        assert jobs._claim() is None
    deliver(app, NOW + jobs.LEASE - timedelta(seconds=1))
    assert letters(tmp_path) == []
    deliver(app, NOW + jobs.LEASE)
    assert len(letters(tmp_path)) == 1


def test_a_late_failure_does_not_undo_what_another_worker_sent(app, world):
    say(app, world)
    with app.app_context():
        delivery_id, _tries = jobs._claim()
        jobs._close(delivery_id, state="sent")
        jobs._close(delivery_id, due_at=NOW, error="too late")
    (delivery,) = deliveries(app, id=delivery_id)
    assert (delivery.state, delivery.error) == ("sent", None)
    assert due(app) == []


def test_two_workers_at_once_send_each_once(app, world, monkeypatch):
    sent, both = [], threading.Barrier(2)
    monkeypatch.setattr(mail, "send", lambda message: sent.append(message["Message-ID"]))
    for number in range(10):
        say(app, world, f"@何佳 @陈思远 第{number}条")

    def work():
        with app.app_context():
            both.wait()
            jobs.deliver_due()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for _again in range(2):
        deliver(app)
    assert len(sent) == len(set(sent)) == 20


# the real thing: Valkey, a worker, a mail server


class Sink:
    """A mail server that keeps what it gets, and while `holding` lets its clients wait for an answer."""

    def __init__(self):
        self.messages, self.holding, self.reached = [], False, threading.Event()

    async def handle_DATA(self, server, session, envelope):
        self.reached.set()
        while self.holding:
            await asyncio.sleep(0.05)
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def sink():
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    handler.url = f"smtp://127.0.0.1:{controller.port}"
    yield handler
    handler.holding = False
    controller.stop()


class Queue:
    """A real server on a socket of its own, which a test may start late."""

    def __init__(self, folder):
        self.folder, self.socket, self.process = folder, folder / "s", None
        self.url = f"unix://{self.socket}"

    def start(self):
        program = [sys.executable, "-P", config.CHECKOUT / "linkstar" / "valkey.py", self.folder / "data", self.socket]
        self.process = subprocess.Popen(list(map(str, program)))
        wait_for(self.answers)

    def answers(self):
        with suppress(queue.RedisError):
            return queue.connect(self.url).ping()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def valkey():
    with tempfile.TemporaryDirectory(prefix="linkstar-", ignore_cleanup_errors=True) as folder:
        server = Queue(Path(folder))
        yield server
        server.stop()


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def live_app(database, tmp_path, sink, valkey):
    app = make_app(database, tmp_path, REDIS_URL=valkey.url, MAIL_URL=sink.url)
    nobody_sleeps(app)  # the worker's clock is the real one
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def worker(app):
    settings = app.config
    environment = os.environ | {
        "LINKSTAR_DATA": str(settings["DATA"]),
        "DATABASE_URL": settings["SQLALCHEMY_DATABASE_URI"],
        "REDIS_URL": settings["REDIS_URL"],
        "MAIL_URL": settings["MAIL_URL"],
        "PUBLIC_URL": PUBLIC_URL,
    }
    command = [sys.executable, "-m", "flask", "--app", "app.py", "work"]
    process = subprocess.Popen(command, env=environment, cwd=config.CHECKOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def sign_in(app, person):
    browser = Browser(app)
    browser.sign_in(PEOPLE[person][1])
    return browser


def test_a_notice_is_in_the_inbox_at_once_and_its_mail_waits_for_the_queue_to_come_back(
    live_app, databases, sink, valkey
):
    world = World(live_app, databases.ids)
    yu = sign_in(live_app, "yu")
    began = time.monotonic()
    answer = yu.post(
        f"/tasks/{world.unboxing.id}/comments", {"body": "@Jess Kim film at night", "shared": "1"}, htmx=True
    )
    assert answer.status_code == 200
    assert time.monotonic() - began < 2
    assert "film at night" in sign_in(live_app, "jess").get(f"/briefs/{world.unboxing.id}").text
    valkey.start()
    with worker(live_app):
        yu.post(
            f"/tasks/{world.script.id}/moves",
            {"owner_id": world.jia.id},
            headers={"X-Forwarded-Host": "evil.example.com"},
        )
        wait_for(lambda: len(sink.messages) == 2)
        wait_for(lambda: not due(live_app))
    by_reader = {message["To"].addresses[0].addr_spec: message for message in sink.messages}
    english, chinese = by_reader[PEOPLE["jess"][1]], by_reader[PEOPLE["jia"][1]]
    assert "Unboxing video" in english["Subject"]
    assert "拍摄脚本" in chinese["Subject"]
    assert "film at night" in english.get_body(("plain",)).get_content()
    for message, page in ((english, "briefs"), (chinese, "tasks")):
        for part in message.iter_parts():
            assert f"{PUBLIC_URL}/{page}/" in part.get_content()
            assert "evil" not in part.get_content()


def test_a_worker_killed_between_claim_and_sent_loses_nothing_and_doubles_nothing(live_app, databases, sink, valkey):
    world = World(live_app, databases.ids)
    valkey.start()
    sink.holding = True
    with worker(live_app) as process:
        sign_in(live_app, "yu").post(f"/tasks/{world.script.id}/comments", {"body": "@何佳 看一下"}, htmx=True)
        assert sink.reached.wait(30)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.5)  # its fork dies with it
    (delivery,) = due(live_app)
    assert delivery.tries == 1
    sink.holding = False
    sink.messages.clear()
    deliver(live_app, datetime.now(UTC))
    assert sink.messages == [], "the lease of the dead still runs"
    for _ in range(2):
        deliver(live_app, datetime.now(UTC) + jobs.LEASE)
    assert len(sink.messages) == 1
    assert due(live_app) == []


def test_no_page_waits_for_a_queue_that_hangs(live_app, databases, valkey):
    world = World(live_app, databases.ids)
    yu = sign_in(live_app, "yu")
    valkey.start()
    valkey.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = yu.post(f"/tasks/{world.script.id}/moves", {"owner_id": world.jia.id}, htmx=True)
        assert (answer.status_code, time.monotonic() - began < 2) == (200, True)
    finally:
        valkey.process.send_signal(signal.SIGCONT)
    with live_app.app_context():
        assert db.session.scalar(
            db.select(Notification).where(Notification.user_id == world.jia.id).order_by(Notification.id.desc())
        )


def test_what_has_served_its_time_is_swept_away(app, browse, world):
    yu = browse("yu")
    yu.post(f"/tasks/{world.script.id}/comments", {"body": "收到"}, headers={"Idempotency-Key": "yesterday"})
    for later, kept in ((timedelta(hours=11), 1), (timedelta(hours=25), 0)):
        with app.app_context(), clock.at(NOW + later):
            jobs.sweep()
            assert db.session.scalar(db.select(db.func.count()).select_from(IdempotentRequest)) == kept
            assert db.session.scalar(db.select(db.func.count()).select_from(SignIn)) == kept


def test_addresses_and_words_that_nobody_needs_any_more_go_after_thirty_days(app, world):
    with app.app_context():
        comment = Comment.post(world.script, "收回的话", by=world.yu)
        comment.trash(by=world.yu)
        send_reset(world.yu.email)
        send_reset("nobody@example.com")
        role = {"guests": [["guest@example.com", "Gast"]], "role": "intern", "language": "en", "project_id": None}
        asked = Approval.ask(RoleChange(world.shanlan.id, role), by=world.yue)
        asked.withdraw(by=world.yue)
        db.session.commit()
        link, comment_id, approval_id = db.session.scalars(db.select(MailedLink.id)).one(), comment.id, asked.id
        assert db.session.scalar(db.select(db.func.count()).where(AuditEvent.action == "password.asked")) == 1
    for later, there in ((timedelta(days=29), True), (timedelta(days=31), False)):
        with app.app_context(), clock.at(NOW + later):
            jobs.sweep()
            approval = db.session.get_one(Approval, approval_id)
            assert (db.session.get(MailedLink, link) is not None) == there
            assert (db.session.get_one(Comment, comment_id).body == "收回的话") == there
            assert ("guest@example.com" in f"{approval.arguments}{approval.difference}") == there
            assert approval.asked_for.about["en"] == "Gast"


def test_the_sweep_takes_uploads_that_no_row_names_and_keeps_what_a_passage_froze(app, world, monkeypatch):
    monkeypatch.setattr(jobs, "UPLOADS_KEPT", timedelta(hours=-1))
    with app.app_context():
        lost, given, frozen = (storage.put(BytesIO(b"words"), limit=10).key for _each in range(3))
        evidence = Evidence(workspace_id=world.shanlan.id, kind="file", file_key=given, given_by=world.lei)
        content = {"checklists": [{"items": [{"evidence": {"file_key": frozen}}, {"evidence": None}]}]}
        passage = GatePassage(
            workspace_id=world.shanlan.id, task=world.fcc, passed_by=world.lei, content=content
        )  # fmt: skip
        db.session.add_all([evidence, passage])
        db.session.commit()
        jobs.sweep()
        storage.open(given).close()
        storage.open(frozen).close()
        with pytest.raises(storage.Missing):
            storage.open(lost)
