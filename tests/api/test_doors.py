"""Who is let in by a token, how far, and what a refusal looks like."""

import sqlite3
import time
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import make_url, select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import ApiToken, AuditEvent, Membership
from tests.api.conftest import token_of
from tests.world import PEOPLE


def problem(answer, status, kind="about:blank"):
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["type"].endswith(kind)
    return answer.json


def test_a_token_opens_what_its_owner_sees(script, world):
    yu = script("yu")
    told = yu.get(f"/tasks/{world.fcc.id}").json
    assert (told["title_zh"], told["code"], told["due_on"]) == ("FCC检测报告终稿", "LAMP-1", "2026-10-16")
    assert told["stage_kind"] == "active"
    problem(yu.get(f"/tasks/{world.poles.id}"), 404)
    problem(yu.get(f"/tasks/{world.frame.id}"), 404)


def test_a_cookie_opens_nothing(app, browse, world):
    yu = browse("yu")
    answer = yu.get("/api/v1/tasks")
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Linkstar"'
    problem(yu.put(f"/api/v1/tasks/{world.listing.id}/completion", headers={"Idempotency-Key": "once"}), 401)


@pytest.mark.parametrize("sent", ["Bearer", "Bearer ", "Bearer lks_wrong", "Basic eXU6eXU=", "lks_", "Bearer \xff\xfe"])
def test_what_is_no_token_is_401(app, sent):
    answer = app.test_client().get("/api/v1/tasks", headers={"Authorization": sent})
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_that_has_run_out_or_was_revoked_opens_nothing_at_the_next_request(app, script, world):
    yu, late = script("yu"), script("yu", days=-1)
    assert yu.get("/projects").status_code == 200
    assert problem(late.get("/projects"), 401)
    with app.app_context():
        ApiToken.of(world.yu)[-1].revoke(by=world.yu)
        db.session.commit()
    assert 'error="invalid_token"' in yu.get("/projects").headers["WWW-Authenticate"]


@pytest.mark.parametrize("gone", ["membership", "account"])
def test_who_is_taken_out_takes_the_token_along(app, script, world, gone):
    yu = script("yu")
    assert yu.get("/projects").status_code == 200
    with app.app_context():
        if gone == "account":
            world.yu.active = False
        else:
            db.session.delete(world.yu.membership_in(world.shanlan.id))
        db.session.commit()
    problem(yu.get("/projects"), 401)


def test_who_comes_back_does_not_find_the_old_tokens_open(app, script, world):
    yu = script("yu")
    with app.app_context():
        db.session.delete(world.yu.membership_in(world.shanlan.id))
        db.session.commit()
        later = clock.now() + timedelta(days=1)
        db.session.add(Membership(workspace=world.shanlan, user=world.yu, role="ops", created_at=later))
        db.session.commit()
    with clock.at(later + timedelta(hours=1)):
        problem(yu.get("/projects"), 401)
        assert script("yu").get("/projects").status_code == 200


def test_a_token_opens_nothing_until_the_second_factor_is_there_that_its_owner_is_asked_for(app, script, world):
    yu = script("yu")
    with app.app_context():
        world.shanlan.second_factor_roles = ["ops"]
        db.session.commit()
    problem(yu.get("/projects"), 403)
    assert script("yue").get("/projects").status_code == 200


def test_a_token_is_of_one_workspace_though_its_owner_is_in_two(app, script, world):
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.yue, role="admin"))
        db.session.commit()
    yue = script("yue")
    assert [each["key"] for each in yue.get("/workspaces").json["items"]] == ["shanlan"]
    problem(yue.get(f"/tasks/{world.frame.id}"), 404)
    problem(yue.get(f"/workspaces/{world.beiyuan.id}"), 404)
    codes = {each["code"] for each in yue.get("/projects").json["items"]}
    assert codes == {"US-AMZ-26Q4-LAMP-003", "US-AMZ-27Q1-TENT-001"}


def test_a_token_stays_in_its_workspace_when_its_owner_is_read_again(app, world):
    """A lock that comes late, or a rollback, lets everything that was read be forgotten."""
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.yue, role="admin"))
        db.session.commit()
        user_id, token = world.yue.id, token_of(world.yue)
        db.session.remove()
        owner = ApiToken.bearing(token).user
        for forget in (db.session.expire_all, db.session.rollback, lambda: db.session.refresh(owner)):
            forget()
            assert [each.workspace_id for each in owner.memberships] == [world.shanlan.id]
        db.session.remove()
        assert len(db.session.get(type(owner), user_id).memberships) == 2


def test_a_scope_that_is_missing_is_refused_before_anything_is_looked_up(script, world, count_queries):
    reader = script("yu", "work:read")
    assert reader.get(f"/tasks/{world.fcc.id}").status_code == 200
    with count_queries() as queries:
        told = problem(reader.post("/projects/999999/tasks", {"title_zh": "样品"}), 403, "insufficient-scope")
    assert told["scope"] == "work:write"
    assert len(queries) == 1 and "api_token" in queries[0]
    problem(reader.get("/members"), 403, "insufficient-scope")
    problem(reader.get("/audit-events"), 403, "insufficient-scope")
    writer = script("yu", "work:write")
    problem(writer.get(f"/tasks/{world.fcc.id}"), 403, "insufficient-scope")


