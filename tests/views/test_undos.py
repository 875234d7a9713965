"""The toast's way back, and the preview before a change of many."""

from linkstar.extensions import db
from linkstar.models import AuditEvent, Checklist
from tests.pages import elements


def change_in(answer):
    (field,) = elements(answer.text, name="change")
    return field["value"]


def test_a_move_is_taken_back_from_the_toast(browse, world):
    yu, old = browse("yu"), world.script.position
    moved = yu.post(f"/tasks/{world.script.id}/moves", {"stage_id": world.doing.id}, htmx=True)
    undone = yu.post("/undos", {"change": change_in(moved)}, htmx=True)
    assert undone.status_code == 200
    assert (world.script.stage_id, world.script.position) == (world.in_review.id, old)


def test_an_edit_and_a_trashing_are_taken_back(browse, world):
    admin = browse("admin")
    trashed = admin.post(f"/tasks/{world.script.id}/trashing", htmx=True)
    assert admin.get(f"/tasks/{world.script.id}").status_code == 404
    assert admin.post("/undos", {"change": change_in(trashed)}, htmx=True).status_code == 200
    assert admin.get(f"/tasks/{world.script.id}").status_code == 200


def test_a_new_task_is_taken_back(browse, world):
    yu = browse("yu")
    added = yu.post(f"/projects/{world.lamp.id}/tasks", {"title": "手滑", "stage_id": world.to_do.id}, htmx=True)
    assert yu.post("/undos", {"change": change_in(added)}, htmx=True).status_code == 200
    assert "手滑" not in yu.get(f"/projects/{world.lamp.id}/list").text


def test_what_changed_since_is_409(browse, world):
    yu = browse("yu")
    moved = yu.post(f"/tasks/{world.script.id}/moves", {"stage_id": world.doing.id}, htmx=True)
    browse("yue").post(f"/tasks/{world.script.id}/moves", {"stage_id": world.done.id})
    answer = yu.post("/undos", {"change": change_in(moved)}, htmx=True)
    assert answer.status_code == 409
    assert elements(answer.text, role="alert")
    assert world.script.stage_id == world.done.id


def test_somebody_elses_change_is_404(app, browse, world):
    browse("yue").post(f"/tasks/{world.script.id}/moves", {"stage_id": world.doing.id})
    with app.app_context():
        change = db.session.scalars(db.select(AuditEvent.change).order_by(AuditEvent.id.desc())).first()
    yu = browse("yu")
    for name in (change, "", "x" * 5000, "\x00"):
        assert yu.post("/undos", {"change": name}, htmx=True).status_code == 404
    assert world.script.stage_id == world.doing.id


def bulk(world, *names, **values):
    return {"task_id": [getattr(world, name).id for name in names], **values}


def test_many_are_changed_after_a_preview_and_taken_back_as_one(browse, world):
    yu, address = browse("yu"), f"/projects/{world.lamp.id}/bulk-edits"
    sent = bulk(world, "photos", "script", priority="high", shift_days="7", label="首发")
    preview = yu.post(address, sent)
    assert preview.status_code == 200
    assert world.script.priority == "medium", "a preview writes nothing"
    assert elements(preview.text, name="confirmed")
    assert yu.post(address, sent | {"confirmed": "1"}).status_code == 303
    assert (world.script.priority, world.script.due_on.isoformat()) == ("high", "2026-10-21")
    page = yu.get(f"/projects/{world.lamp.id}/table")
    assert yu.post("/undos", {"change": change_in(page)}).status_code == 303
    assert (world.script.priority, world.photos.due_on.isoformat()) == ("medium", "2026-10-15")


def test_a_bulk_edit_reaches_no_task_that_one_does_not_see(browse, world):
    yu = browse("yu")
    sent = bulk(world, "script", "poles", "frame", priority="urgent", confirmed="1")
    assert yu.post(f"/projects/{world.lamp.id}/bulk-edits", sent).status_code == 303
    assert (world.script.priority, world.poles.priority, world.frame.priority) == ("urgent", "medium", "medium")


def test_a_bulk_edit_of_a_creator_leaves_out_all_but_her_own(browse, world):
    jia = browse("jia")
    sent = bulk(world, "budget", "script", priority="urgent", confirmed="1")
    assert jia.post(f"/projects/{world.lamp.id}/bulk-edits", sent).status_code == 303
    assert (world.budget.priority, world.script.priority) == ("urgent", "medium")


def test_a_bulk_edit_without_tasks_or_changes_or_sense_is_422(browse, world):
    yu, address = browse("yu"), f"/projects/{world.lamp.id}/bulk-edits"
    for sent in (
        {"priority": "high"},
        bulk(world, "script", confirmed="1"),
        bulk(world, "script", priority="whenever"),
        bulk(world, "script", owner_id=world.lead.id, confirmed="1"),
        bulk(world, "script", stage_id=world.tent_to_do.id, confirmed="1"),
        bulk(world, "script", due_on="2026-02-30", confirmed="1"),
        bulk(world, "script", shift_days="9" * 30, confirmed="1"),
    ):
        assert yu.post(address, sent).status_code == 422, sent
    assert world.script.version == 1


def test_a_dependency_and_a_list_are_taken_back_from_the_toast(app, browse, world):
    yu, address = browse("yu"), f"/tasks/{world.script.id}"
    added = yu.post(f"{address}/dependencies", {"other": world.photos.id, "direction": "before"}, htmx=True)
    assert yu.post("/undos", {"change": change_in(added)}, htmx=True).status_code == 200
    with app.app_context():
        assert world.script.predecessors == []
        checklist = Checklist.begin("布景", world.script, by=world.yu)
        db.session.commit()
        list_id = checklist.id
    removed = yu.post(f"{address}/checklists/{list_id}/removal", htmx=True)
    assert "布景" not in yu.get(address).text.partition("<h2>")[2].partition('class="trail')[0]
    assert yu.post("/undos", {"change": change_in(removed)}, htmx=True).status_code == 200
    with app.app_context():
        assert [each.title_zh for each in world.script.checklists] == ["布景"]
