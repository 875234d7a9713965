"""What works unseen is watched: by Prometheus, by administrators, and by whoever asks the doctor."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from flask_babel import force_locale
from rq.cron import CronScheduler
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from linkstar import clock, config, doctor, jobs, queue
from linkstar.extensions import db
from linkstar.models import Channel, Comment, Delivery, Emergency, Notification, Post, Reminder
from linkstar.models.notification import notify_of_emergency
from tests import test_jobs
from tests.conftest import make_app
from tests.test_jobs import valkey  # noqa: F401
from tests.test_setup_config import STRONG
from tests.world import NOW, World

HOUR = timedelta(hours=1)


def metrics(app: Flask, **asking: Any) -> dict[str, float]:
    answer = app.test_client().get("/metrics", **asking)
    assert answer.status_code == 200
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(number) for name, _space, number in lines}


def remind(world: World, at: datetime, **values: Any) -> None:
    about = {"workspace_id": world.shanlan.id, "user_id": world.yu.id, "task_id": world.listing.id}
    row = {"subject": f"task:{world.listing.id}", "kind": "due", "step": 7, "version": "2026-10-20", "due_at": at}
    db.session.add(Reminder(**about | row | values))


@pytest.fixture
def trouble(app: Flask, world: World) -> Iterator[World]:
    """A reminder that nobody told, a mail and a post that were given up; and the other company's."""
    with app.app_context():
        remind(world, NOW - HOUR)
        remind(
            world, NOW - 2 * HOUR, workspace_id=world.beiyuan.id, user_id=world.lead.id, task_id=world.frame.id,
            subject="task:1",
        )  # fmt: skip
        Comment.post(world.script, "@何佳 看一下", by=world.yu)
        theirs = {"workspace_id": world.beiyuan.id, "user_id": world.lead.id, "task_id": world.frame.id}
        db.session.add(Notification(kind="assigned", deliveries=[Delivery()], **theirs))
        channel = Channel.open(
            world.shanlan.id, "webhook", by=world.yue, name="企微群", address="https://example.com/", events=[]
        )
        channel.post("task.completed", "event:1", task=world.script)
        channel.trouble = "503"
        channel.test()
        db.session.flush()
        lost = db.update(Delivery).where(Delivery.state == "due")
        db.session.execute(lost.values(state="failed", tries=6, error="OSError('away')"))
        db.session.commit()
    yield world


