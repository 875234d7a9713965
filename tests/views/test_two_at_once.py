"""What one person does while another is in the middle of something; and what an outsider is not told."""

import re

import pytest

from linkstar.extensions import db
from linkstar.models import (
    AuditEvent,
    Checklist,
    ChecklistItem,
    Handover,
    IdempotentRequest,
    Label,
    MoveRefused,
    NotAllowed,
    Project,
    Task,
    Waiver,
)
from linkstar.models.project_code import next_code
from tests.pages import elements, ids
from tests.world import NOW

pytestmark = pytest.mark.both_databases


def form_of(browser, task):
    """The edit form's fields as they stand on the page."""
    page = browser.get(f"/tasks/{task.id}/edit").text
    fields = {field["name"]: field.get("value", "") for field in elements(page, "name", tag="input")}
    return {name: fields[name] for name in ("version", "title_zh", "title_en", "labels")} | {"boxes": "1"}


def test_a_drag_into_another_lane_is_not_taken_back_by_a_stale_form(browse, world):
    yu, yue = browse("yu"), browse("yue")
    typed = form_of(yu, world.script) | {"title_zh": "拍摄脚本第二稿", "owner_id": world.yu.id}
    assert yue.post(f"/tasks/{world.script.id}/moves", {"owner_id": world.jia.id}).status_code == 303
    assert yu.post(f"/tasks/{world.script.id}", typed).status_code == 409
    assert world.script.owner_id == world.jia.id


def test_a_form_without_its_version_is_422(browse, world):
    assert browse("yu").post(f"/tasks/{world.script.id}", {"title_zh": "没有版本"}).status_code == 422
    assert world.script.title_zh == "拍摄脚本"


def test_fields_that_did_not_come_stay_as_they_are(browse, world):
    answer = browse("yu").post(f"/tasks/{world.script.id}", {"title_zh": "只改标题", "version": world.script.version})
    assert answer.status_code == 303
    assert world.script.due_on is not None


def test_a_line_under_a_task_becomes_its_subtask(app, browse, world):
    sent = {"title": "分镜表", "parent_id": world.script.id}
    assert browse("yu").post(f"/projects/{world.lamp.id}/tasks", sent).status_code == 303
    with app.app_context():
        parent = db.session.scalar(db.select(Task.parent_id).where(Task.title_zh == "分镜表"))
    assert parent == world.script.id


def test_added_is_not_taken_back_over_what_others_put_in(app, browse, world):
    yu = browse("yu")
    added = yu.post(f"/projects/{world.lamp.id}/tasks", {"title": "海报"}, htmx=True).text
    change = re.search(r'name="change" value="([^"]+)"', added)[1]
    with app.app_context():
        poster = db.session.scalar(db.select(Task.id).where(Task.title_zh == "海报"))
    assert browse("yue").post(f"/tasks/{poster}/comments", {"body": "我来补充尺寸"}).status_code == 303
    assert yu.post("/undos", {"change": change}).status_code == 409
    assert yu.get(f"/tasks/{poster}").status_code == 200


def test_a_bulk_edit_pressed_twice_shifts_once(browse, world):
    yu, before = browse("yu"), world.listing.due_on
    sent = {"task_id": world.listing.id, f"version-{world.listing.id}": world.listing.version, "shift_days": 7}
    for _press in range(2):
        yu.post(f"/projects/{world.lamp.id}/bulk-edits", sent | {"confirmed": 1})
    assert (world.listing.due_on - before).days == 7


def test_a_kept_key_without_its_answer_leads_to_the_page(app, browse, world):
    """The process was killed between the effect and its answer: what was done is shown, not refused."""
    yu, path = browse("yu"), f"/tasks/{world.script.id}/comments"
    key = {"Idempotency-Key": "killed-in-between"}
    assert yu.post(path, {"body": "收到"}, headers=key).status_code == 303
    with app.app_context():
        db.session.execute(db.update(IdempotentRequest).values(status=None, body=None))
        db.session.commit()
    assert yu.post(path, {"body": "收到"}, headers=key).status_code == 303
    assert world.script.comment_count == 1


