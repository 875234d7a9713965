"""What happens is told to the chat groups and webhooks of a team: once, in their language, as fast as they take it."""

import json
from datetime import timedelta

import pytest
from flask_babel import force_locale

from linkstar import clock, jobs
from linkstar.channels import news, posts, robots
from linkstar.extensions import db
from linkstar.models import (
    Approval,
    Channel,
    Declaration,
    Delivery,
    Dependency,
    Emergency,
    Heard,
    Notification,
    PhaseGate,
    Post,
    Project,
    Reminder,
    Task,
)
from linkstar.models.channel import EVENTS, KINDS
from linkstar.models.operations import DeleteTask
from linkstar.words import notice_words, trouble_words
from tests.channels import fake_robots
from tests.channels.fake_robots import SECRETS
from tests.world import NOW


@pytest.fixture
def fakes(app):
    with fake_robots.running(app) as fakes:
        yield fakes


def open_channel(world, fakes, kind, **values):
    values = {"events": list(EVENTS), "owner": world.yue, "name": f"{kind} 群", "language": "zh"} | values
    channel = Channel(
        workspace_id=world.shanlan.id, kind=kind, address=fakes.address(kind), secret=SECRETS.get(kind), **values
    )
    db.session.add(channel)
    Heard.begin(world.shanlan.id)
    db.session.commit()
    return channel


def work(at=NOW):
    with clock.at(at):
        jobs.hear()
        jobs.deliver_channels()


def states(channel):
    db.session.rollback()
    query = db.select(Delivery).join(Delivery.post).where(Post.channel_id == channel.id).order_by(Delivery.id)
    return [delivery.state for delivery in db.session.scalars(query)]


def text_of(call):
    return json.dumps(call["body"], ensure_ascii=False)


@pytest.mark.one_database
def test_the_signatures_are_those_of_the_vectors():
    assert robots.feishu_sign("1599360473", "demo_secret") == "sdR0eS36UO/d4NpAyDr6RpCJWLJtcheypjGCjiZTm0o="
    signed = "2VOAeFvro7bKb3Wpr0nZ6t5WX98C87bhOg8mG28pRks%3D"
    assert robots.dingtalk_sign("1577262236757", "SECdemo0001") == signed
    body = b'{"event":"task.overdue","id":"evt_1"}'
    wanted = "v1=165a5893a85d7598c11ae5e108a7ddf7a1f17dd96f3bcb651a390061c478b7e3"
    assert robots.webhook_sign("1767225600", "whsec_demo", body) == wanted


@pytest.mark.one_database
def test_what_people_write_stays_words_and_within_the_limits():
    nasty = "<!channel> & <@all> [x](http://evil) **b**\n# h"
    one = robots.Letter("任务完成", (robots.Item("任务完成", nasty, "https://hub/tasks/1", (nasty,)),))
    slack = robots.slack(one)["blocks"][0]["text"]["text"]
    assert "<!channel>" not in slack and "&lt;!channel&gt; &amp;" in slack
    for text in (robots.wecom(one)["markdown"]["content"], robots.dingtalk(one)["markdown"]["text"]):
        assert "<@all>" not in text and "[x](" not in text and "\n#" not in text[3:]
        assert "](https://hub/tasks/1)" in text
    items = tuple(robots.Item("逾期", "长" * 150, "https://hub/tasks/1", ("长" * 300,)) for _ in range(200))
    many = robots.Letter("很多事", items, "还有 900 件")
    assert len(robots.slack(many)["blocks"][0]["text"]["text"]) <= 3000
    assert len(robots.wecom(many)["markdown"]["content"].encode()) <= 4096
    assert robots.wecom(many)["markdown"]["content"].endswith("还有 900 件")
    for shape in (robots.feishu, robots.dingtalk):
        assert len(json.dumps(shape(many), ensure_ascii=False).encode()) <= 20_000
    alone = robots.Letter("长", (robots.Item("长", "长" * 3000, "https://hub/", ()),))
    assert 3000 < len(robots.wecom(alone)["markdown"]["content"].encode()) <= 4096


