"""What leaves the program for a person: in the person's language, when the person wants it, and ended by a link."""

import email
import email.policy
import json
import re
import socket
import threading
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, update

from linkstar import clock, jobs
from linkstar.channels import door, mail, push
from linkstar.extensions import db
from linkstar.models import (
    Approval,
    Automation,
    Channel,
    Delivery,
    Digest,
    Emergency,
    Handover,
    Inlet,
    MailedLink,
    Notification,
    Preference,
    PushSubscription,
    Reminder,
    SignIn,
    Unsubscription,
    User,
)
from linkstar.models.notification import (
    TOPIC_OF,
    notify,
    notify_of_approval,
    notify_of_channel,
    notify_of_emergency,
    notify_of_project,
)
from linkstar.models.operations import ChangeBudget
from tests.conftest import PUBLIC_URL
from tests.pages import elements
from tests.world import NOW, PEOPLE

SAID = {  # kind → what it says in English, and that it says something else in Chinese
    "assigned": "林晓雨 gave you “Final FCC test report”",
    "staffed": "gave you tasks of a new project",
    "mentioned": "mentioned you in “Final FCC test report”",
    "commented": "commented on",
    "changed": "4 fields of “Final FCC test report” changed: Stage, Owner, Due date …",
    "unblocked": "nothing blocks it any more",
    "handed_over": "left you a handover note",
    "waiver_asked": "asks for your signature",
    "waiver_decided": "decided on the waiver",
    "approval_asked": "asks for your approval: Raise a budget",
    "approval_decided": "declined: Raise a budget",
    "due": "“Final FCC test report” is due Fri Oct 16: 3 days left",
    "overdue": "“Final FCC test report” was due Mon Oct 12: 1 day late",
    "escalated": "and 王蕾 has not finished it: 7 days late",
    "started": "may begin: its start is planned for Wed Oct 14",
    "gate": "3 tasks wait at a gate for",
    "approval": "has waited 3 days for your word: Raise a budget, “Camp lantern US launch”",
    "expiring": "“CPC of the lamp” expires Thu Nov 12: 30 days left",
    "cutoff": "“Camp lantern US launch”: FBA for Black Friday, via AWD is Tue Oct 20, 7 days left",
    "idle": "Nothing has changed in “Camp lantern US launch” for 8 days",
    "held": "“Final FCC test report” is on hold: emergency “Lamp B0X taken down”",
    "released": "Emergency “Lamp B0X taken down” is closed: 1 task of yours goes on",
    "emergency_over": "Emergency over (P1): “Lamp B0X taken down”",
    "emergency": "Drill (P1): “Lamp B0X taken down”. 王蕾 has taken it up",
    "channel_failed": "The channel “Launch chat” does not take our messages",
}
REMINDED = {  # kind → step, version, facts
    "due": (3, "2026-10-16", {}),
    "overdue": (1, "2026-10-12", {}),
    "escalated": (7, "2026-10-06", {}),
    "started": (0, "2026-10-14", {}),
    "gate": (3, "2026-10-14", {"waiting": 3}),
    "expiring": (30, "2026-11-12", {"name": {"zh": "灯的 CPC", "en": "CPC of the lamp"}}),
    "cutoff": (7, "2026-10-20", {"name": {"zh": "黑五 FBA", "en": "FBA for Black Friday"}, "leg": "awd"}),
    "idle": (8, "2026-10-05", {}),
    "approval": (3, "2026-10-10", {}),
}
CANARIES = ("7199350", "7,199,350", "Lampwerk")


