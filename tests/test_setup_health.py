from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq.cron import CronScheduler
from sqlalchemy import create_engine

from linkstar import clock, doctor, queue, schedule
from linkstar.extensions import db
from linkstar.models import Handover


@pytest.fixture
def broken(app: Flask, tmp_path: Path) -> Iterator[None]:
    """An application whose database is no database."""
    file = tmp_path / "broken.db"
    file.write_text("not a database, though it is long enough to be looked at" * 100)
    with app.app_context():
        engine, db.engines[None] = db.engines[None], create_engine(f"sqlite:///{file}")
    yield
    with app.app_context():
        db.engines[None] = engine


def test_pages_are_ready_without_a_queue(app: Flask) -> None:
    response = app.test_client().get("/readyz")
    assert response.status_code == 200
    assert response.json == {"database": "ok", "queue": "error", "worker": "late"}


def test_a_beating_worker_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "last_beat", lambda connection: clock.now())
    assert app.test_client().get("/readyz").json == {"database": "ok", "queue": "ok", "worker": "ok"}


@pytest.mark.usefixtures("broken")
def test_a_broken_database_is_told_in_one_word_and_the_process_still_lives(app: Flask) -> None:
    client = app.test_client()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json is not None and response.json["database"] == "error"
    assert client.get("/healthz").status_code == 200


def test_the_doctor_finds_everything_well_but_the_queue(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert {name for name, trouble in doctor.examine(app) if trouble} == {"Queue", "Worker", "Timetable"}


def test_the_timetable_has_every_job_that_waits_for_its_moment() -> None:
    scheduler = CronScheduler(Redis.from_url("unix:///nowhere"))
    schedule.fill(scheduler)
    assert [(job.func_name, job.interval) for job in scheduler.get_jobs()] == [
        ("linkstar.jobs.deliver_due", 30),
        ("linkstar.jobs.deliver_channels", 30),
        ("linkstar.jobs.hear", 30),
        ("linkstar.jobs.automate", 30),
        ("linkstar.jobs.escalate", 30),
        ("linkstar.jobs.run_agreed", 60),
        ("linkstar.jobs.send_digests", 300),
        ("linkstar.jobs.deliver_notes", 60),
        ("linkstar.jobs.plan_reminders", 300),
        ("linkstar.jobs.remind", 60),
        ("linkstar.jobs.sweep", 3600),
    ]


def test_a_person_is_added_and_can_sign_in(app: Flask) -> None:
    runner = app.test_cli_runner()
    options = ["--name", "新人", "--workspace", "shanlan", "--role", "intern"]
    result = runner.invoke(args=["user", "add", "New.Person@Example.com", *options])
    assert result.exit_code == 0, result.output
    assert "new.person@example.com" in runner.invoke(args=["user", "list"]).output
    again = runner.invoke(args=["user", "add", "new.person@example.com", *options])
    assert again.exit_code == 1
    assert "already" in again.output


def test_who_had_left_comes_back_and_can_sign_in(session: Any, app: Flask, world: Any) -> None:
    Handover(world.finance.membership_in(world.shanlan.id)).run(world.yue, by=world.admin)
    session.commit()
    assert not world.finance.active
    options = [world.finance.email, "--name", "吴敏", "--workspace", "shanlan", "--role", "finance"]
    session.commit()
    assert app.test_cli_runner().invoke(args=["user", "add", *options]).exit_code == 0
    session.expire_all()
    assert world.finance.active


def test_tick_happens_at_the_named_instant(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[datetime] = []
    monkeypatch.setattr("linkstar.jobs.deliver_due", lambda: seen.append(clock.now()))
    app.test_cli_runner().invoke(args=["tick", "--at", "2026-11-01T09:00:00+0800"])
    assert seen == [datetime(2026, 11, 1, 1, 0, tzinfo=UTC)]