def test_each_kind_is_told_in_its_own_shape_once(app, session, world, fakes):
    opened = {kind: open_channel(world, fakes, kind) for kind in KINDS}
    opened["english"] = open_channel(world, fakes, "slack", language="en", events=["task.completed"])
    world.script.edit({"title_en": "The script"}, by=world.yu)
    world.script.move_to(by=world.yu, to={"stage": world.done})
    db.session.commit()
    for _again in range(2):
        work()
    for kind in KINDS:
        assert states(opened[kind]) == ["sent"], kind
    english = text_of(fakes.taken("slack")[1])
    assert "The script" in english and "Camp lantern" in english and "拍摄脚本" not in english
    for kind in ("slack", "feishu", "wecom", "dingtalk"):
        said = text_of(fakes.taken(kind)[0])
        for word in ("拍摄脚本", "林晓雨", "10-14", "露营灯", f"https://hub.example.com/tasks/{world.script.id}"):
            assert word in said, (kind, word)
    told = fakes.taken("webhook")[0]
    assert told["body"]["event"] == told["headers"]["x-linkstar-event"] == "task.completed"
    assert told["body"]["task"]["code"] == world.script.code and told["body"]["project"]["id"] == world.lamp.id
    assert told["body"]["to"] == {"zh": "完成", "en": "Done"} and told["body"]["by"]["name"] == "林晓雨"
    keys = [call["headers"]["idempotency-key"] for call in fakes.calls]
    assert len(keys) == len(set(keys)) == 6


def test_a_channel_tells_what_its_owner_may_see_and_nothing_of_the_past(app, session, world, fakes, monkeypatch):
    monkeypatch.setattr(Channel, "may_go_inside", True)  # where the robots of the tests are
    world.sample.move_to(by=world.yu, to={"stage": world.doing})
    db.session.commit()
    of_jia = open_channel(world, fakes, "slack", owner=world.jia)
    of_yu = open_channel(world, fakes, "feishu", owner=world.yu)
    of_lamp = open_channel(world, fakes, "wecom", project=world.lamp)
    of_drills = open_channel(world, fakes, "dingtalk", drills=True)
    off = open_channel(world, fakes, "webhook", active=False)
    outsider = open_channel(world, fakes, "webhook", owner=world.maya)
    world.poles.move_to(by=world.yue, to={"stage": world.tent.stages[1]})
    world.lamp.budget, world.lamp.suppliers = 7199350, "Lampwerk"
    world.script.move_to(by=world.yu, to={"stage": world.doing})
    world.packing.move_to(by=world.yue, to={}, place="first")
    db.session.commit()
    jobs.hear()
    world.script.trash(by=world.yue)
    db.session.commit()
    assert [states(each) for each in (of_drills, off, outsider)] == [[], [], []]
    work()
    assert (states(of_jia), states(of_yu), states(of_lamp)) == (["sent", "dropped"], ["dropped"], ["dropped"])
    said = "".join(text_of(call) for call in fakes.calls)
    assert "碳杆打样" in said and "7199350" not in said and "Lampwerk" not in said
    fire = Emergency(id=1, title="起火", severity="s1", drill=False, about_id=world.tent.id, about=world.tent)
    post = Post(event="emergency.declared", emergency=fire, facts={})
    named = [world.tent.name_zh in str(news.letter(each, [post])) for each in (of_jia, of_yu)]
    assert named == [True, False], "of a project that the owner does not see it hears without its name"
    db.session.rollback()


def test_a_launch_is_one_message_and_so_is_every_change_of_many(app, session, world, fakes, monkeypatch):
    slack = open_channel(world, fakes, "slack")
    of_tent = open_channel(world, fakes, "webhook", project=world.tent)
    for number in range(71):
        project = world.tent if number == 70 else world.lamp
        Task.create(
            project, by=world.yue, stage=project.stages[0], owner=world.yue, change="launch", title_zh=f"第{number}步"
        )
    db.session.commit()
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_hear", lambda *args, real=jobs._hear: real(args[0], 20))
        work()
    assert states(slack) == states(of_tent) == ["sent"]
    assert "71" in fakes.taken("slack")[0]["body"]["blocks"][0]["text"]["text"].splitlines()[0]
    assert [fakes.taken("webhook")[0]["body"][name] for name in ("event", "count")] == ["task.created", 1]