def tell_of_all(world, reader):
    """One notice of each kind."""
    lamp, fcc = world.lamp, world.fcc
    lamp.budget, lamp.suppliers = Decimal("7199350.25"), "Lampwerk"
    operation = ChangeBudget(
        lamp.workspace_id, {"budget": "7199350.25", "currency": "USD", "seen": None}, project=lamp
    )  # fmt: skip
    approval = Approval(
        workspace_id=lamp.workspace_id, operation="budget_change", subject="x", project=lamp, asked_by=reader,
        arguments=operation.arguments, state="refused",
    )  # fmt: skip
    emergency = Emergency(
        workspace_id=lamp.workspace_id, trigger="takedown", severity="P1", title="Lamp B0X taken down", drill=True,
        declared_by=world.yu, acknowledged_by=world.lei, acknowledged_at=NOW,
    )  # fmt: skip
    channel = Channel(
        workspace_id=lamp.workspace_id, project_id=None, owner=reader, kind="slack", name="Launch chat",
        address="https://hooks.example.com/secret",
    )  # fmt: skip
    db.session.add_all([approval, emergency, channel])
    db.session.flush()
    for kind in SAID:
        about = {}
        if kind in REMINDED:
            step, version, facts = REMINDED[kind]
            about["reminder"] = Reminder(
                workspace_id=lamp.workspace_id, user_id=reader.id, subject=f"{kind} {reader.language}", kind=kind,
                step=step, version=version, facts=facts, due_at=NOW,
            )  # fmt: skip
        if kind in ("mentioned", "commented"):
            about["comment"] = world.call_of_lei
        if kind == "changed":
            about["fields"] = ["priority", "due_on", "stage_id", "owner_id"]
        if kind in ("held", "released"):
            about["fields"] = [emergency.title, "1"]
        by = None if about.get("reminder") else world.yu
        if kind in ("approval_asked", "approval_decided", "approval"):
            notify_of_approval(reader, kind, by=by, approval=approval, **about)
        elif kind in ("cutoff", "idle"):
            notify_of_project(reader, kind, by=by, project=lamp, **about)
        elif kind in ("emergency", "emergency_over"):
            notify_of_emergency(reader, kind, by=None, emergency=emergency)
        elif kind == "channel_failed":
            notify_of_channel(reader, channel)
        elif kind != "handed_over":
            notify(reader, kind, by=by, task=fcc, **about)
    db.session.flush()


def read(message):
    return email.message_from_bytes(message.as_bytes(), policy=email.policy.default)


def words_of(message):
    told = read(message)
    return "\n".join([told["Subject"], *(part.get_content() for part in told.iter_parts())])


def parts_of(message):
    return [part.get_content() for part in message.iter_parts()]


def delivered_by(app, at, medium="mail"):
    with app.app_context(), clock.at(at):
        jobs.deliver_due()


def tell(app, world, reader="lei", kind="due", at=NOW, **more):
    with app.app_context(), clock.at(at):
        person = getattr(world, reader)
        notify(
            person, kind, by=world.yu, task=getattr(world, more.get("task", "fcc")), **_reminder(world, person, kind)
        )
        db.session.commit()


def _reminder(world, person, kind):
    if kind not in REMINDED:
        return {}
    step, version, facts = REMINDED[kind]
    row = Reminder(
        workspace_id=world.shanlan.id, user_id=person.id, subject=f"{kind}{clock.now()}", kind=kind, step=step,
        version=version, facts=facts, due_at=clock.now(),
    )  # fmt: skip
    return {"reminder": row}


def letters(folder):
    files = sorted((folder / "mail").glob("*.eml"), key=lambda file: int(file.stem.rpartition("-")[2]))
    return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]


# what is said


def test_every_kind_is_said_in_both_languages_with_no_field_that_is_not_everybodys(app, browse, world):
    mails = {}
    for language in ("en", "zh"):
        with app.app_context():
            world.yue.language = language
            tell_of_all(world, world.yue)
            db.session.execute(update(Delivery).values(carrier_id=None))  # each by itself
            db.session.commit()
            rows = db.session.scalars(select(Notification).filter_by(user_id=world.yue.id).order_by(Notification.id))
            mails[language] = {
                row.kind: (mail.compose(row.deliveries[0]), push.compose(_pushed(row))) for row in rows.all()
            }
    for kind in SAID.keys() - {"handed_over"}:
        english, chinese = mails["en"][kind][0], mails["zh"][kind][0]
        assert SAID[kind] in " ".join(read(english)["Subject"].split()), kind
        assert SAID[kind] in json.loads(mails["en"][kind][1].content)["title"]
        for message in (english, chinese):
            told = read(message)
            raw = message.as_bytes().decode("ascii")
            said = re.search(r"^List-Unsubscribe: <https://hub\.example\.com/unsubscriptions/[\w.-]+>\r?$", raw, re.M)
            one_click = told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            may_end = TOPIC_OF[kind] != "emergency"
            assert bool(said) == one_click == ("unsubscriptions" in words_of(message)) == may_end, kind
            assert f"{PUBLIC_URL}/notification_preferences" in words_of(message)
            assert not [canary for canary in CANARIES if canary in words_of(message)], kind
        assert "You get this because" in words_of(english)
        if kind not in ("assigned", "emergency"):
            assert re.sub(r"\W", "", SAID[kind]) not in re.sub(r"\W", "", words_of(chinese))
    page = browse("yue").get("/inbox?lang=en").text
    for kind in SAID.keys() - {"handed_over"}:
        assert SAID[kind] in page, kind
    assert elements(page, class_="av program") and not [canary for canary in CANARIES if canary in page]


