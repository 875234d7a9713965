"""Whatever holds a task holds it at every way in, with the same facts; only two signatures let it pass."""

from io import BytesIO

import pytest

from linkstar.extensions import db
from linkstar.models import Checklist, ChecklistItem, Declaration, Dependency, Evidence, Phase, Stage, Task, Waiver
from tests.pages import elements
from tests.world import october

pytestmark = pytest.mark.one_database

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


# what holds, each put in front of one task of yu's; and the words by which a person knows it


def blocking_predecessor(world):
    return _task(world, predecessor=world.fcc), "FCC检测报告终稿"


def phase_gate(world):
    phase = db.session.get_one(Phase, world.ads.id)
    phase.wait_for([db.session.get_one(Phase, world.compliance.id)], by=world.yue)
    return _task(world, phase=phase), "FCC检测报告终稿"


def phase_item(world):
    """The blocking task of the awaited phase is done, but an item on another task there is open."""
    db.session.get_one(Task, world.fcc.id).blocking = False
    phase = db.session.get_one(Phase, world.ads.id)
    phase.wait_for([db.session.get_one(Phase, world.compliance.id)], by=world.yue)
    return _task(world, phase=phase), "实验室报告原件"


def required_item(world):
    task = _task(world)
    _list(task, "上线前").add("警告语一致", None, required=True)
    return task, "警告语一致"


def expired_evidence(world):
    task = _task(world)
    item = _list(task, "上线前").add("责任险保单", None, required=True, evidence_kind="text")
    db.session.flush()
    item.give(_evidence(task, valid_until=october(12)), by=world.yu)
    return task, "责任险保单"


def stage_list(world):
    stage = db.session.get_one(Stage, world.to_do.id)
    checklist = Checklist.begin("开工前", stage, by=world.yue)
    checklist.add("供应商已审核", None, required=True)
    return _task(world), "供应商已审核"


def deliverable(world):
    return _task(world, deliverable_zh="终版视频"), "终版视频"


def due_day(world):
    return _task(world, due_on=None), None


def emergency(world):
    task = _task(world)
    task.role = "ads"
    db.session.flush()
    happened = {"trigger": "listing_removed", "severity": "s2", "title": "B0C1 被下架"}
    Declaration(workspace_id=world.shanlan.id, about=world.lamp, **happened).declare(by=world.yue)
    return task, "B0C1 被下架"


HOLDS = (
    blocking_predecessor, phase_gate, phase_item, required_item, expired_evidence, stage_list, deliverable, due_day,
    emergency,
)  # fmt: skip


def _task(world, predecessor=None, **values):
    task = Task.create(
        world.lamp,
        by=world.yu,
        stage=world.to_do,
        owner=world.yu,
        title_zh="搭建首批广告",
        **{"due_on": october(30)} | values,
    )
    if predecessor:
        db.session.add(Dependency(predecessor_id=predecessor.id, successor_id=task.id))
    db.session.flush()
    return task


def _list(task, title):
    checklist = Checklist(title_zh=title)
    task.checklists.append(checklist)
    db.session.flush()
    return checklist


def _evidence(task, **values):
    return Evidence(workspace_id=task.workspace_id, kind="text", value="保单 88 号", **values)


# the ways in; each moves the task to "done", or where it can go no further than into its column, creates it there


def drag(yu, world, task_id):
    board = f"/projects/{world.lamp.id}/board"
    return yu.post(
        f"/tasks/{task_id}/moves", {"stage_id": world.done.id, "before_id": world.sample.id}, current_url=board
    )


def move_dialog(yu, world, task_id):
    return yu.post(f"/tasks/{task_id}/moves", {"stage_id": world.done.id, "place": "last", "version": 1}, htmx=True)


def plain_page(yu, world, task_id):
    return yu.post(f"/tasks/{task_id}/moves", {"stage_id": world.done.id})


def completion(yu, world, task_id):
    return yu.put(f"/tasks/{task_id}/completion", htmx=True)


WAYS = (drag, move_dialog, plain_page, completion)


@pytest.fixture
def held(request, app, world):
    with app.app_context():
        task, words = request.param(world)
        db.session.commit()
        return task.id, words


