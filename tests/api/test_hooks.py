"""A program subscribes to what happens, is told with a signature, and says itself when it wants no more."""

import socket
from datetime import timedelta

import pytest

from linkstar import clock, jobs
from linkstar.api import hooks
from linkstar.extensions import db
from linkstar.models import ApiToken, Channel
from linkstar.reports.automations import Choices
from linkstar.views.channels.channels import judged
from tests.channels import fake_robots


@pytest.fixture
def fakes(app):
    with fake_robots.running(app) as fakes:
        yield fakes


def test_a_program_subscribes_is_told_and_leaves(app, world, script, browse, fakes, monkeypatch):
    yue = script("yue")
    wanted = {"event": "task.completed", "filter": {"project_id": world.lamp.id}}
    for wrong in (
        wanted, wanted | {"target_url": "http://example.com/"}, wanted | {"target_url": "https://10.0.0.1/"},
        {"event": "task.eaten", "target_url": fakes.address("webhook")},
    ):  # fmt: skip
        assert yue.post("/hooks", wrong).status_code == 422, wrong
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, real=socket.getaddrinfo, **more: real("::1", 443, **more))
    refused = yue.post("/hooks", wanted | {"target_url": "https://inner.example.com/"})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "target_url")
    monkeypatch.undo()

    def slowly(*args, **more):
        with app.app_context():
            ApiToken.of(world.yu)[0].revoke(by=world.yu)
            db.session.commit()
        return judged(*args, **more)

    monkeypatch.setattr(hooks, "judged", slowly)
    late = script("yu").post("/hooks", wanted | {"hookUrl": "https://robot.example.com/"})
    assert late.status_code == 401, "the token was revoked while the address was looked up"
    monkeypatch.undo()
    foreign = {
        "event": "task.completed",
        "target_url": fakes.address("webhook"),
        "filter": {"project_id": world.bike.id},
    }
    assert yue.post("/hooks", foreign).status_code == 404
    made = yue.post("/hooks", wanted | {"hookUrl": fakes.address("webhook")})
    assert made.status_code == 201 and made.json["event"] == "task.completed"
    inside = script("yu").post("/hooks", wanted | {"hookUrl": fakes.address("webhook")})
    assert inside.status_code == 422, "addresses of the house are for those who keep the workspace"
    assert script("maya").post("/hooks", wanted | {"hookUrl": fakes.address("webhook")}).status_code == 403
    fake_robots.SECRETS["webhook"], before = made.json["secret"], fake_robots.SECRETS["webhook"]
    listed = yue.get("/hooks").json["items"]
    assert [each["id"] for each in listed] == [made.json["id"]] and "secret" not in listed[0]
    assert script("admin").get("/hooks").json["items"] == []

    sample = yue.get("/hooks/samples?event=task.completed").json
    assert isinstance(sample, list) and [each["task"]["title"] for each in sample] == ["寄出样品"]
    with app.app_context():
        world.script.move_to(by=world.yu, to={"stage": world.done})
        world.poles.move_to(by=world.jia, to={"stage": world.tent.stages[-1]})
        db.session.commit()
        jobs.hear()
        jobs.deliver_channels()
    told = fakes.taken("webhook")
    assert [each["body"]["task"]["id"] for each in told] == [world.script.id]
    assert set(told[0]["body"]) >= set(sample[0]) and told[0]["headers"]["idempotency-key"]
    fake_robots.SECRETS["webhook"] = before

    with app.app_context():
        assert Choices(world.admin, world.shanlan.id, None).of("actions", "post") == [], "it is the program's own"
    assert script("admin").delete(f"/hooks/{made.json['id']}").status_code == 204
    assert yue.get(made.headers["Location"]).status_code == 200, "nobody else's to take away"
    for _again in range(2):
        assert yue.delete(f"/hooks/{made.json['id']}").status_code == 204
    assert yue.get(made.headers["Location"]).status_code == 404
    made = yue.post("/hooks", wanted | {"hookUrl": fakes.address("webhook")})
    assert made.status_code == 201
    with app.app_context():
        token = ApiToken.of(world.yue)[0]
        token.expires_at = clock.now() + timedelta(hours=1)
        hook = db.session.get_one(Channel, made.json["id"])
        hook.post("task.completed", "on its way", task=world.script)
        db.session.commit()
        with clock.at(clock.now() + timedelta(hours=1)):
            world.photos.move_to(by=world.yue, to={"stage": world.done})
            db.session.commit()
            jobs.hear()
            jobs.deliver_channels()
            db.session.rollback()
            assert [each.deliveries[0].state for each in hook.posts] == ["dropped"], "in nobody's name any more"
            assert not hook.tells and not hook.may_tell_of(world.script, None)
    with clock.at(clock.now() + timedelta(hours=1)):
        for address in ("/channels", f"/channels/{made.json['id']}"):
            assert "token has run out" in browse("yue").get(f"{address}?lang=en").text
    with app.app_context():
        kept = Channel.open(world.shanlan.id, "webhook", by=world.yue, name="x", address="https://x.example", events=[])
        token = ApiToken.of(world.yue)[0]
        token.revoke(by=world.admin)
        db.session.commit()
        assert db.session.scalars(db.select(Channel)).all() == [kept], "what it subscribed to goes with the token"