def _pushed(row):
    if not PushSubscription.of(row.user):
        key = push._encoded(push._point(ec.generate_private_key(push.CURVE).public_key()))
        signed_in = SignIn.begin(row.user, device="", remember=True)
        PushSubscription.write(row.user, signed_in, "https://push.example.com/abc", key, "BTBZMqHH6r4Tts7J_aSIgg")
    delivery = next((each for each in row.deliveries if each.medium == "push"), None) or Delivery(medium="push")
    row.deliveries.append(delivery)
    db.session.flush()
    return delivery


def test_a_plan_in_hours_says_the_moment_on_the_readers_clock(app, world):
    with app.app_context():
        maya = world.maya
        reminder = Reminder(
            workspace_id=world.shanlan.id, user_id=maya.id, subject="task", kind="due", step=0,
            version="2026-10-13T04:30:00+00:00", due_at=NOW,
        )  # fmt: skip
        notify(maya, "due", by=None, task=world.unboxing, reminder=reminder)
        db.session.flush()
        row = db.session.scalars(select(Notification).filter_by(kind="due")).one()
        assert "due Mon Oct 12 9:30 PM" in read(mail.compose(row.deliveries[0]))["Subject"]


# when it goes


def test_nobodys_phone_rings_at_three_and_an_alarm_rings_all_the_same(app, world, tmp_path):
    night = datetime(2026, 10, 13, 3, tzinfo=ZoneInfo("Asia/Shanghai"))
    tell(app, world, at=night)
    with app.app_context(), clock.at(night):
        emergency = Emergency(
            workspace_id=world.shanlan.id, trigger="takedown", severity="s1", title="下架", declared_by=world.yu
        )
        db.session.add(emergency)
        db.session.flush()
        notify_of_emergency(world.lei, by=None, emergency=emergency)
        MailedLink.send("reset", user=world.lei, email="legal@example.com", name="王蕾", language="zh")
        db.session.commit()
        jobs.deliver_due()
        waiting = db.session.scalars(select(Delivery).filter_by(state="due")).one()
        assert (waiting.due_at, waiting.tries) == (night.replace(hour=8), 0), "no try is counted"
    assert len(letters(tmp_path)) == 2
    delivered_by(app, night.replace(hour=8))
    assert len(letters(tmp_path)) == 3


