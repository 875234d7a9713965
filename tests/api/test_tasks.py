"""Scripts at work: tasks, their moves and what holds them, with the same rules as on the pages."""

import pytest
from sqlalchemy import select

from linkstar.extensions import db
from linkstar.models import Approval, AuditEvent, Checklist, Task
from tests.api.test_doors import problem
from tests.world import october


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json["items"]]


def test_a_stale_state_is_not_thrown_away(script, world):
    yue, path = script("yue"), f"/tasks/{world.photos.id}"
    assert yue.open("DELETE", path, headers={"If-Match": '"stale"'}).status_code == 412
    assert yue.open("DELETE", path, headers={"If-Match": "*"}).status_code in (202, 204)


def test_tasks_come_in_pages_that_nothing_falls_between(script, world):
    yu = script("yu")
    first = yu.get("/tasks?limit=4")
    assert first.headers["Link"] == f'<{first.json["next"]}>; rel="next"'
    found, page = ids(first), first.json
    while page["next"]:
        answer = yu.get(page["next"])
        found, page = found + ids(answer), answer.json
    assert found == sorted(set(found)) and len(found) == 9
    problem(yu.get("/tasks?cursor=abc"), 422)
    problem(yu.get("/tasks?limit=101"), 422)


def test_tasks_are_found_by_what_is_asked_for(app, script, world):
    yue = script("yue")
    assert ids(yue.get(f"/tasks?owner={world.jia.id}")) == [world.budget.id, world.poles.id]
    assert ids(yue.get(f"/tasks?project={world.tent.id}")) == [world.poles.id]
    assert ids(yue.get(f"/tasks?stage={world.in_review.id}")) == [world.script.id]
    assert ids(yue.get(f"/tasks?phase={world.ads.id}")) == [world.budget.id]
    assert ids(yue.get("/tasks?q=检测")) == [world.fcc.id]
    assert ids(yue.get("/tasks?q=%25")) == []
    assert ids(yue.get("/tasks?due_from=2026-10-20&due_until=2026-10-21")) == [world.listing.id, world.poles.id]
    with app.app_context():
        last = db.session.scalars(select(AuditEvent.created_at).order_by(AuditEvent.id.desc())).first()
    assert len(ids(yue.get("/tasks?updated_since=2026-10-13T01:40:00Z"))) == 10
    assert last and ids(yue.get("/tasks?updated_since=2026-10-13T09:41:00%2B08:00")) == []
    problem(yue.get("/tasks?updated_since=2026-10-13"), 422)


def test_a_task_is_made_changed_and_thrown_away(app, script, world):
    yu = script("yu")
    answer = yu.post(
        f"/projects/{world.lamp.id}/tasks",
        {"title_zh": " 灯罩打样 ", "owner_id": world.designer.id, "due_on": "2026-10-30", "labels": ["样品", "急"]},
    )
    assert answer.status_code == 201
    task = answer.json
    assert answer.headers["Location"] == f"/api/v1/tasks/{task['id']}"
    assert (task["title_zh"], task["labels"], task["stage_id"]) == ("灯罩打样", ["急", "样品"], world.to_do.id)
    read = yu.get(f"/tasks/{task['id']}")
    assert read.json == task and read.headers["ETag"] == answer.headers["ETag"]
    changed = yu.patch(f"/tasks/{task['id']}", {"labels": [], "brief_zh": "白色", "start_on": "2026-10-20"})
    assert (changed.json["labels"], changed.json["brief_zh"], changed.json["version"]) == ([], "白色", 2)
    assert yu.delete(f"/tasks/{task['id']}").status_code == 204
    problem(yu.get(f"/tasks/{task['id']}"), 404)
    with app.app_context():
        assert db.session.get_one(Task, task["id"]).trashed_at