def look(app, task_id):
    with app.app_context():
        task = db.session.get_one(Task, task_id)
        return task.stage_id, task.phase_id, task.position, task.version, task.completed_at, task.due_on


def place(world):
    return f"/projects/{world.lamp.id}/bulk-edits"


@pytest.mark.parametrize("held", HOLDS, indirect=True)
def test_what_holds_a_task_holds_it_at_every_way_in(app, browse, world, held):
    task_id, words = held
    yu, before = browse("yu"), look(app, task_id)
    for way in WAYS:
        answer = way(yu, world, task_id)
        assert answer.status_code == 422, way.__name__
        assert elements(answer.text, id=f"move-{task_id}"), way.__name__
        assert words is None or words in answer.text, way.__name__
        assert words or elements(answer.text, name="due_on"), way.__name__
        assert look(app, task_id) == before, way.__name__
    sent = {"task_id": [task_id, world.script.id], "stage_id": world.done.id}
    preview = yu.post(place(world), sent)
    assert preview.status_code == 200
    assert words is None or words in preview.text
    sent |= {f"version-{world.script.id}": world.script.version, "confirmed": "1"}
    assert yu.post(place(world), sent).status_code == 303
    assert look(app, task_id) == before, "left out, while the other one moves"
    assert world.script.stage_id == world.done.id


@pytest.mark.parametrize(
    "held", [hold for hold in HOLDS if hold not in (deliverable, due_day)], indirect=True
)  # fmt: skip
def test_taking_back_a_step_back_meets_the_same_refusal(app, browse, world, held):
    """It had passed, went back, and meanwhile something came into its way: undoing the step back would pass again."""
    task_id, words = held
    with app.app_context():
        task = db.session.get_one(Task, task_id)
        task.stage_id = world.done.id
        db.session.commit()
    yu = browse("yu")
    back = yu.post(f"/tasks/{task_id}/moves", {"stage_id": world.to_do.id}, htmx=True)
    assert back.status_code == 200, "going back is always possible"
    (change,) = elements(back.text, name="change")
    before = look(app, task_id)
    answer = yu.post("/undos", {"change": change["value"]}, htmx=True)
    assert answer.status_code == 422
    assert words in answer.text
    assert look(app, task_id) == before


@pytest.mark.parametrize("held", [phase_gate, phase_item], indirect=True)
def test_a_gate_in_front_of_a_phase_holds_the_form_the_quick_line_and_many_at_once(app, browse, world, held):
    _task_id, words = held
    yu, before = browse("yu"), look(app, world.budget.id)
    script = look(app, world.script.id)
    fields = {
        "title_zh": "拍摄脚本二稿", "owner_id": world.yu.id, "due_on": "2026-10-14", "priority": "medium",
        "phase_id": world.ads.id, "version": 1, "source_language": "zh",
    }  # fmt: skip
    form = yu.post(f"/tasks/{world.script.id}", fields)
    assert (form.status_code, words in form.text, "拍摄脚本二稿" in form.text) == (422, True, True)
    panel = yu.post(f"/tasks/{world.script.id}", fields, htmx=True)
    assert panel.status_code == 422
    assert words in panel.text
    assert elements(panel.text, id="dialog"), "above the form, which keeps what was typed"
    moved = yu.post(f"/tasks/{world.script.id}/moves", {"phase_id": world.ads.id}, htmx=True)
    assert (moved.status_code, words in moved.text) == (422, True)
    quick = {"title": "新广告组", "stage_id": world.doing.id, "phase_id": world.ads.id, "due_on": "2026-10-30"}
    added = yu.post(f"/projects/{world.lamp.id}/tasks", quick, htmx=True)
    assert (added.status_code, words in added.text, "新广告组" in added.text) == (422, True, True)
    preview = yu.post(place(world), {"task_id": world.script.id, "phase_id": world.ads.id})
    assert words in preview.text
    assert (look(app, world.script.id), look(app, world.budget.id)) == (script, before)
    with app.app_context():
        assert not db.session.scalar(db.select(Task).where(Task.title_zh == "新广告组"))


