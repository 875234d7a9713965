"""What somebody is reminded of in one morning: one mail and one ring, not twelve."""

import email
import email.policy
import json
import socket
import threading
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from linkstar import clock, jobs
from linkstar.channels import door, push
from linkstar.extensions import db
from linkstar.models import Delivery, Emergency, Preference, PushSubscription, Reminder, SignIn, Task
from linkstar.models.notification import notify_of_emergency
from tests.conftest import PUBLIC_URL
from tests.world import NOW, PEOPLE, october

LATE = 12


class Sink:
    """A mail server that takes nothing until it is told to, and whose answers may be lost on the way."""

    def __init__(self):
        self.got, self.tries, self.open, self.answers = [], 0, False, True

    async def handle_DATA(self, server, session, envelope):
        self.tries += 1
        if not self.open:
            return "451 later"
        self.got.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK" if self.answers else "451 later"


@pytest.fixture
def sink(app):
    found = Sink()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    app.config["MAIL_URL"] = f"smtp://127.0.0.1:{port}"
    yield found
    controller.stop()


def late_tasks(world, owner, project, count):
    """Each with the reminder that its day has passed, which is due."""
    Preference.choose(owner, "assigned", mail="off", push=False)
    for number in range(count):
        task = Task.create(
            project, by=world.yu, owner=owner, title_zh=f"任务{number:02}", title_en=f"Task {number:02}",
            stage=project.stages[0], due_on=october(12),
        )  # fmt: skip
        db.session.flush()
        _remind(owner, "overdue", task, october(12))


def _remind(owner, kind, task, day):
    row = Reminder(
        workspace_id=task.workspace_id, user=owner, subject=f"task:{task.id}", kind=kind, step=1, version=str(day),
        task=task, due_at=NOW,
    )  # fmt: skip
    db.session.add(row)


def two_workers(app, at, *work):
    start = threading.Barrier(2)

    def run():
        with app.app_context(), clock.at(at):
            start.wait()
            for job in work:
                job()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def states(person, medium="mail"):
    rows = select(Delivery).join(Delivery.notification).where(Delivery.medium == medium).order_by(Delivery.id)
    found = [each for each in db.session.scalars(rows) if each.notification.user_id == person.id]
    return [each.state for each in found if each.notification.reminder_id]


def parts_of(message):
    return [part.get_content().replace("\r\n", "\n") for part in message.iter_parts()]


def test_a_morning_is_one_mail_and_one_ring_whoever_sends_it_and_however_often(app, world, sink, monkeypatch):
    rung = []
    monkeypatch.setattr(push, "encrypt", lambda content, *_keys: content)
    monkeypatch.setattr(
        door, "post", lambda _url, *, content, headers: rung.append(json.loads(content)) or door.Response(201, {}, "")
    )
    with app.app_context(), clock.at(NOW):
        world.lei.language, world.yue.language = "zh", "en"
        db.session.add(  # somewhere there is one: what is told of its playbook is urgent, and nothing else
            Emergency(
                workspace_id=world.beiyuan.id, trigger="listing_removed", severity="s1", title="下架",
                declared_by=world.lead, project=world.bike,
            )
        )  # fmt: skip
        key = push._encoded(push._point(ec.generate_private_key(push.CURVE).public_key()))
        signed_in = SignIn.begin(world.lei, device="", remember=True)
        PushSubscription.write(world.lei, signed_in, "https://push.example.com/abc", key, "BTBZMqHH6r4Tts7J_aSIgg")
        for person in (world.lei, world.yue):
            late_tasks(world, person, world.lamp, LATE)
        db.session.flush()
        soon = world.fcc  # another topic, in one of the two
        soon.owner, soon.due_on = world.yue, october(14)
        _remind(world.yue, "due", soon, october(14))
        db.session.commit()
    with app.app_context(), clock.at(NOW):
        jobs._do_each(Reminder.due()[:1], jobs._remind)
        jobs.deliver_due()
        assert sink.tries == 0, "what is told a moment later goes out with the first"
    two_workers(app, NOW, jobs.remind, jobs.deliver_due)
    two_workers(app, NOW + timedelta(minutes=1), jobs.deliver_due)
    assert sink.tries == 2
    with app.app_context():
        assert states(world.lei) == ["due"] * LATE and states(world.lei, "push") == ["sent"] * LATE
        assert len(set(db.session.scalars(select(Delivery.carrier_id).where(Delivery.carrier_id.is_not(None))))) == 3
    sink.open = True
    two_workers(app, NOW + timedelta(minutes=4), jobs.deliver_due)
    two_workers(app, NOW + timedelta(minutes=9), jobs.deliver_due)
    chinese, english = sorted(sink.got, key=lambda each: each["To"].addresses[0].addr_spec != PEOPLE["lei"][1])
    (ring,) = rung
    assert str(LATE) in ring["title"] and "任务00" in ring["body"] and ring["address"] == "/inbox?show=unread"
    assert str(LATE) in chinese["Subject"] and "任务00" in chinese["Subject"]
    assert english["Subject"].startswith("13 things need you today. First: “Task 00” was due Mon Oct 12")
    for message, title, project in ((chinese, "任务", "露营灯"), (english, "Task ", "Camp lantern US launch")):
        plain, page = parts_of(message)
        for number in range(LATE):
            assert plain.count(f"{title}{number:02}") == page.count(f"{title}{number:02}") - 1 * (number == 0) == 1
        assert plain.count(project) == 1 and page.count(f"{PUBLIC_URL}/tasks/") == plain.count(f"{PUBLIC_URL}/tasks/")
        assert plain.count(f"{PUBLIC_URL}/tasks/") == LATE + (message is english)
    assert "You get this because the task is yours." in parts_of(english)[0]
    assert chinese["List-Unsubscribe-Post"] and "/unsubscriptions/" in chinese["List-Unsubscribe"]
    assert english["List-Unsubscribe"] == f"<{PUBLIC_URL}/notification_preferences>"
    assert english["List-Unsubscribe-Post"] is None and parts_of(english)[0].count("/unsubscriptions/") == 2
    with app.app_context():
        assert states(world.lei) == ["sent"] * LATE and states(world.yue) == ["sent"] * (LATE + 1)


