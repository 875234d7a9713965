"""What an emergency lets people hear: at any hour, in words, with the minutes that they have."""

import email
import email.policy
import json
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import select

from linkstar import clock, jobs
from linkstar.channels import mail, push
from linkstar.channels.news import letter
from linkstar.extensions import db
from linkstar.models import (
    Channel,
    Declaration,
    Delivery,
    Dependency,
    Emergency,
    Membership,
    Notification,
    Post,
    Preference,
    Task,
)
from linkstar.models.notification import notify
from tests.channels.test_notices import _pushed, letters
from tests.world import NOW

NIGHT = datetime(2026, 10, 12, 19, 0, tzinfo=UTC)  # three in the morning in Beijing, noon in Los Angeles
NOTE = "亚马逊来信：缺 FCC 标签 <b>今天</b>下架。\nWe have 48 hours."


def declare(world, at=NIGHT, **more):
    values = {"trigger": "listing_removed", "severity": "s2", "title": "B0C1234567 露营灯", "note": NOTE} | more
    with clock.at(at):
        emergency = Declaration(workspace_id=world.shanlan.id, about=world.lamp, **values).declare(by=world.yu)
        db.session.commit()
    return emergency


def send(app, minutes):
    with app.app_context(), clock.at(NIGHT + timedelta(minutes=minutes)):
        jobs.plan_reminders()
        jobs.deliver_due()


def told(folder, since=0):
    """Whom the mails went to, and what stands first in them."""
    return [(each["To"].addresses[0].username, "".join(each["Subject"])) for each in letters(folder)[since:]]


def words_of(notice):
    message = mail.compose(next(each for each in notice.deliveries if each.medium == "mail"))
    read = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    plain, page = (part.get_content().replace("\r\n", "\n") for part in read.iter_parts())
    return read["Subject"], plain, page


def test_at_night_the_playbook_rings_with_its_hours_until_it_is_closed(app, world, tmp_path, monkeypatch):
    sent = []
    monkeypatch.setattr(mail, "send", lambda message, send=mail.send: (sent.append(str(message["To"])), send(message)))
    with app.app_context(), clock.at(NIGHT - timedelta(minutes=5)):
        Preference.choose(world.jia, "assigned", mail="digest")
        notify(world.jia, "unblocked", by=world.yu, task=world.budget)
        world.designer.quiet_from = world.designer.quiet_until = time(0)
        notify(world.designer, "assigned", by=world.yu, task=world.photos)
        db.session.commit()
    with app.app_context():
        emergency = declare(world)
        number, playbook = emergency.id, emergency.project_id
        task = db.session.scalars(select(Task).where(Task.project_id == playbook, Task.key == "em_pause_ads")).one()
        assert task.owner == world.jia
    send(app, 1)
    first = told(tmp_path)
    assert "legal@" in sent[0] and "design@" in sent[-1], "alarms before all, legal's first"
    assert not [each for each in first if each[0] == "ops" and "B0C1234567" in each[1]], "who has declared it knows"
    hers = dict(enumerate(said for to, said in first if to == "ads"))
    assert len(hers) == 2, "what waited for the morning waits on; her tasks and what is held go out, digest or not"
    assert "暂停相关广告与投流" in hers[0] and "10-13 周二 03:45" in hers[0]
    assert "首批广告预算表" in hers[1] and "B0C1234567 露营灯" in hers[1]
    assert all(said.startswith("【紧急】") for to, said in first if to != "design")
    assert any("暂停达人/短视频发布" in said for to, said in first if to == "legal"), "what nobody fills is hers"
    plain = next(each for each in letters(tmp_path) if hers[0] in each["Subject"]).get_body().get_content()
    assert "03:45（北京时间）" in plain

    send(app, 44)
    assert "ads" not in [to for to, _said in told(tmp_path, since=len(first))]
    before = len(letters(tmp_path))
    for minutes in (46, 47, 80):
        send(app, minutes)
    late = [said for to, said in told(tmp_path, since=before) if to == "ads"]
    assert len(late) == 1 and "暂停相关广告与投流" in late[0] and "03:45" in late[0], "once, at that moment, at night"
    send(app, 107)
    assert [each for each in told(tmp_path) if each[0] == "legal" and "何佳" in each[1]], "and after an hour to legal"
    with app.app_context(), clock.at(NIGHT + timedelta(minutes=110)):
        world.yue.language = "en"
        db.session.get_one(Emergency, number).close("以后每月核对。", by=world.lei)
        task = db.session.scalars(select(Task).where(Task.project_id == playbook, Task.key == "em_pause_ads")).one()
        notify(world.jia, "mentioned", by=world.lei, task=task)
        db.session.commit()
    before = len(letters(tmp_path))
    send(app, 111)
    assert "ads" not in [to for to, _said in told(tmp_path, since=before)], "what is over wakes nobody"
    over = [each for each in letters(tmp_path)[before:] if "False alarm (Key listing down)" in each["Subject"]]
    assert [each["To"].addresses[0].username for each in over] == ["pmo"], "and who was called hears it at once"
    assert "以后每月核对。" in over[0].get_body().get_content() and NOTE[:9] not in over[0].get_body().get_content()


