"""What holds a task is taken away by legal and the PMO only; everybody else asks for a waiver."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm.attributes import set_committed_value

from linkstar.extensions import db
from linkstar.models import (
    AuditEvent,
    Checklist,
    DayPassed,
    Dependency,
    Evidence,
    GatePassage,
    NotAllowed,
    Phase,
    Plan,
    PositionGone,
    Project,
    Stage,
    Task,
    Undo,
    Waiver,
)
from linkstar.reports.waivers import Waivers
from tests.pages import elements
from tests.world import october


def listed(target, by, *, required=True):
    checklist = Checklist.begin("供应商审核", target, by=by)
    item = checklist.write("资质", by=by, required=required)
    db.session.commit()
    return checklist.id, item.id


def saved(app, make):
    with app.app_context():
        found = make()
        db.session.commit()
        return found


# lists


@pytest.mark.parametrize("where", ["task", "stage"])
def test_a_list_with_a_required_item_is_removed_by_who_keeps_the_gates(app, browse, world, where):
    with app.app_context():
        target = world.script if where == "task" else world.to_do
        held, _item = listed(target, world.yu)
        free, _item = listed(target, world.yu, required=False)
    address = f"/{where}s/{world.script.id if where == 'task' else world.to_do.id}/checklists"
    page = f"/tasks/{world.script.id}" if where == "task" else f"/projects/{world.lamp.id}/gates"
    yu, yue = browse("yu"), browse("yue")
    offered = {form["action"] for form in elements(yu.get(page).text, tag="form")}
    assert f"{address}/{held}/removal" not in offered
    assert f"{address}/{free}/removal" in offered
    assert yu.post(f"{address}/{held}/removal").status_code == 403
    assert yu.post(f"{address}/{free}/removal").status_code == 303
    assert f"{address}/{held}/removal" in {form["action"] for form in elements(yue.get(page).text, tag="form")}
    assert yue.post(f"{address}/{held}/removal").status_code == 303
    with app.app_context():
        *_, event = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "checklist.removed"))
        assert event.changes["items"] == [[{"zh": "资质", "en": None}], []]
    assert "资质" in yue.get(f"/projects/{world.lamp.id}/history").text


@pytest.mark.parametrize("where", ["task", "stage"])
def test_what_a_passage_froze_stays_with_the_task_that_passed(app, browse, world, where):
    with app.app_context():
        task = db.session.get_one(Task, world.photos.id)
        _list, _item = listed(task if where == "task" else world.doing, world.yue)
        checklist = db.session.get_one(Checklist, _list)
        seen = Evidence(workspace_id=task.workspace_id, kind="text", value="保单 88 号")
        checklist.items[0].give(seen, by=world.yue)
        task.move_to(by=world.yue, to={"stage": world.done})
        later = Evidence(workspace_id=task.workspace_id, kind="text", value="保单 99 号")
        checklist.items[0].give(later, by=world.yue)
        db.session.commit()
        assert db.session.scalar(db.select(db.func.count(GatePassage.id))) == 1
        checklist.remove(by=world.yue)
        db.session.commit()
        (kept,) = db.session.scalars(db.select(Evidence))
        assert (kept.id, kept.task_id, kept.item_id) == (seen.id, task.id, None)
        assert kept.replaced_at, "it is no deliverable"
        assert not task.delivered
    assert browse("yue").get(f"/tasks/{world.photos.id}").status_code == 200


# edits and links


def test_a_blocking_task_that_holds_somebody_stays_blocking(app, browse, world):
    yu = browse("yu")
    edit = {"title_zh": "FCC检测报告终稿", "boxes": "1", "version": "1"}
    form = yu.get(f"/tasks/{world.fcc.id}/edit").text
    assert elements(form, name="blocking", type="hidden") and not elements(form, name="blocking", type="checkbox")
    assert yu.post(f"/tasks/{world.fcc.id}", edit).status_code == 403
    assert world.fcc.blocking
    assert elements(browse("yue").get(f"/tasks/{world.fcc.id}/edit").text, name="blocking", type="checkbox")
    saved(app, lambda: world.listing.trash(by=world.yue))
    assert yu.post(f"/tasks/{world.fcc.id}", edit).status_code == 303
    assert not world.fcc.blocking, "it held nobody any more"


def test_the_phase_that_waits_is_somebody_too(session, world):
    session.delete(session.get_one(Dependency, (world.fcc.id, world.listing.id)))
    world.ads.wait_for([world.compliance], by=world.yue)
    with pytest.raises(NotAllowed):
        world.fcc.edit({"blocking": False}, by=world.yu)


def test_undo_of_ones_own_adding_frees_nobody_either(session, world):
    session.add(Dependency(predecessor_id=world.photos.id, successor_id=world.night_hike.id))
    change = world.photos.edit({"blocking": True}, by=world.yu)
    session.commit()
    with pytest.raises(NotAllowed):
        Undo(change, by=world.yu).run()


def test_a_deliverable_is_named_anew_but_not_cleared(session, world):
    world.script.edit({"deliverable_zh": "终版脚本", "deliverable_en": "Final script"}, by=world.yu)
    world.script.edit({"deliverable_en": None}, by=world.yu)
    with pytest.raises(NotAllowed):
        world.script.edit({"deliverable_zh": None}, by=world.yu)
    world.script.edit({"deliverable_zh": None}, by=world.yue)
    assert world.script.deliverable_zh is None


def test_a_link_to_an_unfinished_blocker_stays(app, browse, world):
    yu, yue, address = browse("yu"), browse("yue"), f"/tasks/{world.listing.id}/dependencies/removal"

    def offered(browser, task):
        return any(
            form["action"].endswith("/removal")
            for form in elements(browser.get(f"/tasks/{task.id}").text, tag="form")
            if "dependencies" in form["action"]
        )

    assert not offered(yu, world.listing) and not offered(yu, world.fcc)
    assert offered(yue, world.listing) and offered(yue, world.fcc)
    assert yu.post(address, {"other": world.fcc.id}).status_code == 403
    assert yue.post(address, {"other": world.fcc.id}).status_code == 303


# trash


def test_an_unfinished_blocker_is_trashed_by_who_keeps_the_gates(app, browse, world):
    admin, address = browse("admin"), f"/tasks/{world.fcc.id}/trashing"
    assert "Ask for deletion" in admin.get(f"/tasks/{world.fcc.id}", {"lang": "en"}).text
    assert "Ask for deletion" not in admin.get(f"/tasks/{world.photos.id}").text
    assert admin.post(address).status_code == 303
    assert world.fcc.trashed_at is None, "it was asked for only"
    with app.app_context():
        with pytest.raises(NotAllowed):
            world.fcc.trash(by=world.admin)
        world.fcc.trash(by=world.yue)


def test_what_a_waiting_phase_asks_for_is_not_trashed(session, world):
    """Not blocking, but a required item on it is what the other phase waits for."""
    world.fcc.blocking = False
    world.ads.wait_for([world.compliance], by=world.yue)
    with pytest.raises(NotAllowed):
        world.fcc.trash(by=world.admin)
    world.lab_report.tick(by=world.lei)
    world.fcc.trash(by=world.admin)


def test_after_approval_is_for_who_belongs_to_the_project(session, world):
    assert world.packing.allows(world.yu, "delete")
    poles = world.poles
    poles.owner = world.yu
    session.flush()
    assert not poles.allows(world.yu, "delete")
    assert poles.allows(world.yue, "delete"), "the PMO sees every project"


# stages and phases


def flow(session, world, *kinds):
    tent = session.get_one(Project, world.tent.id)
    before = list(tent.stages)
    stages = [Stage(kind=kind, name_zh=f"{place}", position=place) for place, kind in enumerate(kinds)]
    tent.stages.extend(stages)
    session.flush()
    world.poles.stage = stages[0]
    session.flush()
    for old in before:
        session.delete(old)
    tent.add_member(world.yu, by=world.yue)
    session.commit()
    session.expire_all()
    return stages


def test_no_way_is_opened_round_a_list_of_a_stage(session, world):
    """资质 is asked for between the first and the second work; nothing comes to review without it."""
    _backlog, guard, work, empty, review, _done = flow(
        session, world, "backlog", "active", "active", "active", "review", "done"
    )
    listed(guard, world.yue)
    yu, yue = world.yu, world.yue
    for refused in (
        lambda: guard.remove(by=yu),
        lambda: review.shift(-3, by=yu),
        lambda: guard.shift(3, by=yu),
        lambda: (empty.shift(-2, by=yu), empty.edit(by=yu, name_zh="x", name_en=None, kind="review", wip_limit=None)),
    ):
        with pytest.raises(NotAllowed):
            refused()
        session.rollback()
    work.shift(1, by=yu)
    work.shift(-2, by=yu)
    session.commit()
    world.poles.stage = work
    session.commit()
    session.expire_all()
    with pytest.raises(NotAllowed):
        work.shift(1, by=yu)  # the task would stand behind the list without having met it
    session.rollback()
    review.shift(-3, by=yue)
    guard.remove(by=yue)
    session.commit()
    removed = session.scalars(db.select(AuditEvent).where(AuditEvent.action == "checklist.removed")).one()
    assert removed.changes["items"][0] == [{"zh": "资质", "en": None}]


def test_a_stage_with_a_required_list_has_no_button_to_remove_it(app, browse, world):
    with app.app_context():
        listed(world.in_review, world.yue)
        world.script.trash(by=world.yue)
        db.session.commit()
    address = f"/projects/{world.lamp.id}/stages"
    assert f"{address}/{world.in_review.id}/removal" not in browse("yu").get(address).text
    assert f"{address}/{world.doing.id}/removal" in browse("yu").get(address).text
    assert browse("yu").post(f"{address}/{world.in_review.id}/removal").status_code == 403
    assert browse("yue").post(f"{address}/{world.in_review.id}/removal").status_code == 303


def test_a_shut_gate_of_a_phase_is_taken_away_by_who_keeps_the_gates(app, browse, world):
    saved(app, lambda: world.ads.wait_for([world.compliance, world.content], by=world.yue))
    yu, address = browse("yu"), f"/projects/{world.lamp.id}/gates?_method=PUT"
    page = yu.get(f"/projects/{world.lamp.id}/gates").text
    assert [box["value"] for box in elements(page, "disabled", name="awaited_id")] == [str(world.compliance.id)]
    shut = {"phase_id": world.ads.id, "awaited_id": [world.compliance.id]}
    assert yu.post(address, shut).status_code == 303, "nothing in the content phase holds"
    assert yu.post(address, {"phase_id": world.ads.id}).status_code == 403
    assert browse("lei").post(address, {"phase_id": world.ads.id}).status_code == 403, "legal edits as a member"
    assert browse("yue").post(address, {"phase_id": world.ads.id}).status_code == 303


@pytest.mark.parametrize("model", [Stage, Phase])
def test_who_orders_a_list_that_was_read_before_orders_the_new_one(app, world, model):
    """The second app context is a second person's session."""
    last = world.in_review if model is Stage else world.ads
    kind = {"kind": "active"} if model is Stage else {}
    with app.app_context():
        mine, by = db.session.get_one(model, last.id), world.yue
        list(mine.project.stages), list(mine.project.phases)
        db.session.commit()
        with app.app_context():
            model.add(world.lamp, by=world.yue, name_zh="复盘", name_en=None, **kind)
            db.session.commit()
        mine.shift(-1, by=db.session.merge(by))
        db.session.commit()
    with app.app_context():
        places = list(db.session.scalars(db.select(model.position).where(model.project_id == world.lamp.id)))
        assert sorted(places) == list(range(len(places)))