def test_whatever_can_be_listened_to_happens_and_is_told_once(app, session, world, fakes):
    hook = open_channel(world, fakes, "webhook")

    def remind(kind, **about):
        row = Reminder(
            workspace_id=world.shanlan.id, user=world.yue, subject="x", kind=kind, step=1, version="2026-10-12",
            facts={"name": {"zh": "证", "en": "CPC"}}, due_at=NOW, **about,
        )  # fmt: skip
        db.session.add(row)
        row.tell()

    def fire(does):
        emergency = db.session.scalars(db.select(Emergency)).one()
        does(emergency)

    def unblock():
        """By two tasks, one of them done twice, before anybody has heard of it."""
        world.packing.blocking, world.packing.due_on = True, world.script.due_on
        for task in (world.packing, world.fcc):
            db.session.add(Dependency(predecessor_id=task.id, successor_id=world.night_hike.id))
        db.session.add(PhaseGate(phase_id=world.content.id, awaited_id=world.compliance.id))
        db.session.flush()
        world.lab_report.tick(by=world.lei)
        for task, stage in ((world.fcc, world.done), (world.fcc, world.doing), (world.packing, world.done)):
            task.move_to(by=world.yue, to={"stage": stage})
            db.session.flush()
        db.session.commit()
        jobs.hear()
        assert "task.unblocked" not in {each.event for each in hook.posts}, "something blocks them still"
        with clock.at(NOW + timedelta(minutes=1)):
            for stage in (world.done, world.doing, world.done):
                world.fcc.move_to(by=world.yue, to={"stage": stage})
                db.session.flush()

    here = {"project": world.lamp, "by": world.yue}
    happens = {
        "task.created": lambda: Task.create(stage=world.to_do, owner=world.yue, title_zh="新", **here),
        "task.moved": lambda: world.photos.move_to(by=world.yue, to={"stage": world.in_review}),
        "task.completed": lambda: world.script.move_to(by=world.yue, to={"stage": world.done}),
        "task.unblocked": unblock,
        "gate.passed": lambda: None,  # by the same
        "task.overdue": lambda: remind("overdue", task=world.budget),
        "gate.waiting": lambda: remind("gate", task=world.fcc),
        "compliance.expiring": lambda: remind("expiring", task=world.fcc),
        "cutoff.near": lambda: remind("cutoff", project=world.lamp),
        "project.idle": lambda: remind("idle", project=world.lamp),
        "project.created": lambda: Project.create(
            by=world.yue, workspace_id=world.shanlan.id, code="US-AMZ-27Q1-MUG-001", key="MUG", name_zh="杯"
        ),
        "approval.asked": lambda: Approval.ask(DeleteTask.of(world.sample), by=world.yu),
        "emergency.declared": lambda: Declaration(
            workspace_id=world.shanlan.id, trigger="listing_removed", severity="s2", title="下架"
        ).declare(by=world.yue),
        "emergency.acknowledged": lambda: fire(lambda each: each.acknowledge(by=world.lei)),
        "emergency.closed": lambda: fire(lambda each: each.close("好", by=world.lei)),
        "emergency.reopened": lambda: fire(lambda each: each.reopen("又来了", by=world.lei)),
    }
    assert happens.keys() == set(EVENTS)
    for event, does in happens.items():
        does()
        db.session.commit()
        for _again in range(2):
            work()
        db.session.rollback()
        mine = [post for post in hook.posts if post.event == event]
        if event == "task.unblocked":
            assert sorted(each.task_id for each in mine) == sorted([world.listing.id, world.night_hike.id])
        else:
            assert mine and len(mine) == len({each.key for each in mine}), event
        assert {each.deliveries[0].state for each in mine} == {"sent"}, event
    with clock.at(NOW + timedelta(hours=1)):
        for stage in (world.doing, world.done):
            world.fcc.move_to(by=world.yue, to={"stage": stage})
            db.session.commit()
            work()
    told = [post.event for post in hook.posts]
    assert told.count("task.unblocked") == 4, "what is blocked anew is told anew"


def test_what_is_too_fast_waits_and_what_waits_goes_out_as_one(app, session, world, fakes):
    wecom = open_channel(world, fakes, "wecom")
    for number in range(9):
        wecom.post("task.overdue", f"a{number}", task=world.script, facts={"days": 1})
    db.session.commit()
    work()
    for number in range(9):
        wecom.post("task.overdue", f"b{number}", task=world.script)
    db.session.commit()
    work(NOW + timedelta(seconds=5))
    assert states(wecom) == ["sent"] * 18
    for number in range(6):
        wecom.post("task.overdue", f"c{number}", task=world.script)
    db.session.commit()
    work(NOW + timedelta(seconds=10))
    assert states(wecom) == ["sent"] * 20 + ["due"] * 4
    late = db.session.scalars(db.select(Delivery).where(Delivery.state == "due")).all()
    assert {(each.tries, each.error) for each in late} == {(0, None)}, "to wait is no failure"
    for number in range(20):
        wecom.post("task.overdue", f"d{number}", task=world.fcc)
    db.session.commit()
    work(NOW + timedelta(seconds=20))
    work(NOW + timedelta(seconds=70))
    assert states(wecom) == ["sent"] * 44
    assert len(fakes.calls) == len(fakes.taken("wecom")) == 21, "never too fast, and the last 24 in one"
    last = fakes.calls[-1]["body"]["markdown"]["content"]
    assert last.startswith("**") and "24" in last.splitlines()[0] and last.count("](http") == 15