@pytest.mark.parametrize("held", [stage_list], indirect=True)
def test_a_list_on_a_stage_holds_what_is_added_behind_it(app, browse, world, held):
    _task_id, words = held
    quick = {"title": "插队的任务", "stage_id": world.doing.id, "due_on": "2026-10-30"}
    answer = browse("yu").post(f"/projects/{world.lamp.id}/tasks", quick, htmx=True)
    assert (answer.status_code, words in answer.text) == (422, True)
    with app.app_context():
        assert not db.session.scalar(db.select(Task).where(Task.title_zh == "插队的任务"))


@pytest.mark.parametrize("held", [blocking_predecessor], indirect=True)
def test_a_restricted_blocker_is_named_to_nobody_who_may_not_see_it(app, browse, world, held):
    with app.app_context():
        task = db.session.get_one(Task, world.unboxing.id)
        db.session.add(Dependency(predecessor_id=world.fcc.id, successor_id=task.id))
        db.session.commit()
    answer = browse("jess").post(f"/briefs/{world.unboxing.id}/moves", {"to": "review"})
    assert answer.status_code == 422
    assert "Waiting for the team" in answer.text
    assert "FCC" not in answer.text
    assert "王蕾" not in answer.text


# ticking in the dialog


@pytest.fixture
def proof(app, world):
    """An item of the script that asks for a file: its task and its id."""
    with app.app_context():
        task = db.session.get_one(Task, world.script.id)
        item = _list(task, "上线前").add("检测报告", "The report", required=True, evidence_kind="file")
        db.session.commit()
        return item.id


def give(person, world, item_id, content=PDF, name="报告.pdf", **fields):
    address = f"/tasks/{world.script.id}/checklist-items/{item_id}/evidence"
    return person.post(
        address, {"file": (BytesIO(content), name), **fields}, content_type="multipart/form-data", htmx=True
    )


def back_to(world):
    return f"/tasks/{world.script.id}/moves/new?stage_id={world.done.id}"


def test_an_item_that_asks_for_evidence_is_not_ticked_without_it(browse, world, proof):
    yu, address = browse("yu"), f"/tasks/{world.script.id}/checklist-items/{proof}/tick"
    for options in ({"htmx": True}, {}):
        answer = yu.put(address, **options)
        assert answer.status_code == 422
        assert elements(answer.text, tag="input", type="file", id=f"give-file-{proof}")
        assert elements(answer.text, "open", tag="details"), "the form to give it stands open"
    assert world.script.checked_count == 0


def test_a_refused_card_is_ticked_with_a_file_in_the_dialog_and_moves(browse, world, proof):
    yu = browse("yu")
    refused = yu.post(f"/tasks/{world.script.id}/moves", {"stage_id": world.done.id}, htmx=True)
    (form,) = elements(refused.text, tag="form", enctype="multipart/form-data")
    backs = {field["value"] for field in elements(refused.text, name="back")}
    assert (form["action"], backs) == (f"/tasks/{world.script.id}/checklist-items/{proof}/evidence", {back_to(world)})
    given = give(yu, world, proof, back=back_to(world))
    assert given.status_code == 200
    assert elements(given.text, id="dialog")
    assert not elements(given.text, tag="input", type="file"), "nothing is left to give"
    again = {
        field["name"]: field["value"] for field in elements(given.text, tag="input", type="hidden", name="stage_id")
    }
    assert yu.post(f"/tasks/{world.script.id}/moves", again, htmx=True).status_code == 200
    assert world.script.stage_id == world.done.id


def test_without_a_script_the_dialog_is_a_page_to_which_each_form_comes_back(browse, world, proof):
    yu = browse("yu")
    answer = yu.post(
        f"/tasks/{world.script.id}/checklist-items/{proof}/evidence",
        {"file": (BytesIO(PDF), "报告.pdf"), "back": back_to(world)}, content_type="multipart/form-data",
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, back_to(world))
    page = yu.get(back_to(world))
    assert page.text.startswith("<!doctype html>")
    assert elements(page.text, name="stage_id", value=str(world.done.id))


