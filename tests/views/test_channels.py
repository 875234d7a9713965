"""The pages on which a team says where it wants to hear of things, and sees what became of each message."""

import re
import socket
from datetime import timedelta

import pytest

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import AuditEvent, Channel, Comment, Delivery, Heard, Post
from tests.channels import fake_robots
from tests.world import NOW


@pytest.fixture
def fakes(app):
    with fake_robots.running(app) as fakes:
        yield fakes


def make(browser, fakes, kind="feishu", **values):
    secret = fake_robots.SECRETS.get(kind, "")
    sent = {"kind": kind, "name": "美国站群", "address": fakes.address(kind), "secret": secret, "language": "zh"}
    return browser.post("/channels", sent | {"events": ["task.completed", "task.created"], "project": ""} | values)


def work(app, at=NOW):
    with app.app_context(), clock.at(at):
        jobs.hear()
        jobs.deliver_due()
        jobs.deliver_channels()


def test_a_channel_is_made_tested_changed_and_removed(app, world, browse, fakes, monkeypatch):
    yue = browse("yue")
    assert yue.get("/channels").status_code == 200
    for kind in ("feishu", "wecom", "dingtalk", "slack", "webhook"):
        assert yue.get("/channels/new", {"kind": kind}).status_code == 200
    for address in (
        "https://example.com/x",
        "http://open.feishu.cn/x",
        "https://u:p@open.feishu.cn/x",
        "https://10.0.0.1/",
    ):
        refused = make(yue, fakes, address=address, name="留着的名字")
        assert refused.status_code == 422 and "留着的名字" in refused.text and address not in refused.text
        assert 'id="address-error"' in refused.text
        assert 'id="secret-error"' in refused.text, "what was typed unseen is gone, and has to be said so"
    inner = {"inner.example.com": "10.1.2.3", "xn--1.example.com": "169.254.169.254", "robot.example.com": "8.8.8.8"}
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real(inner.get(host, host), *rest, **more))
    for host in ("inner.example.com", "xn--1.example.com", "0x7f.1"):
        refused = make(yue, fakes, "webhook", address=f"https://{host}/x")
        assert refused.status_code == 422 and "OUTGOING_NETWORKS" in refused.text, host
    place = make(yue, fakes, "webhook", address="https://nobody-knows.invalid/x").location
    assert "nobody-knows.invalid" in yue.get(place).text, "who is not known now may be known tomorrow"
    yue.delete(place)
    yue.delete(make(yue, fakes, "webhook", address="https://robot.example.com/x").location)
    assert make(yue, fakes, address="").status_code == make(yue, fakes, events=[]).status_code == 422
    place = make(yue, fakes).location
    page = yue.get(place)
    assert "127.0.0.1" in page.text and "f00df00d" not in page.text and "demo_secret" not in page.text
    edit = yue.get(f"{place}/edit").text
    assert "f00df00d" not in edit and "demo_secret" not in edit and "••••" in edit

    assert yue.post(f"{place}/tests").status_code == 303
    assert 'hx-trigger="every 3s"' in yue.get(place).text
    work(app)
    assert len(fakes.taken("feishu")) == 1 and "hx-trigger" not in yue.get(place).text.split("channel-log")[1]
    fakes.fail("feishu", 200, '{"code":19021,"msg":"sign match fail"}')
    yue.post(f"{place}/tests")
    work(app)
    assert "sign match fail" in yue.get(place).text and "sign match fail" in yue.get("/channels").text
    for _n in range(4):
        yue.post(f"{place}/tests")
    assert yue.post(f"{place}/tests").status_code == 429
    assert browse("admin").post(f"{place}/tests").status_code == 303, "nobody uses up another's"

    version = re.search(r'name="version" value="(\d+)"', yue.get(f"{place}/edit").text)[1]
    put = {"name": "新名字", "events": ["task.overdue"], "project": world.lamp.id, "language": "en", "version": version}
    assert yue.put(place, put).status_code == 303
    late = yue.put(place, put | {"name": "旧"})
    assert late.status_code == 409, "who saw an older one is told so"
    assert 'id="address-error"' not in late.text
    late = yue.put(f"{place}?lang=en", put | {"name": "旧", "address": fakes.address("feishu")})
    assert late.status_code == 409 and 'id="address-error"' in late.text and "but for the address" in late.text
    with app.app_context():
        world.lamp.trashed_at = NOW
        db.session.commit()
    assert f'selected value="{world.lamp.id}"' in yue.get(f"{place}/edit").text, "nothing else takes its place unseen"
    assert yue.put(place, put | {"version": int(version) + 1}).status_code == 422
    assert yue.delete(f"{place}/activity").status_code == 303
    with app.app_context():
        channel = db.session.scalars(db.select(Channel)).one()
        assert (channel.address, channel.secret) == (fakes.address("feishu"), "demo_secret"), "empty is kept"
        assert (channel.name, channel.project_id, channel.active) == ("新名字", world.lamp.id, False)
        assert fakes.address("feishu") not in db.session.scalar(db.text("select address from channel"))
    assert yue.delete(place).status_code == 303
    assert yue.get(place).status_code == 404
    with app.app_context():
        trail = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action.startswith("channel."))).all()[4:]
        assert [each.action for each in trail] == [
            "channel.added",
            "channel.edited",
            "channel.edited",
            "channel.removed",
        ]
        assert "f00df00d" not in str([each.changes for each in trail])
        assert db.session.scalars(db.select(Delivery).join(Delivery.post)).all() == []
    history = yue.get("/history").text
    assert "新名字" in history