def test_what_does_not_fit_together_is_refused_field_by_field(script, world):
    yu = script("yu")

    def refused(body, path=f"/projects/{world.lamp.id}/tasks"):
        told = problem(yu.post(path, body), 422)
        return [each["field"] for each in told["errors"]]

    assert refused({}) == ["title_zh"]
    assert refused({"title_zh": "a", "start_on": "2026-10-30", "due_on": "2026-10-20"}) == ["due_on"]
    assert refused({"title_zh": "a", "owner_id": world.lead.id}) == ["owner_id"]
    assert refused({"title_zh": "a", "owner_id": world.jess.id}) == ["owner_id"]
    assert refused({"title_zh": "a", "stage_id": world.tent_to_do.id}) == ["stage_id"]
    assert refused({"title_zh": "a", "phase_id": 999}) == ["phase_id"]
    assert refused({"title_zh": "a", "parent_id": world.poles.id}) == ["parent_id"]
    assert refused({"title_zh": "a", "due_on": "2026-02-30"}) == ["due_on"]
    assert refused({"title_zh": "a", "priority": "now", "blocking": "yes", "owner_id": "3"}) == [
        "owner_id", "priority", "blocking",
    ]  # fmt: skip
    for number in (0, -1, True, 1.5, 2**31, 10**30, None):
        assert refused({"title_zh": "a", "owner_id": number}) == ["owner_id"]
    told = problem(yu.patch(f"/tasks/{world.listing.id}", {"title_zh": None, "title_en": None}), 422)
    assert told["errors"][0]["field"] == "title_zh"


def test_of_two_scripts_that_saw_the_same_state_one_wins(app, script, world):
    yu, yue = script("yu"), script("yue")
    path = f"/tasks/{world.listing.id}"
    seen = {"If-Match": yu.get(path).headers["ETag"]}
    problem(yu.open("PATCH", path, {"priority": "high"}), 428)
    assert yue.open("PATCH", path, {"title_zh": "亚马逊详情页"}, headers=seen).status_code == 200
    problem(yu.open("PATCH", path, {"title_zh": "详情页"}, headers=seen), 412)
    assert yu.get(path).json["title_zh"] == "亚马逊详情页"
    assert yu.open("PATCH", path, {"priority": "low"}, headers={"If-Match": "*"}).status_code == 200


def test_an_unchanged_task_is_not_sent_again(script, world):
    yu = script("yu")
    path = f"/tasks/{world.listing.id}"
    for packing in ("identity", "gzip"):
        tag = yu.get(path, headers={"Accept-Encoding": packing}).headers["ETag"]
        answer = yu.get(path, headers={"If-None-Match": tag, "Accept-Encoding": packing})
        assert (answer.status_code, answer.data) == (304, b"")
        changed = yu.open("PATCH", path, {"milestone": packing == "gzip"}, headers={"If-Match": tag})
        assert changed.status_code == 200
    tag = yu.get(path).headers["ETag"]
    yu.post(f"{path}/moves", {"place": "first", "stage_id": world.to_do.id})
    script("yue").patch(path, {"priority": "urgent"})
    assert yu.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_the_same_key_makes_one_task(app, script, world):
    yu = script("yu")
    path, body, key = f"/projects/{world.lamp.id}/tasks", {"title_zh": "灯罩打样"}, {"Idempotency-Key": "a-1"}
    first = yu.post(path, body, headers=key)
    again = yu.post(path, body, headers=key)
    assert first.status_code == again.status_code == 201
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert (again.headers["Idempotency-Replayed"], again.headers["ETag"]) == ("true", first.headers["ETag"])
    problem(yu.post(path, {"title_zh": "灯座打样"}, headers=key), 409, "key-reused")
    problem(script("yu").post(path, body, headers=key), 409, "key-reused")  # another token may open another workspace
    problem(yu.post(path, body, headers={"Idempotency-Key": "x" * 129}), 400)
    with app.app_context():
        assert len(db.session.scalars(select(Task).where(Task.title_zh == "灯罩打样")).all()) == 1