def test_what_one_worker_carries_no_other_sends(app, session, world, fakes):
    """A worker is killed between the message and the note of it; another one comes along meanwhile."""
    slack = open_channel(world, fakes, "slack")
    for number in range(30):
        slack.post("task.overdue", f"a{number}", task=world.script)
    db.session.commit()
    mine, other = jobs._claim_for_channel(), jobs._claim_for_channel()
    assert other is None, "a channel has one in hand at a time"
    message = posts.compose(db.session.get_one(Delivery, mine[0]))
    posts.send(message)  # and here it dies
    with clock.at(NOW + timedelta(seconds=30)):
        jobs.deliver_channels()
    assert states(slack).count("sent") == 0 and len(fakes.calls) == 1
    work(NOW + jobs.LEASE + timedelta(seconds=31))
    assert states(slack) == ["sent"] * 30 and len(fakes.calls) == 2
    first, again = (call["headers"]["idempotency-key"] for call in fakes.calls)
    assert first == again and fakes.calls[0]["body"] == fakes.calls[1]["body"]


def test_a_refusal_is_kept_without_secrets_and_tried_again_until_it_is_given_up(app, session, world, fakes):
    for kind, status, body, shown in (
        ("feishu", 200, '{"code":7,"msg":"busy f00df00d-token demo_secret"}', "7 busy … …"),
        ("dingtalk", 200, '{"errcode":-1,"errmsg":"system busy"}', "-1 system busy"),
        ("slack", 500, "rollup_error", "500 rollup_error"),
        ("webhook", 500, "<b>inside of their house</b>", "500"),
        ("wecom", 200, "<html>", "answer"),
    ):
        channel = open_channel(world, fakes, kind)
        fakes.fail(kind, status, body)
        channel.post("task.overdue", "x", task=world.script)
        db.session.commit()
        work()
        delivery = db.session.scalars(db.select(Delivery).where(Delivery.state == "due")).one()
        assert (delivery.error, delivery.tries, db.session.get(Channel, channel.id).trouble) == (shown, 1, shown)
        assert delivery.due_at > NOW + timedelta(seconds=59)
        work(delivery.due_at)
        assert states(channel) == ["sent"] and db.session.get(Channel, channel.id).trouble is None
    calm = open_channel(world, fakes, "slack")
    fakes.fail("slack", 429, Retry_After="120")
    calm.post("task.overdue", "y", task=world.script)
    db.session.commit()
    work()
    delivery = db.session.scalars(db.select(Delivery).where(Delivery.state == "due")).one()
    assert (delivery.tries, delivery.due_at, delivery.error) == (0, NOW + timedelta(seconds=120), None)
    work(delivery.due_at)
    assert states(calm) == ["sent"]


def test_who_owns_a_channel_that_is_gone_is_told_once_a_day(app, session, world, fakes):
    hook = open_channel(world, fakes, "webhook")
    fakes.fail("webhook", 410)
    for number in range(3):
        hook.post("task.overdue", f"a{number}", task=world.script)
    robot = open_channel(world, fakes, "wecom")
    fakes.fail("wecom", 200, '{"errcode":93000,"errmsg":"invalid webhook url"}', times=2)
    for number in range(2):
        robot.post("task.overdue", f"a{number}", task=world.script)
    db.session.commit()
    work()
    assert (states(hook), states(robot)) == (["failed", "dropped", "dropped"], ["failed", "failed"])
    assert (db.session.get(Channel, hook.id).active, db.session.get(Channel, robot.id).active) == (False, True)
    told = db.session.scalars(db.select(Notification).where(Notification.kind == "channel_failed")).all()
    assert {each.user_id for each in told} == {world.yue.id}
    assert sorted(each.fields for each in told) == sorted(
        [[hook.name, "410"], [robot.name, "93000 invalid webhook url"]]
    )
    with force_locale("en"):
        said = [notice_words(each) for each in told]
    assert any("add one to the group anew and enter its address" in each for each in said), "and what is to be done"