def test_the_secret_of_a_webhook_is_shown_once(app, world, browse, fakes):
    yue = browse("yue")
    answer = make(yue, fakes, "webhook", secret="")
    secret = re.search(r"whsec_[\w-]+", answer.text)[0]
    with app.app_context():
        channel = db.session.scalars(db.select(Channel)).one()
        assert channel.secret == secret and db.session.get(Heard, world.shanlan.id)
    assert secret not in yue.get(f"/channels/{channel.id}").text


def test_who_keeps_the_workspace_has_all_and_others_their_own(app, world, browse, fakes):
    place = make(browse("yue"), fakes).location
    for person, wanted in (("admin", 200), ("yu", 404), ("lead", 404)):
        assert browse(person).get(place).status_code == wanted, person
    assert browse("yu").get("/channels/new", {"kind": "slack"}).status_code == 403
    with app.app_context():
        db.session.scalars(db.select(Channel)).one().owner = world.yu
        db.session.commit()
    yu, admin = browse("yu"), browse("admin")
    assert yu.post(f"{place}/tests").status_code == 303
    work(app)
    assert fakes.calls == [], "a member's leads to no address of the house, whatever the settings say"
    version = re.search(r'name="version" value="(\d+)"', yu.get(f"{place}/edit").text)[1]
    put = {"name": "别名", "events": ["task.overdue"], "project": "", "language": "zh", "version": version}
    assert yu.put(place, put | {"address": fakes.address("feishu")}).status_code == 422

    def owner():
        with app.app_context():
            return db.session.scalars(db.select(Channel)).one().owner_id

    for switched in (admin.delete, admin.put):
        assert switched(f"{place}/activity").status_code == 303
    put["version"] = re.search(r'name="version" value="(\d+)"', admin.get(f"{place}/edit").text)[1]
    assert admin.put(place, put).status_code == 303
    assert owner() == world.yu.id, "who keeps the workspace lends it nothing"
    put["version"] = re.search(r'name="version" value="(\d+)"', admin.get(f"{place}/edit").text)[1]
    assert admin.put(place, put | {"address": fakes.address("feishu")}).status_code == 303
    assert owner() == world.admin.id, "who says anew where it goes owns it"
    admin.post(f"{place}/tests")
    work(app)
    assert len(fakes.taken("feishu")) == 1