def test_a_gate_holds_a_script_as_it_holds_a_hand(script, world):
    yu = script("yu")
    told = problem(yu.put(f"/tasks/{world.listing.id}/completion"), 409, "held")
    assert told["holds"] == [
        {"kind": "task", "task_id": world.fcc.id, "title_zh": "FCC检测报告终稿", "title_en": "Final FCC test report"}
    ]
    told = problem(yu.post(f"/tasks/{world.packing.id}/moves", {"stage_id": world.doing.id}), 409, "held")
    assert told["holds"] == [{"kind": "due_on"}]
    told = problem(yu.post(f"/tasks/{world.fcc.id}/moves", {"stage_id": world.done.id}), 409, "held")
    assert [each["item_id"] for each in told["holds"]] == [world.lab_report.id]
    assert yu.put(f"/checklist-items/{world.lab_report.id}/tick", {}).json["ticked_by_id"] == world.yu.id
    assert yu.put(f"/tasks/{world.fcc.id}/completion").json["stage_kind"] == "done"
    assert yu.post(f"/tasks/{world.listing.id}/moves", {"stage_kind": "active"}).json["stage_id"] == world.doing.id
    assert yu.delete(f"/tasks/{world.listing.id}/completion").json["completed_at"] is None


def test_a_move_takes_its_place_phase_and_platform(script, world):
    yu = script("yu")
    path = f"/tasks/{world.listing.id}/moves"
    told = yu.post(path, {"phase_id": None, "platform": "walmart"}).json
    assert (told["phase_id"], told["platform"]) == (None, "walmart")
    assert yu.post(path, {"after_id": world.packing.id}).status_code == 200
    problem(yu.post(path, {"before_id": 999_999}), 409)
    problem(yu.post(path, {"stage_id": world.tent_to_do.id}), 422)
    problem(yu.post(path, {"owner_id": world.lead.id}), 422)
    problem(yu.post(path, {"place": "top"}), 422)


def test_tasks_wait_for_each_other_but_not_in_a_circle(script, world):
    yu = script("yu")
    path = f"/tasks/{world.listing.id}/dependencies"
    assert yu.get(path).json["items"] == [
        {"predecessor_id": world.fcc.id, "successor_id": world.listing.id, "lag": 0.0, "holds": True}
    ]
    assert yu.post(path, {"predecessor_id": world.photos.id, "lag": 2}).status_code == 201
    told = problem(
        yu.post(f"/tasks/{world.photos.id}/dependencies", {"predecessor_id": world.listing.id}), 409, "cycle"
    )
    assert set(told["task_ids"]) == {world.photos.id, world.listing.id}
    problem(yu.post(path, {"predecessor_id": world.listing.id}), 409, "cycle")
    problem(yu.post(path, {"predecessor_id": world.poles.id}), 422)
    problem(yu.post(path, {"predecessor_id": world.frame.id}), 422)
    assert yu.delete(f"{path}/{world.photos.id}").status_code == 204
    problem(yu.delete(f"{path}/{world.photos.id}"), 404)
    problem(yu.delete(f"{path}/{world.fcc.id}"), 403)  # what holds is let go by who keeps the gates
    problem(yu.post(path, {"predecessor_id": world.fcc.id, "lag": 1e300}), 422)


def test_a_restricted_task_that_holds_has_no_name(app, script, world):
    """A partner who was given one task learns that something stands in front of it, and not what."""
    with app.app_context():
        world.poles.add_participant(world.maya, "watcher", by=world.yue)
        drawing = Task.create(
            world.tent, by=world.yue, stage=world.tent_to_do, owner=world.jia, title_zh="图纸保密", blocking=True
        )
        world.poles.wait_for(drawing, by=world.yue)
        db.session.commit()
        drawing_id = drawing.id
    items = script("maya").get(f"/tasks/{world.poles.id}/dependencies").json["items"]
    assert [(each["predecessor_id"], each["holds"]) for each in items] == [(None, True)]
    assert script("jia").get(f"/tasks/{world.poles.id}/dependencies").json["items"][0]["predecessor_id"] == drawing_id