def test_a_filter_opens_no_gate(browse, world):
    """合规准备 holds 王蕾's unfinished FCC report: whoever looks at his own tasks only still stands before it."""
    board = f"/projects/{world.lamp.id}/board"
    for query in ({"group": "phase"}, {"group": "phase", "owner": world.intern.id}):
        (gate,) = elements(browse("yu").get(board, query).text, id=f"gate-phase-{world.compliance.id}")
        assert "shut" in gate["class"].split()


def test_a_trashed_blocker_blocks_nobody(app, browse, world):
    yu, board = browse("yu"), f"/projects/{world.lamp.id}/board"
    assert "blocked" in elements(yu.get(board).text, id=f"task-{world.listing.id}")[0]["class"]
    with app.app_context():
        world.fcc.trash(by=world.yue)
        db.session.commit()
    assert "blocked" not in elements(yu.get(board).text, id=f"task-{world.listing.id}")[0]["class"]


def test_longer_names_are_not_taken_for_shorter_ones(app, browse, world):
    with app.app_context():
        world.jia.name = "王蕾蕾"
        db.session.commit()
    lei, before = browse("lei"), len(ids(browse("lei").get("/inbox").text, "data-notification-id"))
    browse("yu").post(f"/tasks/{world.fcc.id}/comments", {"body": "@王蕾蕾 预算好了吗？"})
    assert len(ids(lei.get("/inbox").text, "data-notification-id")) == before


def test_who_watches_hears_of_a_comment_once(browse, world):
    jia = browse("jia")
    before = len(ids(jia.get("/inbox").text, "data-notification-id"))
    assert jia.put(f"/tasks/{world.script.id}/watch").status_code == 303
    browse("yu").post(f"/tasks/{world.script.id}/comments", {"body": "第二稿好了"})
    assert len(ids(jia.get("/inbox").text, "data-notification-id")) == before + 1


# what an outsider is not told


def test_an_outsider_does_not_give_herself_lasting_access(browse, world):
    for outsider, refused in (("jess", 404), ("maya", 403)):
        assert browse(outsider).put(f"/tasks/{world.unboxing.id}/watch").status_code == refused


def test_a_creator_is_not_shown_who_is_inside(browse, world):
    jess = browse("jess")
    for page in ("edit", "moves/new"):
        assert jess.get(f"/tasks/{world.unboxing.id}/{page}").status_code == 404
    assert "吴敏" not in jess.get(f"/briefs/{world.unboxing.id}").text


def test_a_creator_is_not_told_the_projects_name(browse, world):
    jess = browse("jess")
    for page in ("/briefs", f"/briefs/{world.unboxing.id}"):
        assert "露营灯 · 美国首发" not in jess.get(page).text and "Camp lantern" not in jess.get(page).text


def test_labels_of_another_project_are_not_offered(app, browse, world):
    with app.app_context():
        world.poles.edit({}, by=world.jia, labels=Label.named(world.shanlan.id, ["供应商-秘密"]))
        db.session.commit()
    for person in ("yu", "maya", "intern"):
        assert "供应商-秘密" not in browse(person).get(f"/projects/{world.lamp.id}/board").text


def test_a_call_on_a_task_that_one_lost_is_not_on_my_work(app, browse, world):
    browse("yue").post(f"/tasks/{world.fcc.id}/comments", {"body": "@林晓雨 底价 31 美元"})
    assert "底价 31 美元" in browse("yu").get("/").text
    with app.app_context():
        lamp, yu = world.lamp, world.yu
        lamp.remove_member(next(m for m in lamp.members if m.user_id == yu.id), by=world.yue)
        db.session.commit()
    assert "底价 31 美元" not in browse("yu").get("/").text


def test_who_may_move_nothing_is_offered_nothing_to_move(browse, world):
    board = f"/projects/{world.lamp.id}/board"
    assert elements(browse("maya").get(board).text, "data-board", "data-read-only")
    assert not elements(browse("yu").get(board).text, "data-board", "data-read-only")


# what was read before somebody else wrote: the second app context is a second person's session


def stage_item(world):
    checklist = Checklist.begin("开工前", world.to_do, by=world.yu)
    item = checklist.write("供应商资质", by=world.yu, required=True)
    db.session.commit()
    return item.id


def seen(model, key):
    """As a page read it, with all that it knows; its transaction is over."""
    record = db.session.get_one(model, key)
    record.checklist.stage.project if model is ChecklistItem else record.votes  # noqa: B018
    db.session.commit()
    return record


