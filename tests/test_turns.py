"""Who works unseen gives each its turn: what is slow, dead or broken keeps nobody else waiting."""

import re
import sqlite3
from datetime import timedelta
from types import SimpleNamespace

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import OperationalError

from linkstar import clock, jobs, queue, schedule
from linkstar.channels import door, mail
from linkstar.channels.trouble import NotTaken
from linkstar.extensions import db
from linkstar.models import (
    Automation,
    AutomationRun,
    Channel,
    Comment,
    Deed,
    Delivery,
    HandoverNote,
    Heard,
    Notification,
    Occasions,
    Post,
    Preference,
    Reminder,
    Task,
    TooManyChannels,
    User,
    digests_due,
    write_digest,
)
from linkstar.models import channel as channels
from linkstar.models.channel import EVENTS
from tests.test_jobs import valkey  # noqa: F401
from tests.world import NOW

pytestmark = pytest.mark.one_database


def hook(world, name, **values):
    values = {"owner": world.yue, "events": list(EVENTS), "language": "zh"} | values
    made = Channel(
        workspace_id=world.shanlan.id, kind="webhook", name=name, address=f"https://{name}.example.com/", **values
    )
    db.session.add(made)
    db.session.flush()
    return made


def move(task, stage, by):
    task.move_to(by=by, to={"stage": stage})
    db.session.commit()


def test_a_dead_address_costs_one_try_a_turn_and_keeps_no_mail_and_no_other_channel(session, world, monkeypatch):
    went, turn = [], [0.0]

    def post(address, **_more):
        went.append(address)
        if "dead" in address:
            turn[0] += 10  # it hangs
            raise NotTaken("timeout", "")
        return door.Response(200, {}, "")

    monkeypatch.setattr(door, "post", post)
    monkeypatch.setattr(mail, "send", lambda message: went.append("mail"))
    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: turn[0]))
    dead, well = hook(world, "dead"), hook(world, "well")
    for number in range(50):
        dead.post("task.overdue", f"a{number}", task=world.script)
    for number in range(3):
        well.post("task.overdue", f"b{number}", task=world.script)
    Comment.post(world.script, "@何佳 看一下", by=world.yu)
    alarm = Notification(workspace_id=world.shanlan.id, user=world.yue, kind="emergency", task=world.script)
    alarm.deliveries = [Delivery(medium="mail", due_at=NOW + timedelta(seconds=1))]
    db.session.add(alarm)
    db.session.commit()
    with clock.at(NOW + timedelta(seconds=2)):
        first = jobs._claim()
        assert db.session.get_one(Delivery, first[0]).notification.kind == "emergency", "an alarm before all"
        jobs.deliver_due()
        assert went == ["mail"], "mails ask no channel"
        jobs.deliver_channels()
        jobs.deliver_channels()
    assert went[1:] == ["https://dead.example.com/"] + ["https://well.example.com/"] * 3
    dead.post("task.overdue", "new", task=world.script)
    well.post("task.overdue", "new", task=world.script)
    db.session.commit()
    with clock.at(NOW + timedelta(seconds=30)):
        jobs.deliver_channels()
    assert went[5:] == ["https://well.example.com/"], "what is new waits with the others"
    with clock.at(NOW + timedelta(seconds=90)):
        jobs.deliver_channels()
    assert went[6:] == ["https://dead.example.com/"]
    tries = db.session.scalars(db.select(Delivery.tries).join(Delivery.post).where(Post.channel_id == dead.id))
    assert sorted(tries, reverse=True) == [1, 1] + [0] * 49


def test_what_happens_is_handed_to_many_channels_by_few_queries_and_there_are_not_too_many(
    session, world, count_queries, monkeypatch
):
    Heard.begin(world.shanlan.id)
    owners = [world.yue, world.yu, world.jia]
    for number in range(10):
        hook(world, f"h{number}", owner=owners[number % 3], project=world.tent if number == 9 else None)
    db.session.commit()
    steps = [
        Task.create(
            world.lamp,
            by=world.yue,
            stage=world.lamp.stages[0],
            owner=world.yue,
            title_zh=f"第{number}步",
            due_on=NOW.date(),
        )
        for number in range(50)
    ]
    db.session.commit()
    while jobs._hear(world.shanlan.id):
        pass
    db.session.execute(db.delete(Post))
    db.session.commit()
    for task in steps:
        move(task, world.doing, world.yue)
    db.session.expire_all()
    with count_queries() as queries:
        assert jobs._hear(world.shanlan.id, 50)
    told = db.session.scalars(db.select(Post).where(Post.event == "task.moved")).all()
    seen = {each: sum(task.id in _seen(each) for task in steps) for each in owners}
    wanted = sum(seen[owners[number % 3]] for number in range(9))
    assert (
        len(told) == len(db.session.scalars(db.select(Delivery).where(Delivery.post_id.is_not(None))).all()) == wanted
    )
    assert wanted >= 150 and len(queries) <= 40, len(queries)
    assert not any("channel.address" in each or "channel.secret" in each for each in queries)
    monkeypatch.setattr(channels, "AT_MOST", 10)
    with pytest.raises(TooManyChannels):
        Channel.open(world.shanlan.id, "webhook", by=world.yue, name="11", address="https://h.example.com/")