def test_lists_items_and_evidence(app, script, world):
    yu = script("yu")
    lists = yu.get(f"/tasks/{world.fcc.id}/checklists").json["items"]
    assert [(item["text_zh"], bool(item["ticked_at"])) for item in lists[0]["items"]] == [
        ("实验室报告原件", False), ("铭牌照片", True), ("通知供应商", False),
    ]  # fmt: skip
    own = yu.post(f"/tasks/{world.listing.id}/checklists", {"title": "上线前"})
    assert own.status_code == 201
    item = {"text": "主图链接", "required": True, "evidence_kind": "url"}
    item = yu.post(f"/checklists/{own.json['id']}/items", item).json
    tick = f"/checklist-items/{item['id']}/tick"
    told = problem(yu.put(tick, {}), 422, "evidence-missing")
    assert told["evidence_kind"] == "url"
    assert problem(yu.put(tick, {"value": "somewhere"}), 422)["errors"][0]["field"] == "value"
    ticked = yu.put(tick, {"value": "https://example.com/1.jpg", "valid_until": "2027-01-01"}).json
    assert (ticked["evidence"]["value"], ticked["evidence"]["valid_until"]) == (
        "https://example.com/1.jpg",
        "2027-01-01",
    )
    assert yu.delete(tick).json["ticked_at"] is None
    problem(yu.post(f"/tasks/{world.listing.id}/checklists", {"key": "no_such"}), 422)
    problem(yu.delete(f"/checklists/{own.json['id']}"), 403)  # it holds something
    assert script("yue").delete(f"/checklists/{own.json['id']}").status_code == 204
    with app.app_context():
        assert db.session.get(Checklist, own.json["id"]) is None


def test_an_interns_delete_becomes_a_request_that_another_agrees_to(app, script, world):
    with app.app_context():
        policy = {"intern": {"delete": "approval"}}
        world.shanlan.policy = policy
        db.session.commit()
    intern = script("intern")
    answer = intern.delete(f"/tasks/{world.sample.id}")
    assert (answer.status_code, answer.json["state"], answer.json["task_id"]) == (202, "asked", world.sample.id)
    assert intern.get(f"/approvals/{answer.json['id']}").json == answer.json
    assert intern.get(f"/tasks/{world.sample.id}").status_code == 200
    with app.app_context():
        assert db.session.scalars(select(Approval)).one().asked_by_id == world.intern.id
    problem(script("designer").get(f"/approvals/{answer.json['id']}"), 404)
    problem(script("maya").delete(f"/tasks/{world.sample.id}"), 403)


def test_dates_are_written_for_the_task_alone(app, script, world):
    yu = script("yu")
    answer = yu.patch(f"/tasks/{world.fcc.id}", {"due_on": "2026-10-28"})
    assert answer.json["due_on"] == "2026-10-28"
    with app.app_context():
        assert world.listing.due_on == october(20)
    told = problem(yu.patch(f"/tasks/{world.fcc.id}", {"due_on": None}), 409, "held")
    assert told["holds"] == [{"kind": "due_on"}]


@pytest.mark.one_database
def test_to_complete_or_to_open_again_what_is_so_already_changes_nothing(app, script, world):
    yue = script("yue")
    for task, way in ((world.script, "DELETE"), (world.packing, "DELETE"), (world.sample, "PUT")):
        before = (task.stage_id, task.position, task.version)
        assert yue.open(way, f"/tasks/{task.id}/completion").status_code == 200
        with app.app_context():
            now = db.session.get_one(Task, task.id)
            assert (now.stage_id, now.position, now.version) == before


@pytest.mark.one_database
def test_a_creator_asks_by_nothing_that_is_not_in_the_brief(script, world):
    jess = script("jess")
    for asked in ("priority=medium", f"owner={world.jess.id}", f"stage={world.doing.id}", f"phase={world.content.id}",
                  f"project={world.lamp.id}", "updated_since=2026-10-01T00:00:00Z"):  # fmt: skip
        assert jess.get(f"/tasks?{asked}").status_code == 422, asked
    found = jess.get("/tasks?platform=tiktok&due_from=2026-10-01&due_until=2026-10-30&q=开箱&limit=5").json
    assert [each["id"] for each in found["items"]] == [world.unboxing.id]