def test_what_is_done_through_the_api_is_told_as_such(app, script, world):
    assert script("yu").patch(f"/tasks/{world.listing.id}", {"priority": "high"}).status_code == 200
    with app.app_context():
        event = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert (event.via, event.actor_id, event.action) == ("api", world.yu.id, "task.edited")


def test_the_last_use_is_noted_once_a_minute_and_only_when_it_went_well(app, script, world, count_queries):
    def uses():
        with app.app_context():
            return [row.last_used_at for row in ApiToken.of(world.yu)]

    yu = script("yu")
    yu.get(f"/tasks/{world.frame.id}")
    assert uses() == [None]
    yu.get("/projects")
    assert uses() != [None]
    with count_queries() as queries:
        yu.get("/projects")
    assert not [query for query in queries if query.startswith("UPDATE")]


def test_a_read_waits_for_no_writer(app, script, database):
    if database.startswith("postgresql"):
        pytest.skip("readers never wait there")
    yu = script("yu")
    yu.get("/projects")  # notes the last use
    with closing(sqlite3.connect(make_url(database).database)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert yu.get("/projects").status_code == 200
        assert time.monotonic() - began < 2


def test_each_refusal_under_the_api_is_a_problem_document(app, script, world):
    yu = script("yu")
    problem(yu.get("/nothing"), 404)
    wrong = yu.open("PUT", "/projects")
    problem(wrong, 405)
    assert {"GET", "POST"} <= set(wrong.headers["Allow"].split(", "))
    problem(yu.get("/tasks/99999999999"), 404)
    problem(yu.open("PUT", "/projects/99999999999/phases"), 404)
    problem(yu.post("/projects/99999999999/tasks", {}), 404)
    problem(yu.get(f"/tasks/{2**31}"), 404)
    problem(yu.open("POST", "/projects", data="{", content_type="application/json"), 400)
    problem(yu.open("POST", "/projects", data="{}", content_type="text/plain"), 415)
    problem(yu.open("POST", "/projects", data=b"[" * 100_000, content_type="application/json"), 400)
    problem(yu.open("POST", "/projects", data=b" " * 2_100_000, content_type="application/json"), 413)
    problem(yu.post("/projects", [1]), 422)
    problem(yu.open("POST", "/projects", data='{"key": 1, "key": 2}', content_type="application/json"), 422)
    problem(yu.open("POST", "/projects", data='{"key": NaN}', content_type="application/json"), 400)
    problem(script().get("/nothing"), 404)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "a\x07b", " ", "x" * 201])
def test_text_that_no_database_takes_is_422(script, world, text):
    yu = script("yu")
    told = problem(yu.post(f"/projects/{world.lamp.id}/tasks", {"title_zh": text}), 422)
    assert told["errors"][0]["field"] == "title_zh"
    problem(yu.post(f"/tasks/{world.fcc.id}/comments", {"body": text}), 422) if len(text) < 200 else None
    problem(yu.post(f"/projects/{world.lamp.id}/tasks", {"title_zh": "样品", text: 1}), 422)
    assert problem(yu.get(f"/tasks?q=%00{'x' * 100}"), 422)["errors"][0]["field"] == "q"


def test_what_is_not_known_is_refused_and_never_passed_over(script, world):
    yu = script("yu")
    told = problem(yu.get("/tasks?owner=1&stages=3"), 422)
    assert [each["field"] for each in told["errors"]] == ["stages"]
    problem(yu.get("/tasks?owner=1&owner=2"), 422)
    problem(yu.get(f"/tasks/{world.fcc.id}?expand=1"), 422)
    told = problem(yu.post(f"/projects/{world.lamp.id}/tasks", {"title_zh": "样品", "completed_at": "2026-10-10"}), 422)
    assert [each["field"] for each in told["errors"]] == ["completed_at"]
    problem(yu.open("PUT", f"/tasks/{world.fcc.id}/completion", {"by": 1}), 422)


def test_a_token_may_ask_so_often_and_is_told(app, script):
    yu = script("yu")
    answer = yu.get("/projects")
    assert answer.headers["X-RateLimit-Limit"] == "300"
    for _ in range(700):  # the minute may turn meanwhile
        answer = yu.get("/workspaces?limit=0")
        if answer.status_code == 429:
            break
    problem(answer, 429)
    problem(yu.get("/projects"), 429)
    assert int(answer.headers["Retry-After"]) > 0 and answer.headers["X-RateLimit-Remaining"] == "0"
    assert script("jia").get("/projects").status_code == 200


def test_no_answer_is_kept_or_guessed_at(script):
    headers = script("yu").get("/projects").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers


def test_people_of_the_world_have_no_token_by_themselves(app, world):
    with app.app_context():
        assert [person for person in PEOPLE if ApiToken.of(getattr(world, person))] == []