def test_a_digest_comes_once_at_the_persons_hour_by_project_and_not_where_nothing_is_new(app, world, tmp_path):
    with app.app_context():
        maya = world.maya
        maya.digest_at = time(7)
        for topic in ("assigned", "changed"):
            Preference.choose(maya, topic, mail="digest")
        db.session.commit()
    zone = ZoneInfo("America/Los_Angeles")
    tell(app, world, "maya", "assigned", task="listing")
    tell(app, world, "maya", "assigned", task="poles")  # of a project that she does not see
    tell(app, world, "maya", "due")

    def pass_at(day, hour, minute=0):
        start = threading.Barrier(2)

        def work():
            with app.app_context(), clock.at(datetime(2026, 10, day, hour, minute, tzinfo=zone)):
                start.wait()
                jobs.send_digests()

        with clock.at(datetime(2026, 10, day, hour, minute, tzinfo=zone)):
            threads = [threading.Thread(target=work) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            with app.app_context():
                jobs.deliver_due()

    pass_at(13, 6, 59)
    assert not [each for each in letters(tmp_path) if "What is new" in each["Subject"]]
    pass_at(13, 7, 1)
    pass_at(13, 7, 6)
    (digest,) = [each for each in letters(tmp_path) if "What is new" in each["Subject"]]
    plain, page = (text.replace("\r\n", "\n") for text in parts_of(digest))
    assert "Camp lantern US launch\n- 林晓雨 gave you “Publish the Amazon listing”" in plain
    assert "碳杆" not in plain + page and "List-Unsubscribe" in digest
    pass_at(14, 8)
    with app.app_context():
        days = [each.until_on for each in db.session.scalars(select(Digest).order_by(Digest.id))]
        assert days == [date(2026, 10, 13), date(2026, 10, 14)], "a day without news has its row, and no mail"
        db.session.get_one(User, world.maya.id).digest = "weekly"
        db.session.commit()
    tell(app, world, "maya", "assigned", at=datetime(2026, 10, 14, 12, tzinfo=zone), task="listing")
    pass_at(16, 8)
    assert len([each for each in letters(tmp_path) if "What is new" in each["Subject"]]) == 1
    pass_at(19, 8)  # a Monday
    assert len([each for each in letters(tmp_path) if "What is new" in each["Subject"]]) == 2


# how it ends


def test_one_click_ends_mails_of_a_topic_and_looking_does_not(app, browse, world, tmp_path):
    tell(app, world, "jess", "assigned", task="unboxing")
    tell(app, world, "lei")
    with app.app_context():
        MailedLink.send("reset", user=world.lei, email="legal@example.com", name="王蕾", language="zh")
        db.session.commit()
    delivered_by(app, NOW)
    jess, lei, reset = letters(tmp_path)
    assert "List-Unsubscribe" not in reset
    assert "/notification_preferences" not in parts_of(jess)[0], "a creator has no such page"
    for letter, person, topic in ((jess, "jess", "assigned"), (lei, "lei", "due")):
        address = urlsplit(letter["List-Unsubscribe"].strip("<>")).path
        stranger = app.test_client()
        assert stranger.get(address).status_code == 200
        with app.app_context():
            assert Preference.of(getattr(world, person), topic).mail == "now"
        answer = stranger.post(address, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        tell(app, world, person, topic, task="unboxing" if person == "jess" else "fcc", at=NOW + timedelta(seconds=1))
        delivered_by(app, NOW + timedelta(minutes=1))
        assert len(letters(tmp_path)) == 3
        assert stranger.post(address, data={"again": "1"}).status_code == 200
        with app.app_context():
            assert Preference.of(getattr(world, person), topic).mail == "now"
        assert stranger.post(address[:-3] + "abc").status_code == 404
    with app.app_context():
        fire = Unsubscription(world.lei, "emergency").token
    assert stranger.post(f"/unsubscriptions/{fire}").status_code == 404, "whoever has the mail is not its reader"
    with app.app_context():
        assert db.session.query(Preference).count() == 0


def test_a_real_mail_server_gets_it_whole(app, world):
    got = []

    class Sink:
        async def handle_DATA(self, server, session, envelope):
            got.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            return "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    app.config["MAIL_URL"] = f"smtp://127.0.0.1:{port}"
    try:
        tell(app, world, "lei")
        tell(app, world, "maya")
        delivered_by(app, NOW)
    finally:
        controller.stop()
    by_address = {message["To"].addresses[0].addr_spec: message for message in got}
    chinese, english = by_address[PEOPLE["lei"][1]], by_address[PEOPLE["maya"][1]]
    assert "Final FCC test report" in english["Subject"] and "is due" in english["Subject"]
    assert "FCC检测报告终稿" in chinese["Subject"] and "is due" not in chinese["Subject"]
    for message in (chinese, english):
        assert message["List-Unsubscribe"].startswith(f"<{PUBLIC_URL}/unsubscriptions/")
        assert message["List-Unsubscribe"].strip("<>") in parts_of(message)[0]


# browsers


def bytes_of(text):
    return push.decoded(text)


def test_it_is_encrypted_as_in_the_example_of_rfc_8291():
    ours = ec.derive_private_key(int.from_bytes(bytes_of("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), push.CURVE)
    theirs = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    content = push.encrypt(
        b"When I grow up, I want to be a watermelon", bytes_of(theirs), bytes_of("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=bytes_of("DGv6ra1nlYgDCS1FRnbzlw"), ours=ours,
    )  # fmt: skip
    assert push._encoded(content) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_a_browser_is_written_to_until_it_is_gone_and_none_inside_our_networks(app, browse, world, monkeypatch):
    key = push._encoded(push._point(ec.generate_private_key(push.CURVE).public_key()))
    sent = {"endpoint": "https://push.example.com/abc", "p256dh": key, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
    lei, address = browse("lei"), "/push_subscriptions"
    for wrong in (
        {"endpoint": "https://169.254.169.254/x"},
        {"endpoint": "http://push.example.com/"},
        {"p256dh": "AAAA"},
    ):
        assert lei.post(address, sent | wrong).status_code == 422
    for endpoint in ("https://push.example.com/abc", "https://push.example.com/old"):
        assert lei.post(address, sent | {"endpoint": endpoint}).status_code == 204
    answers, posted = {"abc": 500, "old": 410}, []

    def post(url, *, content, headers):
        posted.append((url.rpartition("/")[2], headers, content))
        return door.Response(answers[url.rpartition("/")[2]], {}, "")

    monkeypatch.setattr(door, "post", post)
    tell(app, world)
    delivered_by(app, NOW)
    with app.app_context():
        (delivery,) = db.session.scalars(select(Delivery).filter_by(state="due", medium="push"))
        assert "500" in delivery.error
        assert [each.endpoint for each in PushSubscription.of(world.lei)] == ["https://push.example.com/abc"]
    answers["abc"] = 201
    delivered_by(app, NOW + timedelta(minutes=2))
    assert [name for name, *_rest in posted] == ["abc", "old", "abc"]
    headers = posted[0][1]
    assert headers["Topic"] == posted[2][1]["Topic"] == f"delivery-{delivery.id}", "the second takes the first's place"
    assert headers["Authorization"].startswith("vapid t=") and headers["Content-Encoding"] == "aes128gcm"
    claims = json.loads(bytes_of(headers["Authorization"].partition("t=")[2].split(".")[1]))
    assert claims["aud"] == "https://push.example.com"
    with app.app_context():
        Preference.choose(world.lei, "due", push=False)
        db.session.commit()
    tell(app, world, at=NOW + timedelta(minutes=3))
    delivered_by(app, NOW + timedelta(minutes=3))
    assert len(posted) == 3
    for end in (lambda: lei.delete(address), lambda: lei.post("/logout")):
        assert lei.post(address, sent).status_code == 204
        with app.app_context():
            assert db.session.get_one(User, world.lei.id).pushes and PushSubscription.of(world.lei)
        assert end().status_code == 303
        with app.app_context():
            assert not db.session.scalar(select(PushSubscription)), "who has signed out is shown nothing any more"
    worker = app.test_client().get("/sw.js")
    assert worker.content_type.startswith("text/javascript") and "showNotification" in worker.text


# who leaves


def test_who_leaves_is_reminded_no_more_and_what_went_on_in_the_name_stands_still(app, world):
    with app.app_context():
        jia, here = world.jia, world.shanlan.id
        db.session.add(_reminder(world, jia, "due")["reminder"])
        db.session.add_all(
            [
                Channel(workspace_id=here, owner=jia, kind="slack", name="Chat", address="https://hooks.example.com/x"),
                Automation(workspace_id=here, owner=jia, name="Rule", trigger={}, active=True),
                Inlet(workspace_id=here, owner=jia, name="Door", purpose="automation", key="k", token_hash="h" * 64),
            ]
        )
        db.session.commit()
        Handover(jia.membership_in(here)).run(world.yue, by=world.admin)
        db.session.commit()
        db.session.expire_all()
        assert {each.state for each in db.session.scalars(select(Reminder))} == {"dropped"}
        for model in (Channel, Automation):
            row = db.session.scalars(select(model)).one()
            assert (row.active, row.owner_id) == (False, world.yue.id)
        assert not db.session.scalar(select(Inlet))