@pytest.mark.parametrize(
    ("content", "name", "fields"),
    [
        (b"", "空.pdf", {}),
        (b"MZ\x90\x00program", "report.exe", {}),
        (b"MZ\x90\x00program", "report.pdf", {}),
        (b"<svg onload=alert(1)>", "logo.svg", {}),
        (PDF, "报告.pdf", {"valid_from": "2026-10-02", "valid_until": "2026-10-01"}),
        (PDF, "报告.pdf", {"valid_until": "2101-01-01"}),
        (PDF, "报告.pdf", {"valid_until": "2026-02-30"}),
        (b"%PDF-1.4\n" + b"x" * 20_000_000, "大.pdf", {}),
    ],
    ids=["empty", "program", "disguised", "markup", "crossed", "too far", "no day", "too large"],
)
def test_a_file_that_cannot_be_is_refused_and_nothing_is_kept(
    app, browse, world, proof, tmp_path, content, name, fields
):
    for extra in ({}, {"back": back_to(world)}):
        answer = give(browse("yu"), world, proof, content, name, **fields, **extra)
        assert answer.status_code == 422
        assert elements(answer.text, role="alert")
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    with app.app_context():
        assert not db.session.scalar(db.select(Evidence))


def test_more_than_a_file_may_hold_is_refused_unread(browse, world, proof):
    answer = give(browse("yu"), world, proof, b"%PDF-1.4\n" + b"x" * 21_500_000)
    assert answer.status_code == 413
    assert "20 MB" in answer.text


def test_a_file_whose_change_was_not_kept_leaves_no_bytes(browse, world, proof, tmp_path, monkeypatch):
    def broken(item, *rest, **options):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(ChecklistItem, "_set", broken)
    with pytest.raises(RuntimeError):
        give(browse("yu"), world, proof)
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("kind", "value", "status"),
    [
        ("url", "https://fcc.example/登记", 200),
        ("url", "javascript:alert(1)", 422),
        ("url", "https://", 422),
        ("url", "https://a b", 422),
        ("number", "0.35", 200),
        ("number", "NaN", 422),
        ("number", "2ABCD-LAMP01", 200),
        ("number", "Infinity", 422),
        ("number", "<12>", 422),
        ("date", "2026-12-01", 200),
        ("date", "1999-12-31", 422),
        ("text", "已签", 200),
        ("text", "  ", 422),
    ],
)
def test_each_kind_of_evidence_takes_what_is_of_its_kind(app, browse, world, kind, value, status):
    with app.app_context():
        task = db.session.get_one(Task, world.script.id)
        item = _list(task, "上线前").add("证明", "Proof", required=True, evidence_kind=kind)
        db.session.commit()
        item_id = item.id
    answer = browse("yu").post(
        f"/tasks/{world.script.id}/checklist-items/{item_id}/evidence", {"value": value}, htmx=True
    )
    assert answer.status_code == status
    assert world.script.checked_count == (status == 200)


def test_the_file_comes_back_under_its_name_to_who_sees_the_task_only(app, browse, world, proof):
    yu = browse("yu")
    give(yu, world, proof)
    with app.app_context():
        evidence_id = db.session.scalars(db.select(Evidence.id)).one()
    answer = yu.get(f"/evidence/{evidence_id}")
    assert (answer.status_code, answer.data) == (200, PDF)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf") or (
        "filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf" in answer.headers["Content-Disposition"]
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for stranger in ("jess", "lead"):
        assert browse(stranger).get(f"/evidence/{evidence_id}").status_code == 404


def test_the_deliverable_is_handed_in_in_the_dialog(app, browse, world):
    with app.app_context():
        db.session.get_one(Task, world.script.id).deliverable_zh = "终版脚本"
        db.session.commit()
    yu, address = browse("yu"), f"/tasks/{world.script.id}/deliverables"
    assert yu.post(address, {"back": back_to(world)}, htmx=True).status_code == 422
    given = yu.post(address, {"value": "https://drive.example/script", "back": back_to(world)}, htmx=True)
    assert given.status_code == 200
    assert elements(given.text, id="dialog")
    assert yu.put(f"/tasks/{world.script.id}/completion", htmx=True).status_code == 200


# waivers


def ask(person, world, item):
    return person.post(f"/tasks/{world.fcc.id}/waivers", {"item_id": item, "reason": "实验室已口头确认"}, htmx=True)


