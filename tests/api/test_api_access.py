"""Who gets what from every operation of the API: the same walk as over the pages, with a token for each role.

An operation without a row fails here.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from linkstar.extensions import db
from linkstar.models import EXTERNAL_ROLES, ROLES, Attachment, AttachmentVersion
from linkstar.models.role import scope_in
from tests.api.conftest import Script, token_of
from tests.test_access import MISSING, WRITING, Row, joined, may, may_here, sees, visitor  # noqa: F401
from tests.world import PEOPLE

pytestmark = pytest.mark.one_database

PASSED = {200, 201, 202, 204, 409, 422}  # past the door


@dataclass
class Call:
    """What an operation is about, the permission it asks for, and what is sent to it."""

    about: str  # person, project, task, approval, workspace
    permission: str = "view"
    body: Any = None
    file: bool = False
    creators: bool = False
    ids: dict[str, int] = field(default_factory=dict)


TABLE = {
    "workspaces.index": Call("person"),
    "workspaces.show": Call("workspace"),
    "projects.index": Call("person"),
    "projects.show": Call("project"),
    "projects.create": Call("person", "create", body={"code": "x", "key": "x"}),
    "projects.update": Call("project", "edit", body={}),
    "phases.index": Call("project"),
    "phases.show": Call("project"),
    "phases.create": Call("project", "edit", body={}),
    "phases.update": Call("project", "edit", body={}),
    "phases.destroy": Call("project", "edit"),
    "stages.index": Call("project"),
    "stages.show": Call("project"),
    "stages.create": Call("project", "edit", body={"kind": "active"}),
    "stages.update": Call("project", "edit", body={}),
    "stages.destroy": Call("project", "edit"),
    "tasks.index": Call("person", creators=True),
    "tasks.show": Call("task", creators=True),
    "tasks.create": Call("project", "create", body={}),
    "tasks.update": Call("task", "edit", body={}),
    "moves.create": Call("task", "move", body={"stage_id": MISSING}, creators=True),
    "completion.update": Call("task", "move"),
    "completion.destroy": Call("task", "move"),
    "dependencies.index": Call("task"),
    "dependencies.create": Call("task", "edit", body={"predecessor_id": MISSING}),
    "dependencies.destroy": Call("task", "edit"),
    "checklists.index": Call("task"),
    "checklists.create": Call("task", "edit", body={}),
    "checklist_items.show": Call("task"),
    "checklist_items.create": Call("task", "edit", body={"text": "插头"}),
    "ticks.update": Call("task", "edit", body={}),
    "ticks.destroy": Call("task", "edit"),
    "checklists.destroy": Call("task", "edit"),
    "comments.index": Call("task", creators=True),
    "comments.create": Call("task", body={"body": "收到"}, creators=True),
    "attachments.index": Call("task", creators=True),
    "attachments.show": Call("task", creators=True),
    "contents.show": Call("task", creators=True),
    "attachments.create": Call("task", "send", file=True, creators=True),
    "attachments.destroy": Call("task", "take a file away", creators=True),
    "approvals.show": Call("approval"),
    "members.index": Call("person", "stop watching"),
    "audit_events.index": Call("person", "take all of it along"),
    "tasks.destroy": Call("task", "delete or ask"),
    "hooks.index": Call("person", "stop watching"),
    "hooks.create": Call("person", "stop watching", body={"event": "task.created", "target_url": "http://x"}),
    "hooks.show": Call("approval"),  # somebody else's, always
    "hooks.destroy": Call("person"),  # what is not there is gone
    "hook_samples.index": Call("person", "stop watching"),
}
OPEN = {"openapi.show", "docs.show"}


def endpoints(app):
    return {rule.endpoint.removeprefix("api.") for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api.")}


def test_every_operation_has_its_row(app):
    assert endpoints(app) == set(TABLE) | OPEN


def test_every_operation_is_described_with_a_scope(app):
    for name in TABLE:
        assert app.view_functions[f"api.{name}"].operation.scope


def calls_of(app, values=None):
    """(name, call, method, address) in the order of the table."""
    adapter = app.url_map.bind("localhost")
    for name, call in TABLE.items():
        for rule in app.url_map.iter_rules(f"api.{name}"):
            wanted = {each: (values or {}).get(each, 1) for each in rule.arguments}
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                yield name, call, method, adapter.build(rule.endpoint, wanted, method=method)


def send(script, call, method, address):
    headers = {"If-Match": "*"} if method == "PATCH" else {}
    if call.file:
        return script.open(method, address, headers=headers, data={"file": (BytesIO(b"hello"), "说明.txt")})
    return script.open(method, address, call.body, headers=headers)


def test_without_a_token_and_with_a_cookie_nothing_answers(app, script, browse):
    stranger, yu = script(), browse("yu")
    for _name, call, method, address in calls_of(app):
        answers = [send(stranger, call, method, address), yu.open(method, address, headers={"If-Match": "*"})]
        for answer in answers:
            assert (answer.status_code, answer.content_type) == (401, "application/problem+json"), (method, address)
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Linkstar"'


def allowed(role, call, where):
    """The policy's word; what the table calls otherwise stands here."""

    def permits(permission):
        return may(role, Row(call.about, permission), where)

    if call.permission == "view":
        return True
    if call.permission == "send":
        return True
    if call.permission == "take a file away":
        return where == "mine" or permits("edit")
    if call.permission == "delete or ask":
        return permits("delete") or (role not in EXTERNAL_ROLES and permits("edit"))
    return permits(call.permission)