def test_each_of_a_bundle_is_asked_for_itself_and_a_killed_worker_loses_none(app, world, sink):
    sink.open = True
    with app.app_context(), clock.at(NOW):
        lei = world.lei
        late_tasks(world, lei, world.lamp, 4)
        world.fcc.owner, world.fcc.due_on = lei, october(14)
        _remind(lei, "due", world.fcc, october(14))
        db.session.commit()
        jobs.remind()
        Preference.choose(lei, "overdue", mail="off")
        emergency = Emergency(
            workspace_id=world.shanlan.id, trigger="listing_removed", severity="s1", title="下架", declared_by=world.yu
        )  # fmt: skip
        db.session.add(emergency)
        db.session.flush()
        notify_of_emergency(lei, by=None, emergency=emergency)
        db.session.commit()
        jobs.deliver_due()
        alarm, single = sink.got
        assert "下架" in alarm["Subject"] and "FCC" in single["Subject"] and "13" not in single["Subject"]
        assert states(lei) == ["dropped"] * 4 + ["sent"], "the one that carried them was not wished for"
        Preference.choose(lei, "overdue", mail="now")
        late_tasks(world, lei, world.lamp, 3)
        db.session.commit()
        jobs.deliver_due()  # that they were given is not wished for
        jobs.remind()
        assert jobs._claim(), "and its worker is killed"
        db.session.scalars(select(Task).order_by(Task.id.desc())).first().trash(by=world.yu)
        late_tasks(world, lei, world.lamp, 1)  # too late for the one that is in hand
        db.session.commit()
        jobs.remind()
        jobs.deliver_due()
        assert len(sink.got) == 3
    sink.answers = False
    with app.app_context(), clock.at(NOW + jobs.LEASE + timedelta(seconds=1)):
        jobs.deliver_due()
        assert len(sink.got) == 4 and parts_of(sink.got[3])[0].count("/tasks/") == 2
        assert states(world.lei)[5:] == ["due", "due", "due", "sent"]
        waiting = select(Delivery).where(Delivery.state == "due", Delivery.carrier_id.is_(None))
        db.session.scalars(waiting).one().notification.task.trash(by=world.yu)
        db.session.commit()
    sink.answers = True
    with app.app_context(), clock.at(NOW + jobs.LEASE + timedelta(minutes=10)):
        jobs.deliver_due()
        assert len(sink.got) == 5 and parts_of(sink.got[4])[0].count("/tasks/") == 1
        assert sink.got[4]["Message-ID"] == sink.got[3]["Message-ID"], "the same once more, as whoever has it can tell"
        assert states(world.lei)[5:] == ["dropped", "sent", "dropped", "sent"]


@pytest.mark.one_database
def test_a_bundle_costs_the_same_however_much_it_tells_of_and_what_has_its_hour_goes_by_itself(
    app, world, sink, count_queries
):
    sink.open, costs = True, []
    with app.app_context():
        lei, hour = world.lei, world.fcc
        lei.language = "en"
        for number, count in enumerate((3, 30, 60)):
            with clock.at(NOW + timedelta(days=number)):
                late_tasks(world, lei, world.lamp, count)
                db.session.commit()
                jobs._do_each(Reminder.due()[:1], jobs._remind)
                with count_queries() as queries:
                    jobs.deliver_due()
                assert len(sink.got) == number, "it waits for the others"
                assert not any("post.channel_id" in each for each in queries), "no channel is asked for a mail"
                jobs.remind()
            db.session.expire_all()
            with clock.at(NOW + timedelta(days=number, minutes=1)), count_queries() as queries:
                jobs.deliver_due()
            costs.append(len(queries))
        assert len(sink.got) == 3 and costs[0] == costs[1] == costs[2], costs
        plain, page = parts_of(sink.got[2])
        assert plain.count("/tasks/") == page.count("/tasks/") == 50 and sink.got[2]["Subject"].startswith("60 things")
        for part in (plain, page):
            assert "and 10 more" in part and f"{PUBLIC_URL}/inbox?show=unread" in part
        assert "more" not in parts_of(sink.got[1])[0]
        with clock.at(NOW + timedelta(days=3)):
            hour.owner, hour.due_on, hour.due_at = lei, october(17), NOW + timedelta(days=3, hours=2)
            _remind(lei, "due", hour, october(17))
            db.session.flush()
            late_tasks(world, lei, world.lamp, 2)
            db.session.commit()
            jobs._do_each(Reminder.due()[:1], jobs._remind)
            jobs.deliver_due()
            assert len(sink.got) == 4 and "FCC" in sink.got[3]["Subject"], "it waits for nothing"
            _remind(lei, "overdue", hour, october(17))
            db.session.commit()
            db.session.scalars(select(Reminder).order_by(Reminder.id.desc())).first().tell()
            db.session.commit()
            jobs.remind()
            jobs.deliver_due()
        alone, two = (each["Subject"] for each in sink.got[4:])
        assert "FCC" in alone and two.startswith("2 things"), "and carries nothing"