def waiver_of(app):
    with app.app_context():
        return db.session.scalars(db.select(Waiver.id)).one()


def sign(person, waiver_id, answer="agree", **fields):
    return person.post(f"/waivers/{waiver_id}/votes", {"answer": answer, **fields})


def finish(person, world):
    return person.put(f"/tasks/{world.fcc.id}/completion", htmx=True).status_code


def test_two_signatures_let_just_this_obstacle_pass_and_one_does_not(app, browse, world):
    yu, lei, yue = browse("yu"), browse("lei"), browse("yue")
    assert finish(yu, world) == 422
    assert ask(yu, world, world.lab_report.id).status_code == 200
    waiver_id = waiver_of(app)
    assert sign(yu, waiver_id).status_code == 403, "operations asks, and signs nothing"
    assert sign(lei, waiver_id).status_code == 303
    assert finish(yu, world) == 422, "one signature is not enough"
    assert sign(lei, waiver_id).status_code == 403, "nor twice the same"
    assert sign(yue, waiver_id).status_code == 303
    with app.app_context():
        other = db.session.get_one(Checklist, world.checklist.id).add("第二项", None, required=True)
        db.session.commit()
        other_id = other.id
    assert finish(yu, world) == 422, "another obstacle still holds"
    yu.put(f"/tasks/{world.fcc.id}/checklist-items/{other_id}/tick", htmx=True)
    assert finish(yu, world) == 200
    page = yu.get(f"/tasks/{world.fcc.id}").text
    assert "实验室已口头确认" in page, "the mark and its reason stay"
    assert world.fcc.waiver_count == 1


def test_nobody_signs_his_own_request(app, browse, world):
    yue = browse("yue")
    assert ask(yue, world, world.lab_report.id).status_code == 200
    assert sign(yue, waiver_of(app)).status_code == 403


def test_declining_needs_a_reason_and_ends_it(app, browse, world):
    yu, lei = browse("yu"), browse("lei")
    ask(yu, world, world.lab_report.id)
    waiver_id = waiver_of(app)
    assert sign(lei, waiver_id, "decline").status_code == 422
    assert sign(lei, waiver_id, "decline", reason="没有书面报告").status_code == 303
    assert sign(browse("yue"), waiver_id).status_code == 403
    assert finish(yu, world) == 422


def test_a_request_and_its_signature_stay_inside_the_workspace(app, browse, world):
    yu, lead, jia = browse("yu"), browse("lead"), browse("jia")
    assert ask(lead, world, world.lab_report.id).status_code == 404
    assert ask(jia, world, world.lab_report.id).status_code == 403, "an ad specialist does not ask"
    assert yu.post(f"/tasks/{world.fcc.id}/waivers", {"item_id": world.frame_item.id, "reason": "x"}).status_code == 404
    assert yu.post(f"/tasks/{world.fcc.id}/waivers", {"blocker_id": world.frame.id, "reason": "x"}).status_code == 404
    ask(yu, world, world.lab_report.id)
    assert sign(lead, waiver_of(app)).status_code == 404


def test_who_signs_finds_it_waiting_and_is_told(browse, world):
    ask(browse("yu"), world, world.lab_report.id)
    lei = browse("lei")
    assert lei.get("/waivers").location == "/approvals"
    assert "实验室已口头确认" in lei.get("/approvals").text
    assert elements(lei.get("/inbox").text, "data-notification-id")
    assert "Waiver: The lab&#39;s report" in lei.get("/", {"lang": "en"}).text
    jia = browse("jia")
    assert "实验室已口头确认" not in jia.get("/approvals").text
    assert "waits" not in jia.get("/", {"lang": "en"}).text


def test_a_blocking_task_is_waived_like_an_item(app, browse, world):
    yu = browse("yu")
    address = f"/tasks/{world.listing.id}/waivers"
    assert yu.post(address, {"blocker_id": world.fcc.id, "reason": "先建草稿"}, htmx=True).status_code == 200
    waiver_id = waiver_of(app)
    for person in ("lei", "yue"):
        sign(browse(person), waiver_id)
    assert yu.post(f"/tasks/{world.listing.id}/moves", {"stage_id": world.doing.id}, htmx=True).status_code == 200