def test_what_is_gone_meanwhile_is_not_ordered(app, world):
    with app.app_context():
        retro = Phase.add(world.lamp, by=world.yue, name_zh="复盘", name_en=None)
        db.session.commit()
        list(retro.project.phases)
        by = world.yue
        db.session.commit()
        with app.app_context():
            db.session.get_one(Phase, retro.id).remove(by=world.yue)
            db.session.commit()
        with pytest.raises(PositionGone):
            retro.shift(-1, by=db.session.merge(by))


def test_what_was_done_comes_back_done_where_its_stage_is_gone(session, world):
    _backlog, shipped, done = flow(session, world, "backlog", "done", "done")
    world.poles.move_to(by=world.yue, to={"stage": shipped})
    world.poles.trash(by=world.yue)
    shipped.remove(by=world.yue)
    world.poles.restore(by=world.yue)
    session.commit()
    assert world.poles.stage is done
    assert world.poles.completed_at


# the launch day


@pytest.fixture
def anchored(app, world):
    """The plan hangs on the designer's photos; Friday, the 20th of November."""
    with app.app_context():
        task = db.session.get_one(Task, world.photos.id)
        task.key = db.session.get_one(Project, world.lamp.id).anchor_key = "launch"
        task.start_on = task.due_on = world.lamp.anchor_on
        db.session.commit()
    return task.id


