"""The page on which people make tokens for their programs, the commands that do the same, and the API's own page."""

import re

import pytest

from linkstar.extensions import db
from linkstar.models import ApiToken, IdempotentRequest, Membership
from tests.world import PEOPLE


def shown(page):
    found = re.search(r'value="(lks_[\w-]{43})"', page.text)
    assert found
    return found[1]


NEW = {"name": "日报导出", "scopes": ["work:read", "people:read"], "days": "30"}


def test_a_token_is_made_shown_once_used_and_revoked(app, browse, world):
    yu = browse("yu")
    page = yu.get("/account/api_tokens")
    assert "还没有" in page.text or "You have none" in page.text
    sent = NEW | {"workspace_id": world.shanlan.id}
    made = yu.post("/account/api_tokens", sent, headers={"Idempotency-Key": "made-once"})
    token = shown(made)
    assert made.headers["Cache-Control"] == "no-store"
    page = yu.get("/account/api_tokens")
    assert "日报导出" in page.text and token not in page.text and f"…{token[-4:]}" in page.text
    program = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {token}"}
    assert program.get("/api/v1/members", headers=headers, buffered=True).status_code == 200
    assert program.get("/api/v1/audit-events", headers=headers, buffered=True).status_code == 403
    with app.app_context():
        [row] = ApiToken.of(world.yu)
        assert token not in str(vars(row)) and row.last_used_at
        assert not [kept for kept in db.session.scalars(db.select(IdempotentRequest)) if kept.body]
        token_id = row.id
    assert browse("jia").open("DELETE", f"/account/api_tokens/{token_id}").status_code == 404
    assert yu.open("DELETE", f"/account/api_tokens/{token_id}").status_code == 303
    assert program.get("/api/v1/members", headers=headers, buffered=True).status_code == 401
    history = browse("admin").get("/history").text
    assert "日报导出" in history and token[:12] not in history


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"scopes": []}, {"scopes": ["all"]}, {"days": "9999"}, {"workspace_id": "2"}]
)
def test_what_is_not_offered_is_not_taken(app, browse, world, wrong):
    yu = browse("yu")
    answer = yu.post("/account/api_tokens", NEW | {"workspace_id": world.shanlan.id} | wrong)
    assert answer.status_code == 422 and 'role="alert"' in answer.text
    with app.app_context():
        assert ApiToken.of(world.yu) == []


def test_outsiders_make_no_tokens_not_even_for_where_they_are_inside_too(app, browse, world):
    assert browse("maya").get("/account/api_tokens").status_code == 403
    assert browse("jess").get("/account/api_tokens").status_code == 404
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.maya, role="ops"))
        db.session.commit()
    maya = browse("maya")
    assert maya.post("/account/api_tokens", NEW | {"workspace_id": world.shanlan.id}).status_code == 422
    shown(maya.post("/account/api_tokens", NEW | {"workspace_id": world.beiyuan.id}))


def test_tokens_by_command(app, world, monkeypatch):
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    run = app.test_cli_runner().invoke
    add = ["token", "add", PEOPLE["jess"][1], "--workspace", "shanlan", "--name", "Upload", "--scope", "work:read"]
    made = run(args=add)
    assert made.exit_code == 0, made.output
    token = made.output.split()[-1]
    client = app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert len(client.get("/api/v1/tasks", headers=headers, buffered=True).json["items"]) == 1
    listed = run(args=["token", "list"]).output
    assert "creator1@example.com\tUpload\twork:read" in listed and token not in listed
    number = listed.split("\t")[0]
    assert run(args=["token", "revoke", number]).exit_code == 0
    assert client.get("/api/v1/tasks", headers=headers).status_code == 401
    assert run(args=["token", "revoke", number]).exit_code == 1
    assert run(args=[*add[:3], "--workspace", "beiyuan", "--name", "x", "--scope", "work:read"]).exit_code == 1


def test_the_page_about_the_api_is_read_in_both_languages(browse):
    stranger = browse()
    page = stranger.get("/api/v1/docs?lang=en")
    assert page.status_code == 200 and page.content_type.startswith("text/html")
    assert "/tasks/{task_id}/moves" in page.text and "Move a task on the board" in page.text
    assert "<script>" not in page.text and "style=" not in page.text
    chinese = stranger.get("/api/v1/docs?lang=zh").text
    assert "/tasks/{task_id}/moves" in chinese and "Move a task on the board" not in chinese
    for person in ("yu", "jess"):
        assert browse(person).get("/api/v1/docs").status_code == 200
    told = stranger.get("/api/v1/openapi.json").json
    assert (told["openapi"], told["info"]["title"]) == ("3.1.0", "Linkstar")
    assert told["paths"]["/tasks/{task_id}/moves"]["post"]["summary"] == "Move a task on the board"