def test_prometheus_reads_what_waits_and_since_when(
    app: Flask, trouble: World, count_queries: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with count_queries() as queries:
        text = app.test_client().get("/metrics").text
    assert len(queries) <= 8
    for name in (trouble.shanlan.name_zh, trouble.shanlan.name_en, "shanlan", "企微群", "example.com"):
        assert name not in text
    found = metrics(app)
    assert found["linkstar_queue_up"] == 0
    assert found['linkstar_due{of="reminders"}'] == 2
    assert found['linkstar_oldest_due_seconds{of="reminders"}'] == 7200
    assert found['linkstar_deliveries{medium="mail",state="failed"}'] == 2
    assert found['linkstar_deliveries{medium="channel",state="failed"}'] == 1
    assert found["linkstar_sign_ins"] == 0

    client = app.test_client()
    strangers: list[dict[str, Any]] = [
        {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}},
        *({"headers": {name: "203.0.113.9"}} for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")),
        {"base_url": "https://hub.example.com"},
    ]
    for asking in strangers:
        assert client.get("/metrics", **asking).status_code == 404, asking
    app.config["METRICS_TOKEN"] = "t" * 20
    for header in ("", f"Bearer {'u' * 20}", "t" * 20, "Bearer "):
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 404, header
    for asking in strangers:
        headers = asking.get("headers", {}) | {"Authorization": f"Bearer {'t' * 20}"}
        assert metrics(app, **asking | {"headers": headers})


def test_a_token_that_is_easily_guessed_stops_the_start(tmp_path: Any) -> None:
    with pytest.raises(config.BadSetting, match="METRICS_TOKEN"):
        config.load({"LINKSTAR_DATA": str(tmp_path), "METRICS_TOKEN": "short"})


def test_an_administrator_reads_what_is_wrong_in_the_own_company(
    app: Flask,
    trouble: World,
    browse: Callable[..., Any],
    count_queries: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin, asked = browse("admin"), []
    monkeypatch.setattr(queue, "connect", lambda url, real=queue.connect: asked.append(url) or real(url))
    with count_queries() as queries:
        page = admin.get("/operations", headers={"Accept-Language": "en"}).text
    few = len(queries)
    assert len(asked) == 1, "a queue that hangs is waited for once"
    row = page[page.index('data-medium="mail"') :].partition("</tr>")[0]
    assert '<td class="n">0</td><td class="n">0</td><td class="n">1</td>' in row
    with app.test_request_context(headers={"Accept-Language": "en"}):
        said = dict(doctor.unseen(queue.Pulse.feel(app.config), trouble.shanlan.id))
        everywhere = dict(doctor.unseen(queue.Pulse.feel(app.config)))
    assert "1 reminder is due, for 1 hour." in str(said["What is due"])
    assert "2 reminders are due, the oldest for 2 hours." in str(everywhere["What is due"])
    assert str(said["Messages that were given up"]).startswith("2 within a week")
    listed = admin.get("/deliveries?lang=en").text
    assert listed.count("data-delivery=") == 2
    assert "1 given up" in admin.get("/channels?lang=en").text, "a failed test is nowhere among them"
    assert str(said["Channels"]).startswith("1 takes no messages")
    with app.app_context():
        db.session.execute(db.text("update channel set address = 'sealed by another key'"))
        db.session.commit()
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert "SECRET_KEY" in str(dict(doctor.unseen(queue.Pulse.feel(app.config)))["Channels"])
    assert "can no longer be read" in admin.get("/channels?lang=en").text
    assert "flask --app app timetable" not in str(said["Timetable"]), "nobody can say while the queue is away"
    with app.app_context():
        for number in range(20):
            remind(trouble, NOW - HOUR, subject=f"task:9{number}")
            Comment.post(trouble.script, f"@何佳 {number}", by=trouble.yu)
        db.session.commit()
    with count_queries() as queries:
        assert admin.get("/operations").status_code == 200
    assert len(queries) == few
    assert browse("yu").get("/operations").status_code == 403

    def broken(*_args: Any) -> Any:
        raise OperationalError("select", {}, Exception()) from Exception("no such host: db.inner.example")

    monkeypatch.setattr(doctor, "overdue", broken)
    page = admin.get("/operations?lang=en").text
    assert "the log says why" in page and "inner" not in page


def test_worker_and_timetable_are_heard_of_and_missed(
    database: str,
    tmp_path: Any,
    valkey: test_jobs.Queue,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app(database, tmp_path, REDIS_URL=valkey.url)
    valkey.start()
    connection = queue.connect(valkey.url)
    real = datetime.now(UTC)

    def said(name: str, at: datetime = real) -> str:
        with app.test_request_context(headers={"Accept-Language": "en"}), clock.at(at):
            return str(dict(doctor.unseen(queue.Pulse.feel(app.config)))[name])

    assert "flask --app app timetable" in said("Timetable") and "flask --app app work" in said("Worker")
    scheduler = CronScheduler(connection, logging_level="WARNING")
    scheduler.register_birth()
    scheduler.heartbeat()
    assert said("Timetable") == "None"
    assert "3 minutes" in said("Timetable", real + timedelta(minutes=3))
    queue.rq.Queue(queue.NAME, connection=connection).enqueue("linkstar.jobs.hear")
    found = metrics(app)
    assert (found["linkstar_queue_up"], found["linkstar_queue_depth"]) == (1, 1)
    assert abs(found["linkstar_timetable_last_beat_timestamp_seconds"] - real.timestamp()) < 60

    def fail(key: int) -> None:
        raise ValueError(key)

    with app.app_context(), caplog.at_level(logging.ERROR, "linkstar"):
        for _time in range(3):
            jobs._do_each([7, 8], fail)
    assert len(caplog.records) == 2, "each row is complained of once an hour"
    with app.app_context():
        db.engine.dispose()


def test_the_doctor_says_whose_clock_is_wrong(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert doctor.time() is None
        monkeypatch.setattr(doctor, "time_of_database", lambda: datetime.now(UTC) + timedelta(minutes=4))
        assert "4 minutes" in str(doctor.time())
        assert "NTP" in str(doctor.time())


class Strict(test_jobs.Sink):
    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if not address.endswith("@hub.example.com"):
            return "550 no such sender here"
        envelope.mail_from = address
        return "250 OK"


@pytest.mark.one_database
def test_the_doctor_talks_with_the_mail_server_as_far_as_the_sender(app: Flask) -> None:
    handler = Strict()
    controller = Controller(handler, hostname="127.0.0.1", port=test_jobs.free_port())
    controller.start()
    url = f"smtp://127.0.0.1:{controller.port}"
    with app.test_request_context():
        try:
            with force_locale("en"):
                assert doctor.mail(url, "Linkstar <linkstar@hub.example.com>") is None
                assert "MAIL_FROM" in str(doctor.mail(url, "Linkstar <linkstar@localhost>"))
                assert "no such sender here" in str(doctor.mail(url, "Linkstar <linkstar@localhost>"))
                assert doctor.mail(url.replace("//", "//me:secret@"), "a@hub.example.com"), "it knows no AUTH"
        finally:
            controller.stop()
        with force_locale("en"):
            assert "MAIL_URL" in str(doctor.mail(url, "a@hub.example.com"))
    assert handler.messages == []


def test_what_went_out_long_ago_is_swept_away_and_nothing_is_told_again(app: Flask, trouble: World) -> None:
    def left() -> tuple[int, int, int]:
        found = [db.session.scalar(select(func.count()).select_from(each)) for each in (Delivery, Post, Notification)]
        return found[0] or 0, found[1] or 0, found[2] or 0

    with app.app_context():
        about = Emergency(
            workspace_id=trouble.shanlan.id, trigger="listing_removed", severity="s2", title="B0C1",
            declared_by=trouble.yu,
        )  # fmt: skip
        notify_of_emergency(trouble.jia, by=trouble.yu, emergency=about)
        db.session.flush()
        hers = db.update(Notification).where(Notification.user_id == trouble.jia.id).values(read_at=NOW)
        read = db.session.execute(hers).rowcount
        db.session.commit()
        before = left()
        reminders = db.session.scalar(select(func.count(Reminder.id)))
        failed = db.session.scalar(select(func.count(Delivery.id)).where(Delivery.state == "failed")) or 0
        waiting = db.session.scalar(select(func.count(Delivery.id)).where(Delivery.state == "due")) or 0
        with clock.at(NOW + timedelta(days=89)):
            jobs.sweep()
        assert left() == before
        with clock.at(NOW + timedelta(days=91)):
            jobs.sweep()
        assert left() == (failed + waiting, before[1], before[2])
        db.session.execute(db.update(Delivery).where(Delivery.post_id.is_not(None)).values(state="sent"))
        db.session.commit()
        with clock.at(NOW + timedelta(days=366)):
            jobs.sweep()
        _deliveries, posts, notices = left()
        assert (posts, notices) == (0, before[2] - read + 1), "who was told of an emergency, and when, stays"
        assert db.session.scalar(select(func.count(Reminder.id))) == reminders


@pytest.mark.one_database
def test_a_tick_of_another_day_tells_and_takes_nothing_away(
    app: Flask, trouble: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    for name in ("plan_reminders", "run_agreed", "deliver_due", "sweep"):
        monkeypatch.setattr(jobs, name, lambda name=name: done.append(name))
    run = app.test_cli_runner().invoke
    told = run(args=["tick", "--at", "2031-12-01T09:00:00+0800"])
    assert (told.exit_code, done, told.stderr) == (0, ["plan_reminders", "deliver_due"], "")
    assert "nothing is swept away" in " ".join(run(args=["tick", "--help"]).output.split())
    app.config |= {"MAIL_URL": "smtp://mail.example.com", "PUBLIC_URL": "http://127.0.0.1:8000"}
    done.clear()
    told = run(args=["tick"], env={"LC_ALL": "en"})
    assert done == ["plan_reminders", "run_agreed", "deliver_due", "sweep"]
    assert "PUBLIC_URL" in told.stderr and "127.0.0.1:8000" in told.stderr
    mailing = {"LINKSTAR_MODE": "production", "MAIL_URL": "smtp://mail.example.com", "SECRET_KEY": STRONG}
    for host in ("127.0.0.1:8000", "localhost", "[::1]:80", "0.0.0.0"):
        with pytest.raises(config.BadSetting, match="PUBLIC_URL"):
            config.load(mailing | {"PUBLIC_URL": f"http://{host}", "LINKSTAR_DATA": str(app.config["DATA"])})