def edited(task, day):
    return {"title_zh": task.title_zh, "start_on": day, "due_on": day, "version": str(task.version)}


def test_the_task_on_the_launch_day_moves_with_who_may_move_the_project(app, browse, world, anchored):
    designer, yu = browse("designer"), browse("yu")
    day = {"start_on": "2026-11-27", "due_on": "2026-11-27"}
    assert designer.post(f"/tasks/{anchored}", edited(world.photos, "2026-11-27")).status_code == 403
    assert designer.post(f"/tasks/{anchored}/dates", day).status_code == 403
    assert str(world.lamp.anchor_on) == "2026-11-20"
    assert yu.post(f"/tasks/{anchored}/dates", day).status_code == 303
    assert str(world.lamp.anchor_on) == "2026-11-27"
    assert yu.post(f"/tasks/{anchored}", edited(world.photos, "2026-12-01")).status_code == 303
    assert str(world.lamp.anchor_on) == "2026-12-01"


def test_a_launch_is_not_put_on_a_day_that_has_passed(app, browse, world, anchored):
    yu = browse("yu")
    for answer in (
        yu.post(f"/tasks/{anchored}?lang=en", edited(world.photos, "2026-10-01")),
        yu.post(f"/tasks/{anchored}/dates?lang=en", {"start_on": "2026-10-01", "due_on": "2026-10-01"}),
    ):
        assert answer.status_code == 422
        assert "This day has passed" in answer.text
    bulk = {"task_id": anchored, "shift_days": "-90", "confirmed": "1"}
    refused = yu.post(f"/projects/{world.lamp.id}/bulk-edits?lang=en", bulk)
    assert refused.status_code == 422 and "launch day" in refused.text
    assert str(world.lamp.anchor_on) == "2026-11-20"