def right_of(role, name, call, where):
    if role == "creator" and not call.creators:
        return {404}
    if call.about == "approval":
        return {404}
    if call.permission == "take all of it along":
        return PASSED if ROLES[role]["view"] == ROLES[role]["export"] == "all" else {403}
    if call.about == "person":
        return PASSED if may_here(role, call.permission) else {403}
    if call.about == "workspace":
        return PASSED if where in ("mine", "theirs", "other") else {404}
    if not sees(role, call.about, where):
        return {404}
    if not allowed(role, call, where):
        return {403}
    return {404} if name == "dependencies.destroy" else PASSED  # no such dependency stands there


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_each_role_gets_what_the_policy_says(app, world, visitor, count_queries, monkeypatch):  # noqa: F811
    from linkstar.extensions import limiter

    monkeypatch.setattr(limiter, "enabled", False)
    role, places = visitor[0], visitor[1]
    workspaces = dict.fromkeys(("mine", "theirs", "other"), world.shanlan.id)
    workspaces |= {"foreign": world.beiyuan.id, "missing": MISSING}
    with app.app_context():
        person = db.session.scalars(db.select(type(world.yu)).filter_by(email="visitor@example.com")).one()
        script = Script(app, token_of(person))
    script.get("/tasks")  # notes the last use
    wrong, not_there = [], set()
    for where in ("missing", "foreign", "other", "theirs", "mine"):
        place = places[where] | {"workspace_id": workspaces[where], "predecessor_id": places[where]["task_id"]}
        place["approval_id"] = MISSING
        for name, call, method, address in calls_of(app, place):
            right = right_of(role, name, call, where)
            with count_queries() as queries:
                answer = send(script, call, method, address)
            if answer.status_code not in right:
                wrong.append(f"{method} {address} ({where}): {answer.status_code}, not {right}")
            if method == "GET":
                wrong.extend(f"GET {address} writes: {query}" for query in queries if WRITING.match(query))
            if answer.status_code == 404:
                not_there.add(answer.text)
    assert not wrong, "\n".join(wrong)
    assert len(not_there) == 1, "what is not there and what is not yours must look the same"


def test_no_scope_but_its_own_opens_an_operation(app, script, world):
    for scope in ("work:read", "work:write", "people:read", "audit:read", "hooks:write"):
        admin = script("admin", scope)
        for name, call, method, address in calls_of(app, {"task_id": world.fcc.id}):
            if app.view_functions[f"api.{name}"].operation.scope != scope:
                answer = send(admin, call, method, address)
                assert (answer.status_code, answer.json["type"]) == (403, "/api/v1/docs#insufficient-scope"), address