def test_an_emergency_says_what_it_is_who_said_so_and_how_long_there_is(app, world):
    with app.app_context(), clock.at(NIGHT):
        emergency = declare(world)
        said = {}
        for language, zone in (("en", "America/Los_Angeles"), ("zh", "Asia/Shanghai")):
            world.lei.language, world.lei.timezone = language, zone
            db.session.flush()
            notice = db.session.scalars(
                select(Notification).filter_by(user_id=world.lei.id, emergency_id=emergency.id)
            ).one()
            said[language] = *words_of(notice), push.compose(_pushed(notice)).content.decode()
        expected = {
            "en": (
                "[Urgent]", "Key listing down", "A listing was removed", "Camp lantern US launch", "林晓雨",
                "Mon Oct 12 12:00 PM, Los Angeles time", "within 30 minutes", "Mon Oct 12 12:30 PM",
            ),
            "zh": (
                "【紧急】", "主力链接下架", "商品被下架", "露营灯 · 美国首发", "林晓雨", "10-13 周二 03:00（北京时间）",
                "30 分钟内接手", "10-13 周二 03:30",
            ),
        }  # fmt: skip
        for language, words in expected.items():
            subject, plain, page, shown = said[language]
            assert subject.startswith(words[0]) and words[1] in subject and "B0C1234567 露营灯" in subject
            assert words[0] in shown and words[1] in shown and words[2] in shown
            for each in words[1:]:
                assert each in plain and each in page, (language, each)
            assert NOTE in plain and "&lt;b&gt;" in page, "what was typed stays text"
            address = f"https://hub.example.com/emergencies/{emergency.id}"
            assert plain.count(address) == page.count(address) == 1
            assert "s2" not in subject + plain + page + shown
        assert "the next in line is called" in said["en"][1]

        channel = Channel(
            workspace_id=world.shanlan.id, owner=world.yue, kind="slack", name="x", address="https://x.example",
            events=["emergency.declared"],
        )  # fmt: skip
        db.session.add(channel)
        db.session.flush()
        for channel.language, names in (("en", expected["en"][1:3]), ("zh", expected["zh"][1:3])):
            channel.post("emergency.declared", channel.language, emergency=emergency)
            db.session.flush()
            post = db.session.scalars(select(Post).filter_by(channel_id=channel.id, key=channel.language)).one()
            lines = " ".join(letter(channel, [post]).items[0].lines)
            assert all(name in lines for name in names) and "s2" not in lines


def test_who_is_called_last_is_not_told_of_a_next_one(app, world):
    with app.app_context():
        emergency = declare(world)
        texts = []
        for round_ in range(1, 4):
            with clock.at(NIGHT + timedelta(minutes=30 * round_)):
                emergency.escalate()
                db.session.commit()
                query = select(Notification).filter_by(emergency_id=emergency.id).order_by(Notification.id.desc())
                newest = db.session.scalars(query).first()
                newest.user.language = "en"
                texts.append((newest.user.name, words_of(newest)[1]))
        assert texts[0][0] == "江宁" and "Nobody is left to be called after that" in texts[0][1]
        assert "the next in line" not in texts[0][1]
        assert "The time to take it up ended Tue Oct 13 4:00 AM" in texts[1][1], "nobody has; it is not asked for again"
        emergency.acknowledged_by, emergency.acknowledged_at = world.lei, clock.now()
        db.session.flush()
        assert "ake it up" not in words_of(newest)[1].replace("taken", "")