def test_a_launch_long_overdue_is_late_until_a_day_to_come(app, browse, world, anchored):
    with app.app_context():
        db.session.get_one(Project, world.lamp.id).anchor_on = october(1)
        task = db.session.get_one(Task, anchored)
        task.start_on = task.due_on = october(1)
        task.stage = world.to_do
        db.session.commit()
        seen = Plan(task.project).late_by(task, 2).fingerprint
        with pytest.raises(DayPassed):
            Plan(task.project, lock=True).late_by(task, 2).apply(by=world.yue)
    refused = browse("yu").post(f"/tasks/{anchored}/delay?lang=en", {"days": "2", "seen": seen})
    assert refused.status_code == 422 and "a day that has passed" in refused.text


def test_the_preview_of_the_launch_day_knows_who_may_move_it(session, world, app):
    task = world.photos
    task.key = world.lamp.anchor_key = "launch"
    task.start_on = task.due_on = world.lamp.anchor_on
    session.commit()
    replan = Plan(world.lamp).with_dates(task, world.lamp.anchor_on + timedelta(7), world.lamp.anchor_on + timedelta(7))
    assert replan.projects == [world.lamp]
    with pytest.raises(NotAllowed):
        replan.apply(by=world.designer)


# hours


@pytest.fixture
def takedown(session, world):
    """A plan in hours; the owner lives in Los Angeles, where summer time ends on the first of November."""
    world.lamp.unit = "hour"
    task = world.photos
    task.owner = world.maya
    task.start_on = task.due_on = october(30)
    task.start_at, task.due_at = datetime(2026, 10, 30, 16, tzinfo=UTC), datetime(2026, 10, 30, 20, tzinfo=UTC)
    session.commit()
    return task