def test_what_was_sealed_with_another_key_is_asked_for_again_and_nothing_else_suffers(app, world, browse, fakes):
    place = make(browse("yue"), fakes, events=["emergency.declared"]).location
    app.config["SECRET_KEY"] = "quite another key of the house, long enough"
    yue, sentence = browse("yue"), "Enter the address again, and the secret if it has one"
    declared = {"trigger": "listing_removed", "severity": "s1", "title": "电池起火", "project": world.lamp.id}
    assert yue.post("/emergencies", declared).status_code == 303
    work(app)
    for page in ("/channels", place, f"{place}/edit"):
        assert sentence in yue.get(page, {"lang": "en"}).text, page
    with app.app_context():
        assert [(each.state, each.error) for each in db.session.scalars(db.select(Delivery).join(Delivery.post))] == [
            ("failed", "sealed")
        ]
    put = {"name": "新", "events": ["emergency.declared"], "project": "", "language": "en", "version": 1}
    assert yue.put(place, put).status_code == 422, "without an address there is nothing to save"
    again = {"address": fakes.address("feishu"), "secret": fake_robots.SECRETS["feishu"]}
    assert yue.put(place, put | again).status_code == 303
    yue.put("/deliveries", {})
    work(app)
    assert "电池起火" in str(fakes.taken("feishu")[0]["body"]) and sentence not in yue.get(place, {"lang": "en"}).text


def test_what_was_given_up_waits_for_somebody_and_goes_out_again(app, world, browse, fakes, count_queries):
    yue, place = browse("yue"), None
    place = make(yue, fakes).location
    channel_id = int(place.rsplit("/", 1)[1])
    with app.app_context():
        channel = db.session.get(Channel, channel_id)
        for number in range(3):
            channel.post("task.completed", f"x{number}", task=world.script)
        Comment.post(world.script, "@何佳 秘密的话", by=world.yu)
        db.session.commit()
        db.session.execute(
            db.update(Delivery).where(Delivery.state == "due").values(state="failed", error="500", tries=6)
        )
        db.session.commit()
        mail = db.update(Delivery).where(Delivery.notification_id.is_not(None), Delivery.state == "failed")
        db.session.execute(mail.values(medium="push"))
        db.session.commit()
    page = yue.get("/deliveries", {"lang": "en"}).text
    assert "The push service" in page and "The mail server" not in page
    with app.app_context():
        db.session.execute(mail.values(medium="mail"))
        db.session.commit()
    page = yue.get("/deliveries").text
    assert page.count("data-delivery") == 4 and "何佳" in page and "秘密的话" not in page
    assert browse("yu").get("/deliveries").text.count("data-delivery") == 0
    one = re.search(r'data-delivery="(\d+)"', page)[1]
    assert browse("yu").put("/deliveries", {"delivery": one}).status_code == 303
    assert yue.get("/deliveries").text.count("data-delivery") == 4, "not hers to send"
    yue.put("/deliveries", {"delivery": one})
    assert yue.get("/deliveries").text.count("data-delivery") == 3
    with count_queries() as few:
        yue.get("/deliveries")
    yue.put("/deliveries", {})
    work(app)
    assert len(fakes.taken("feishu")) == 3 and yue.get("/deliveries").text.count("data-delivery") == 0
    with app.app_context():
        sent = db.session.scalars(
            db.select(Delivery.id).join(Delivery.post).where(Post.channel_id == channel_id)
        ).first()
    assert yue.post(f"{place}/replays", {"delivery": sent}).status_code == 303
    work(app, NOW + timedelta(seconds=90))
    keys = [call["headers"]["idempotency-key"] for call in fakes.taken("feishu")]
    assert len(keys) == 4 and keys.count(f"delivery-{sent}") == 2, "a replay has the key that it had"
    with app.app_context():
        for number in range(40):
            db.session.get(Channel, channel_id).post("task.completed", f"y{number}", task=world.fcc, project=world.lamp)
        db.session.execute(db.update(Delivery).where(Delivery.state == "due").values(state="failed"))
        db.session.commit()
    with count_queries() as many:
        yue.get("/deliveries")
    assert len(many) <= len(few)
    with count_queries() as log:
        assert yue.get(place).text.count("data-delivery") == 43
    assert len(log) < 20
    with app.app_context():
        again = db.select(Post.id).where(Post.key.startswith("y"))
        later = {"state": "due", "tries": 3, "error": "500", "due_at": NOW + timedelta(hours=2)}
        db.session.execute(db.update(Delivery).where(Delivery.post_id.in_(again)).values(later))
        db.session.commit()
    assert "every 3s" not in yue.get(place).text, "the next try is hours away"