def test_of_two_who_tick_an_item_of_a_stage_the_first_ticked_it(app, world):
    ticks = db.select(db.func.count(AuditEvent.id)).where(AuditEvent.action == "checklist_item.ticked")
    with app.app_context():
        item_id, yue, lei = stage_item(world), world.yue, world.lei
        before = db.session.scalar(ticks)
    with app.app_context():
        item = seen(ChecklistItem, item_id)
        with app.app_context():
            db.session.get_one(ChecklistItem, item_id).tick(by=db.session.merge(yue))
            db.session.commit()
        item.tick(by=db.session.merge(lei))
        db.session.commit()
    with app.app_context():
        assert db.session.get_one(ChecklistItem, item_id).ticked_by_id == yue.id
        assert db.session.scalar(ticks) == before + 1


def test_a_new_task_is_held_by_what_was_unticked_meanwhile(app, world):
    with app.app_context():
        item_id = stage_item(world)
        db.session.get_one(ChecklistItem, item_id).tick(by=world.yue)
        db.session.commit()
    with app.app_context():
        doing, yu = world.doing, world.yu
        item = seen(ChecklistItem, item_id)
        with app.app_context():
            db.session.get_one(ChecklistItem, item_id).untick(by=world.yue)
            db.session.commit()
        with pytest.raises(MoveRefused):
            Task.create(item.checklist.stage.project, by=yu, stage=doing, owner=yu, title_zh="海报", due_on=NOW.date())


def test_a_task_item_is_counted_once_though_it_was_read_before(app, world):
    """The project was read after the first tick, the item before it: the revision tells nothing."""
    with app.app_context():
        item_id = ChecklistItem.write(world.script, "分镜", by=world.yu).id
        db.session.commit()
        before = world.script.checked_count
    with app.app_context():
        item, yu = db.session.get_one(ChecklistItem, item_id), world.yu
        db.session.commit()
        with app.app_context():
            db.session.get_one(ChecklistItem, item_id).tick(by=world.yu)
            db.session.commit()
        item.tick(by=yu)
        db.session.commit()
    assert world.script.checked_count == before + 1


def test_nobody_signs_twice(app, world):
    with app.app_context():
        waiver = Waiver.ask(world.listing, "赶黑五", by=world.yu, blocker=world.fcc)
        db.session.commit()
        waiver_id, yue = waiver.id, world.yue
    with app.app_context():
        waiver = seen(Waiver, waiver_id)
        with app.app_context():
            db.session.get_one(Waiver, waiver_id).vote(True, by=world.yue)
            db.session.commit()
        with pytest.raises(NotAllowed):
            waiver.vote(True, by=db.session.merge(yue))


def test_two_narrow_somebody_in_one_project(session, world):
    """The second writes what the first wrote as well."""
    lamp, lei = world.lamp, world.lei
    values = {"narrowed": {str(lei.id): "view"}, "revision": lamp.revision + 1}
    session.commit()
    with db.engine.begin() as other:
        other.execute(db.update(Project).where(Project.id == lamp.id).values(values))
    lamp.narrow(world.jia, "view", by=world.yue)
    session.commit()
    assert lamp.narrowed == {str(lei.id): "view", str(world.jia.id): "view"}


def test_what_is_given_to_somebody_who_is_leaving_is_handed_over_too(session, world):
    leaving = Handover(world.jia.membership_in(world.shanlan.id))
    assert world.packing not in leaving.tasks
    given = db.update(Task).where(Task.id == world.packing.id).values(owner_id=world.jia.id)
    session.commit()
    with db.engine.begin() as other:
        other.execute(given)
    session.expire_all()
    leaving.run(world.yue, by=world.admin)
    assert world.packing.owner_id == world.yue.id


def test_who_lets_people_in_or_counts_codes_holds_up_nobody_who_only_works(session, world):
    """Every row of a workspace points to it, and the database looks whether it is there."""
    if session.get_bind().dialect.name == "sqlite":
        return  # one writer at a time there
    next_code(world.shanlan.id, platforms=[], anchor=None, word="EARB")
    world.shanlan.hold()
    with db.engine.begin() as other:
        other.execute(db.text("SELECT 1 FROM workspace FOR KEY SHARE NOWAIT"))