def _seen(person):
    return set(db.session.scalars(db.select(Task.id).where(Task.seen_by(person))))


def test_one_listener_that_fails_takes_nothing_from_the_other_and_trouble_that_passes_nothing_from_anybody(
    session, world, monkeypatch
):
    heard = []

    def breaks(events):
        if any(event.task_id == world.script.id for event in events):
            raise ValueError("a bug")
        heard.extend(("breaks", event.task_id) for event in events)

    def listens(events):
        if trouble:
            raise trouble.pop()
        heard.extend(("listens", event.task_id) for event in events)

    trouble = [JobTimeoutException("late"), OperationalError("", {}, ValueError("locked"))]
    monkeypatch.setattr(jobs, "LISTENERS", (breaks, listens))
    Heard.begin(world.shanlan.id)
    db.session.commit()
    move(world.script, world.doing, world.yue)
    move(world.photos, world.doing, world.yue)
    jobs.hear()
    with pytest.raises(JobTimeoutException):
        jobs.hear()
    db.session.rollback()
    heard.clear()  # that transaction is no more
    jobs.hear()
    moved = [world.script.id, world.photos.id]
    assert [each for each in heard if each[0] == "listens"] == [("listens", each) for each in moved]
    assert [each for each in heard if each[0] == "breaks"] == [("breaks", world.photos.id)]


def test_what_breaks_in_one_workspace_or_runs_late_keeps_nothing_else_from_its_turn(session, world, monkeypatch):
    ran, turn, put = [], [0.0], []
    broken = world.shanlan.id + 1
    monkeypatch.setattr(Automation, "workspaces", lambda: [broken, world.shanlan.id])
    monkeypatch.setattr(Occasions, "of_days", lambda self: 1 / 0 if self.workspace_id == broken else [])
    monkeypatch.setattr(AutomationRun, "due", lambda: [7])
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_automate", ran.append)
        jobs.automate()
    assert ran == [7]

    def late(*_any, **_more):
        raise JobTimeoutException("late")

    Comment.post(world.script, "@何佳 看一下", by=world.yu)
    db.session.commit()
    for place, name, job in (
        (mail, "compose", lambda: jobs._deliver(*jobs._claim())),
        (Deed, "carry_out", lambda: jobs._automate(7)),
        (Occasions, "of_days", jobs.automate),
        (jobs, "Upcoming", jobs.plan_reminders),
        (HandoverNote, "due", lambda: jobs._do_each([7], late)),
    ):
        with monkeypatch.context() as patch, pytest.raises(JobTimeoutException):
            patch.setattr(place, name, late)
            job()
        db.session.rollback()

    def remind(reminder_id, _nearest):
        ran.append(reminder_id)
        turn[0] += 15

    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: turn[0]))
    monkeypatch.setattr(Reminder, "due", lambda: [1, 2, 3])
    monkeypatch.setattr(jobs, "_remind", remind)
    monkeypatch.setattr(queue, "put", put.append)
    jobs.remind()
    assert ran == [7, 1, 2] and put == ["remind"], "what is left waits once more"


def test_more_can_be_late_than_a_database_takes_in_one_question(session, world, monkeypatch):
    rows = [(world.lamp, {"key": f"late:{number}"}) for number in range(2000)]
    db.session.connection().connection.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
    monkeypatch.setattr(Occasions, "_late", lambda self: rows)
    assert len(Occasions(world.shanlan.id).of_days()) == len(rows)


def test_no_second_job_waits_while_one_does_and_short_ones_do_not_wait_behind_long_ones(
    app,
    valkey,  # noqa: F811
    monkeypatch,
):
    valkey.start()
    monkeypatch.setitem(app.config, "REDIS_URL", valkey.url)
    connection = queue.connect(valkey.url)
    with app.app_context():
        for _time in range(5):
            queue.wake()
    timetable = queue.Timetable(connection, logging_level="WARNING")
    schedule.fill(timetable)
    timetable.enqueue_jobs()
    assert queue.depth(connection) == len(schedule.LINES)
    worker = queue.Worker(app, connection=connection)
    order = []
    for _turn in range(6):
        job, place = worker.dequeue_job_and_maintain_ttl(1)
        order.append((place.name, job.func_name))
        worker.reorder_queues(place)
    assert [name for name, _job in order] == ["short", "default"] * 3
    with app.app_context():
        queue.wake()
    assert queue.depth(connection) == len(schedule.LINES) - 6 + 3, "those that run do not count"


def test_a_digest_costs_no_look_at_everybody(session, world, count_queries):
    for user in db.session.scalars(db.select(User)):
        user.digest = "daily"
        Preference.choose(user, "commented", mail="digest")
    db.session.commit()
    with clock.at(NOW + timedelta(hours=20)):
        due = digests_due()
        assert len(due) > 1
        with count_queries() as queries:
            write_digest(due[0])
            db.session.commit()
        looked_at = [each for each in queries if "max(digest.until_on)" in each]
        assert len(looked_at) == 1 and re.search(r'"?user"?\.id = [?%]', looked_at[0]), looked_at
        assert due[0] not in digests_due()