# what is masked


BUDGET, SUPPLIER, PHONE = "987654.32", "深圳密谋五金厂", "+1-555-0199-canary"
FIELDS = {BUDGET: "see_budget", SUPPLIER: "see_suppliers"}


@pytest.fixture
def secrets(app, world):
    with app.app_context():
        world.lamp.edit({"suppliers": SUPPLIER, "budget": Decimal(BUDGET)}, by=world.yue)
        world.jess.memberships[0].contact = PHONE
        db.session.commit()


@pytest.mark.parametrize("name", [name for name in PEOPLE if name != "lead"])
def test_a_secret_is_in_no_answer_to_a_role_that_may_not_know_it(app, script, world, secrets, name):
    role = PEOPLE[name][2]
    ids = {
        "workspace_id": world.shanlan.id, "project_id": world.lamp.id, "task_id": world.unboxing.id,
        "stage_id": world.doing.id, "phase_id": world.ads.id, "item_id": world.lab_report.id,
    }  # fmt: skip
    reader = script(name)
    told = ""
    for _name, _call, method, address in calls_of(app, ids):
        if method == "GET":
            answer = reader.get(address)
            told += answer.text + str(answer.headers)
    for address in ("/projects?limit=1", f"/projects?q={SUPPLIER}", "/tasks?q=987654", "/audit-events?limit=100"):
        told += reader.get(address).text
    for body in ({"name_en": "Lantern"}, {"suppliers": "x"}, {"budget": "1.00"}, {"brand": 3}):
        told += reader.patch(f"/projects/{world.lamp.id}", body, headers={"If-Match": '"stale"'}).text
    for canary, permission in FIELDS.items():
        scope = scope_in({}, role, permission)
        knows = scope == "all" or (scope == "member" and name in ("yu", "yue", "jia", "intern", "designer"))
        assert (canary in told) == knows, canary
    assert (PHONE in told) == (name in ("admin", "yue")), name  # who may know how creators are reached
    if role != "creator":
        assert "300 美元" not in told or role not in EXTERNAL_ROLES


def test_the_internal_comment_and_the_counts_of_what_is_inside_stay_inside(script, world):
    path = f"/tasks/{world.unboxing.id}"
    for name in ("jess", "maya"):
        outsider = script(name)
        assert "comment_count" not in outsider.get(path).json
        assert [each["shared"] for each in outsider.get(f"{path}/comments").json["items"]] == [True]
    assert len(script("yu").get(f"{path}/comments").json["items"]) == 2


def test_a_creator_gets_the_brief_and_nothing_else_of_the_task(script, world):
    jess = script("jess")
    [told] = jess.get("/tasks").json["items"]
    assert told["id"] == world.unboxing.id
    assert not told.keys() & {"project_id", "owner_id", "phase_id", "stage_id", "labels", "author_id", "version"}
    sent = jess.post(f"/tasks/{world.unboxing.id}/comments", {"body": "Got it", "shared": False})
    assert (sent.status_code, sent.json["shared"]) == (201, True)
    assert jess.post(f"/tasks/{world.unboxing.id}/moves", {"stage_kind": "done"}).status_code == 422
    assert jess.post(f"/tasks/{world.unboxing.id}/moves", {"stage_kind": "active"}).status_code == 409
    assert jess.post(f"/tasks/{world.unboxing.id}/moves", {"stage_kind": "review"}).json["stage_kind"] == "review"


def test_a_field_that_may_not_be_seen_may_not_be_written(app, script, world, secrets):
    with app.app_context():
        world.shanlan.policy = {"intern": {"edit": "member"}}
        db.session.commit()
    intern = script("intern")
    path = f"/projects/{world.lamp.id}"
    for body in ({"suppliers": "别家"}, {"budget": "1.00"}, {"currency": "CNY"}):
        answer = intern.patch(path, body)
        assert (answer.status_code, [each["field"] for each in answer.json["errors"]]) == (422, list(body))
    assert intern.patch(path, {"brand": "山岚"}).json["brand"] == "山岚"