def test_owners_hear_that_their_tasks_are_held_once_each_and_only_insiders_by_what(app, world):
    with app.app_context():
        for task in (world.budget, world.listing, world.unboxing, world.night_hike):
            task.publish_at, task.audience_timezone = NIGHT + timedelta(days=9), "America/New_York"
        world.listing.owner = world.jia
        db.session.commit()
        declare(world, posts=True)
        held = {each.user.name: each for each in db.session.scalars(select(Notification).filter_by(kind="held"))}
        assert held.keys() == {"何佳", "Jess Kim", "Theo Ramirez"}
        world.jia.language = "en"
        subject, plain, page = words_of(held["何佳"])
        assert "and 1 more task of yours are on hold: emergency “B0C1234567 露营灯”" in subject
        assert "Publish the Amazon listing" in plain and "Publish the Amazon listing" in page
        subject, plain, page = words_of(held["Jess Kim"])
        assert "“Unboxing video” is on hold for now" in subject
        assert "B0C1234567" not in subject + plain + page and "LAMP-" not in plain
        assert held["何佳"].topic == "unblocked" and held["Jess Kim"].urgent
        drill = declare(world, drill=True, posts=True)
        assert len(db.session.scalars(select(Notification).filter_by(kind="held")).all()) == 3, "a drill holds nothing"
        assert drill.holds
        with clock.at(NIGHT + timedelta(minutes=5)):
            db.session.scalars(select(Emergency).filter_by(drill=False)).one().close("好", by=world.lei)
            db.session.commit()
            mails = select(Delivery).filter_by(notification_id=held["Jess Kim"].id, medium="mail")
            released = db.session.scalars(select(Notification).filter_by(kind="released")).all()
            said = {each.user.name: (words_of(each)[0], len(each.deliveries)) for each in released}
            assert said["何佳"][0] == "Emergency “B0C1234567 露营灯” is closed: 2 tasks of yours go on"
            assert said["Jess Kim"][0] == "1 task of yours is no longer on hold" and len(said) == len(released) == 3
            jobs.deliver_due()
            assert db.session.scalars(mails).one().state == "dropped", "what goes on again was never held for her"
            declare(world, posts=True).close("好", by=world.lei)
            declare(world, posts=True)
            jobs.deliver_due()
            query = select(Notification).filter_by(kind="released", user_id=world.jess.id).order_by(Notification.id)
            told = [each.deliveries[0].state for each in db.session.scalars(query)]
            assert told == ["sent", "dropped"], "nobody hears that it goes on when it is held again"


def test_who_creates_here_and_works_elsewhere_is_told_here_what_a_creator_may_know(app, browse, world):
    with app.app_context(), clock.at(NOW):
        jess, task = world.jess, world.unboxing
        jess.language = "en"
        db.session.add(Membership(workspace_id=world.bike.workspace_id, user=jess, role="ops"))
        task.due_at = NOW + timedelta(hours=2)
        db.session.add(Dependency(predecessor_id=world.fcc.id, successor_id=task.id))
        db.session.flush()
        db.session.refresh(jess, ["memberships"])
        for kind in ("staffed", "unblocked"):
            notify(jess, kind, by=world.yue, task=task)
        db.session.commit()
        jobs.deliver_due()
        said = {
            "staffed": "周越 gave you “Unboxing video”, due",
            "unblocked": "A blocking task of “Unboxing video” is done",
        }
        told = {}
        for kind in said:
            notice = db.session.scalars(select(Notification).filter_by(user_id=jess.id, kind=kind)).one()
            mailed = next(each for each in notice.deliveries if each.medium == "mail")
            assert mailed.state == ("sent" if kind == "staffed" else "dropped"), kind
            told[kind] = *words_of(notice), json.loads(push.compose(_pushed(notice)).content)["title"]
        first = db.session.scalars(select(Notification).filter_by(user_id=jess.id, kind="staffed")).one()
        task.due_at = None
        assert not [each for each in words_of(first) if "new project" in each]
        db.session.rollback()
    page = browse("jess").get("/inbox?lang=en").text
    for kind, texts in told.items():
        for each in (*texts, page):
            assert said[kind] in each or each in texts[1:3], (kind, each)
            for hidden in ("still block", "Camp lantern", "LAMP-", "new project"):
                assert hidden not in each, (kind, hidden, each)
