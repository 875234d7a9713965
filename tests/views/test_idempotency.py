"""A request that is sent twice with one key has one effect and one answer."""

import sqlite3

import pytest
from sqlalchemy import func, make_url, select

from linkstar.extensions import db
from linkstar.models import Task, User
from tests.world import PASSWORD


def count_tasks(app):
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Task))


def add(browser, world, title, key, **more):
    return browser.post(
        f"/projects/{world.lamp.id}/tasks", {"title": title, "stage_id": world.to_do.id}, htmx=True,
        headers={"Idempotency-Key": key}, **more,
    )  # fmt: skip


def test_the_same_key_gives_the_same_answer_and_one_effect(app, browse, world):
    yu, before = browse("yu"), count_tasks(app)
    first, second = add(yu, world, "采购打光棚", "k1"), add(yu, world, "采购打光棚", "k1")
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.data == first.data
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count_tasks(app) == before + 1


def test_another_key_or_another_person_is_another_request(app, browse, world):
    before = count_tasks(app)
    for browser, key in ((browse("yu"), "k1"), (browse("yu"), "k2"), (browse("yue"), "k1")):
        assert add(browser, world, "采购打光棚", key).status_code == 200
    assert count_tasks(app) == before + 3


def test_the_same_key_for_something_else_is_409(app, browse, world):
    yu = browse("yu")
    add(yu, world, "采购打光棚", "k1")
    before = count_tasks(app)
    assert add(yu, world, "租摄影棚", "k1").status_code == 409
    assert count_tasks(app) == before


def test_a_refused_request_may_be_repeated(app, browse, world):
    yu, before = browse("yu"), count_tasks(app)
    assert add(yu, world, "", "k1").status_code == 422
    assert add(yu, world, "采购打光棚", "k1").status_code == 200
    assert count_tasks(app) == before + 1


def test_a_redirect_is_repeated_too(browse, world):
    yu, key = browse("yu"), {"Idempotency-Key": "k3"}
    answers = [yu.post(f"/tasks/{world.script.id}/moves", {"place": "first"}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location


def test_a_key_that_is_none_is_400(browse, world):
    yu = browse("yu")
    for key in ("k" * 129, "k\x01"):
        assert add(yu, world, "采购打光棚", key).status_code == 400


def test_what_reads_first_counts_once_too(app, browse, world):
    """The password is judged before anything is locked; the key is claimed with the first write."""
    yu, new = browse("yu"), "ganz-neue-Stirnlampe-9"
    sent = {"present": PASSWORD, "password": new, "again": new}
    first, second = (yu.open("PUT", "/account/password", sent, headers={"Idempotency-Key": "k1"}) for _turn in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.headers["Idempotency-Replayed"] == "true"


def test_who_signs_out_with_a_key_is_signed_out(browse):
    yu = browse("yu")
    assert yu.post("/logout", headers={"Idempotency-Key": "k1"}).status_code == 303
    assert yu.get("/projects").status_code == 303


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_nobody_waits_while_a_password_is_judged(app, browse, monkeypatch):
    yu, jia = browse("yu"), browse("jia")
    judge, seen = User.is_password, []

    def judged(user, password):
        with sqlite3.connect(make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database, timeout=0) as other:
            other.execute("BEGIN IMMEDIATE")
            seen.append(user.name)
        return judge(user, password)

    monkeypatch.setattr(User, "is_password", judged)
    assert yu.open("PUT", "/account/password", {"present": "wrong", "password": "x"}).status_code == 422
    assert seen == ["林晓雨"]
    assert jia.get("/").status_code == 200