def test_a_much_larger_budget_waits_for_somebody_else(script, world, secrets):
    yue = script("yue")
    answer = yue.patch(f"/projects/{world.lamp.id}", {"budget": "2000000.00", "brand": "山岚"})
    assert (answer.status_code, answer.json["operation"], answer.json["state"]) == (202, "budget_change", "asked")
    told = yue.get(f"/projects/{world.lamp.id}").json
    assert (told["budget"], told["brand"]) == (BUDGET, "山岚")
    assert yue.patch(f"/projects/{world.lamp.id}", {"budget": "900000.5"}).json["budget"] == "900000.50"


def test_files_are_sent_and_fetched_by_who_sees_the_task(script, world):
    yu, jess = script("yu"), script("jess")
    path = f"/tasks/{world.unboxing.id}/attachments"

    def file(content=b"%PDF-1.4 1", name="脚本.pdf"):
        return {"data": {"file": (BytesIO(content), name)}}

    inside = yu.open("POST", path, **file())
    assert (inside.status_code, inside.json["file_name"], inside.json["shared"]) == (201, "脚本.pdf", False)
    mine = jess.open("POST", path, **file(name="cut.pdf")).json
    assert mine["shared"] is True
    assert [each["id"] for each in jess.get(path).json["items"]] == [mine["id"]]
    assert len(yu.get(path).json["items"]) == 2
    got = yu.get(f"/attachments/{inside.json['id']}/content")
    assert got.data == b"%PDF-1.4 1"
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert jess.get(f"/attachments/{inside.json['id']}/content").status_code == 404
    refused = yu.open("POST", path, **file(b"<script>", "x.html"))
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "file")
    assert yu.open("POST", path, **file(b"", "leer.pdf")).status_code == 422
    assert yu.open("POST", path, **file(b"%PDF-1.4" + b"x" * 21_500_000)).status_code == 413
    assert yu.open("POST", path, data="{}", content_type="application/json").status_code in (415, 422)
    assert jess.delete(f"/attachments/{mine['id']}").status_code == 204


def test_no_answer_names_what_was_never_asked_for(script):
    """The trail has no passwords, tokens or hashes in it."""
    told = script("admin").get("/audit-events?limit=100").text
    assert not re.search(r"lks_|token_hash|argon2", told)


def test_what_was_written_down_of_a_creator_is_told_to_nobody_more_when_the_role_is_another(app, script, world):
    with app.app_context():
        membership = world.theo.membership_in(world.shanlan.id)
        membership.contact, membership.role = "WeChat theo_r", "ops"
        db.session.commit()
    assert "theo_r" not in script("designer").get("/members").text
    assert "theo_r" in script("admin").get("/members").text


def test_an_inner_version_is_nothing_to_who_sent_the_one_before(app, script, world):
    jess = script("jess")
    sent = {"file": (BytesIO(b"%PDF-1.4 1"), "样品.pdf")}
    mine = jess.open("POST", f"/tasks/{world.unboxing.id}/attachments", data=sent).json
    with app.app_context():
        file = db.session.get_one(Attachment, mine["id"])
        file.unshare(by=world.yue)
        file.versions.append(
            AttachmentVersion(
                number=2, sent_by=world.yu, file_key="k", preview_key=None, file_name="报价.png", size=1,
                media_type="image/png", sha256="0" * 64,
            )
        )  # fmt: skip
        db.session.commit()
    told = jess.get(f"/attachments/{mine['id']}").json
    assert told == jess.get(f"/tasks/{world.unboxing.id}/attachments").json["items"][0]
    assert (told["version"], told["file_name"], told["sha256"]) == (1, "样品.pdf", mine["sha256"])
    assert script("yu").get(f"/attachments/{mine['id']}").json["file_name"] == "报价.png"


def test_the_whole_trail_is_for_who_exports(script, world):
    pmo, finance = script("yue"), script("finance")
    assert finance.get("/audit-events").status_code == 200
    assert pmo.get("/audit-events").status_code == 403
    assert pmo.get(f"/audit-events?project={world.lamp.id}").status_code == 200
    assert pmo.get(f"/audit-events?task={world.fcc.id}").status_code == 200