def test_days_move_the_hours_with_them(session, world, takedown):
    takedown.edit({"start_on": october(31), "due_on": october(30) + timedelta(3)}, by=world.yu)
    assert takedown.start_at == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert takedown.due_at == datetime(2026, 11, 2, 21, tzinfo=UTC), "one o'clock there, as before"
    assert takedown.late_from == takedown.due_at


def test_a_bulk_shift_keeps_the_hours(app, browse, world):
    with app.app_context():
        world.lamp.unit = "hour"
        world.photos.start_on = october(15)
        world.photos.start_at = datetime(2026, 10, 15, 1, tzinfo=UTC)
        world.photos.due_at = datetime(2026, 10, 15, 9, tzinfo=UTC)
        db.session.commit()
    sent = {"task_id": world.photos.id, "shift_days": "2", "confirmed": "1"}
    assert browse("yu").post(f"/projects/{world.lamp.id}/bulk-edits", sent).status_code == 303
    assert world.photos.start_at == datetime(2026, 10, 17, 1, tzinfo=UTC)
    assert world.photos.due_at == datetime(2026, 10, 17, 9, tzinfo=UTC)


# an owner, and a programme


def test_whose_project_it_is_may_edit_it(session, world):
    assert not world.lamp.allows(world.jia, "edit")
    world.lamp.owner = world.jia
    session.flush()
    assert world.lamp.allows(world.jia, "edit") and world.lamp.allows(world.jia, "move")
    assert not world.lamp.allows(world.jia, "release")


def test_a_link_locks_the_whole_programme_in_one_order(session, world, monkeypatch):
    children = [
        Project.create(by=world.yue, workspace_id=world.shanlan.id, code=f"US-AMZ-27Q1-KID-00{n}", key=f"KID{n}",
                       name_zh="子项目", parent_id=world.lamp.id) for n in (1, 2)
    ]  # fmt: skip
    session.commit()
    locked = []
    touch = Project.touch
    monkeypatch.setattr(Project, "touch", lambda self: (locked.append(self.id), touch(self))[1])
    world.packing.wait_for(world.script, by=world.yu)
    assert locked == sorted([world.lamp.id, *(child.id for child in children)])
    assert world.packing.revision == world.script.revision == world.lamp.revision


def test_a_template_is_in_the_hands_of_its_keepers(session, world):
    draft = world.lamp
    set_committed_value(draft, "draft_of_id", 1)
    assert draft.allows(world.admin, "release")
    assert not draft.allows(world.yu, "release")


def test_a_signature_counts_while_its_signer_has_the_role(session, world):
    waiver = Waiver.ask(world.fcc, "赶黑五", by=world.yu, item=world.supplier_mail)
    waiver.vote(True, by=world.lei)
    world.lei.membership_in(world.shanlan.id).role = "pmo"
    session.flush()
    assert waiver.missing_roles == ["legal", "pmo"]
    assert not waiver.may_be_signed_by(world.lei), "who has signed already"
    assert (waiver in Waivers(world.lei).waiting, waiver in Waivers(world.yue).waiting) == (False, True)
    waiver.vote(True, by=world.yue)
    assert (waiver.state, waiver.missing_roles) == ("asked", ["legal"])
    world.designer.membership_in(world.shanlan.id).role = "legal"
    session.flush()
    assert waiver in Waivers(world.designer).waiting
    waiver.vote(True, by=world.designer)
    assert waiver.state == "granted"