FOR_GOOD = [  # kind, status, body, what is to be done; by connectors.md, 11 to 14
    ("slack", 302, "", "enter the last address"), ("webhook", 301, "", "enter the last address"),
    *(("slack", 400, word, "whether the address belongs") for word in
      ("invalid_payload", "no_text", "too_many_attachments", "user_not_found")),
    ("slack", 403, "invalid_token", "make a new one in Slack"), ("slack", 403, "action_prohibited", "ask them"),
    *(("slack", 404, word, "make a new one in Slack") for word in ("channel_not_found", "no_service", "no_team")),
    ("slack", 410, "channel_is_archived", "archived in Slack"),
    *(("feishu", 200, f'{{"code":{code},"msg":"no"}}', words) for code, words in
      ((9499, "tell whoever runs"), (19001, "add one to the group"), (19021, "compare the secret"),
       (19022, "robot’s list"), (19024, "take signatures"))),
    ("feishu", 400, '{"code":19001,"msg":"no"}', "add one to the group"), ("feishu", 404, "<html>", "copy it"),
    *(("wecom", 200, f'{{"errcode":{code},"errmsg":"no"}}', words) for code, words in
      ((93000, "add one to the group"), (40008, "tell whoever"), (44004, "tell whoever"), (40058, "tell whoever"))),
    *(("dingtalk", 200, f'{{"errcode":{code},"errmsg":"no"}}', words) for code, words in
      ((310000, "compare the secret"), (300001, "add one"), (300005, "add one"), (400101, "add one"),
       (400013, "another group"), (400102, "switch it on"))),
    *(("webhook", status, "no", words) for status, words in
      ((400, "see whether"), (401, "enter both again"), (403, "who may write"), (404, "copy it"), (405, "see whether"),
       (413, "see whether"), (422, "see whether"), (410, "make a new address"))),
]  # fmt: skip
FOR_NOW = [
    *(("webhook", status, "") for status in (408, 409, 423, 425, 500, 502, 503)), ("slack", 500, "rollup_error"),
    ("feishu", 200, "<html>"), ("feishu", 502, "<html>"), ("wecom", 200, '{"errcode":-1,"errmsg":"busy"}'),
    ("dingtalk", 200, '{"errcode":-1,"errmsg":"busy"}'), ("feishu", 200, '{"code":12345,"msg":"new to us"}'),
]  # fmt: skip
TOO_OFTEN = [
    ("webhook", 429, ""), ("slack", 429, "rate_limited"), ("feishu", 200, '{"code":11232,"msg":"frequency limited"}'),
    ("wecom", 200, '{"errcode":45009,"errmsg":"limit"}'), ("dingtalk", 200, '{"errcode":130101,"errmsg":"too fast"}'),
]  # fmt: skip


@pytest.mark.one_database
def test_what_is_of_no_use_is_not_tried_again(app, session, world, fakes):
    opened = {kind: open_channel(world, fakes, kind) for kind in KINDS}

    def tell(channel, number):
        db.session.execute(db.update(Channel).values(active=True))
        db.session.execute(db.update(Post).values(told_at=None))
        db.session.execute(db.delete(Delivery))
        channel.post("task.overdue", f"x{number}", task=world.script)
        db.session.commit()
        work()
        db.session.rollback()
        return db.session.scalars(db.select(Delivery).join(Delivery.post)).one()

    rows = [(*row[:3], "failed", row[3]) for row in FOR_GOOD] + [(*row, "due", "") for row in FOR_NOW]
    for number, (kind, status, body, state, words) in enumerate(rows):
        fakes.fail(kind, status, body)
        delivery = tell(opened[kind], number)
        assert (delivery.state, delivery.tries) == (state, 1), (kind, status, body)
        with force_locale("en"):
            assert words in trouble_words(delivery.error), (kind, status, body, trouble_words(delivery.error))
        assert opened[kind].active is (status != 410 or kind != "webhook"), "only who is gone is switched off"
    for number, (kind, status, body) in enumerate(TOO_OFTEN):
        fakes.fail(kind, status, body)
        delivery = tell(opened[kind], f"often{number}")
        assert (delivery.state, delivery.tries, delivery.error) == ("due", 0, None), (kind, status, body)
    for address in ("https://10.0.0.1/", "ftp://example.com/", "https://example.com:25/"):
        opened["webhook"].address = address
        delivery = tell(opened["webhook"], address)
        assert (delivery.state, delivery.tries) == ("failed", 1), address
