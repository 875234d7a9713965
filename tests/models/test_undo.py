"""Taking back one's own change, as a whole or not at all."""

from datetime import timedelta

import pytest

from linkstar import clock
from linkstar.models import BulkEdit, Checklist, Dependency, Evidence, Handover, NotAllowed, Task, Undo, UndoRefused
from linkstar.models.audit_event import new_change
from tests.world import NOW, october


def undo(change, person):
    return Undo(change, by=person).run()


def test_a_move_goes_back_to_its_very_place(session, world):
    old = world.script.position
    change = world.script.move_to(by=world.yu, to={"stage": world.doing}, place="first")
    session.commit()
    assert undo(change, world.yu) == [world.script]
    assert (world.script.stage, world.script.position) == (world.in_review, old)


def test_a_completion_goes_back_with_its_place(session, world):
    change = world.script.move_to(by=world.yu, to={"stage": world.done})
    session.commit()
    undo(change, world.yu)
    assert (world.script.stage, world.script.completed_at) == (world.in_review, None)


def test_an_edit_gets_its_old_values_days_too(session, world):
    change = world.script.edit({"title_zh": "改坏了", "due_on": october(30)}, by=world.yu)
    session.commit()
    undo(change, world.yu)
    assert (world.script.title_zh, world.script.due_on) == ("拍摄脚本", october(14))


def test_a_new_task_goes_to_the_trash(session, world):
    change = new_change()
    task = Task.create(world.lamp, by=world.yu, stage=world.to_do, owner=world.yu, title_zh="手滑", change=change)
    session.commit()
    undo(change, world.yu)
    assert task.trashed_at


def test_a_trashed_task_comes_back(session, world):
    change = world.script.trash(by=world.admin)
    session.commit()
    undo(change, world.admin)
    assert world.script.trashed_at is None


def test_a_bulk_edit_goes_back_as_one(session, world):
    tasks = [world.photos, world.script, world.listing]
    before = [task.due_on for task in tasks]
    change, touched = BulkEdit(tasks, {"priority": "high"}, by=world.yu, shift_days=7).run()
    session.commit()
    assert len(touched) == 3
    undo(change, world.yu)
    assert [task.due_on for task in tasks] == before
    assert {task.priority for task in tasks} == {"medium"}


def test_nothing_is_taken_back_from_under_somebody_elses_hands(session, world):
    change = world.script.edit({"priority": "high"}, by=world.yu)
    world.script.edit({"priority": "low"}, by=world.yue)
    session.commit()
    with pytest.raises(UndoRefused) as refusal:
        undo(change, world.yu)
    assert refusal.value.reason == "changed_since"


def test_a_bulk_edit_of_which_one_task_changed_since_stays_whole(session, world):
    change, _ = BulkEdit([world.photos, world.script], {"priority": "high"}, by=world.yu).run()
    world.photos.edit({"priority": "urgent"}, by=world.yue)
    session.commit()
    with pytest.raises(UndoRefused):
        undo(change, world.yu)
    session.rollback()
    assert (world.photos.priority, world.script.priority) == ("urgent", "high")


def test_only_ones_own_change_is_taken_back(session, world):
    change = world.script.move_to(by=world.yu, to={"stage": world.doing})
    session.commit()
    with pytest.raises(UndoRefused) as refusal:
        Undo(change, by=world.yue)
    assert refusal.value.reason == "not_yours"
    with pytest.raises(UndoRefused):
        Undo("never-happened", by=world.yu)


def test_who_lost_the_right_cannot_take_back(session, world):
    change = world.script.move_to(by=world.yu, to={"stage": world.doing})
    session.commit()
    world.yu.membership_in(world.shanlan.id).role = "us_partner"
    session.commit()
    with pytest.raises(NotAllowed):
        undo(change, world.yu)


def test_bulk_edits_leave_out_what_may_not_be_touched(session, world):
    rows = BulkEdit([world.budget, world.unboxing], {"priority": "high"}, by=world.jia).rows()
    assert [row.left_out for row in rows] == [None, "not_allowed"]
    rows = BulkEdit([world.packing], {}, by=world.yu, stage=world.doing).rows()
    assert [row.left_out for row in rows] == ["needs_due_day"]


def test_a_dependency_that_was_added_goes_again(session, world):
    change = world.script.wait_for(world.photos, by=world.yu, lag=2)
    session.commit()
    undo(change, world.yu)
    assert world.script.predecessors == []


def test_a_lag_gets_its_old_length_and_a_removed_dependency_its_lag(session, world):
    world.script.wait_for(world.photos, by=world.yu, lag=2)
    changed = world.script.wait_for(world.photos, by=world.yu, lag=5)
    session.commit()
    undo(changed, world.yu)
    assert session.get(Dependency, (world.photos.id, world.script.id)).lag == 2
    removed = world.script.stop_waiting_for(world.photos, by=world.yu)
    session.commit()
    undo(removed, world.yu)
    assert session.get(Dependency, (world.photos.id, world.script.id)).lag == 2


def test_a_link_that_would_close_a_circle_by_now_stays_away(session, world):
    world.script.wait_for(world.photos, by=world.yu)
    removed = world.script.stop_waiting_for(world.photos, by=world.yu)
    world.photos.wait_for(world.script, by=world.yu)
    session.commit()
    with pytest.raises(UndoRefused):
        undo(removed, world.yu)


def test_taking_back_a_link_lets_nothing_go_that_others_keep(session, world):
    change = world.script.wait_for(world.fcc, by=world.yu)
    session.commit()
    with pytest.raises(NotAllowed):
        undo(change, world.yu)


def test_a_removed_list_comes_back_with_its_ticks_and_only_once(session, world):
    checklist = Checklist.begin("布景", world.script, by=world.yu)
    checklist.write("灯", by=world.yu).tick(by=world.yu)
    checklist.write("幕布", by=world.yu)
    session.commit()
    change = checklist.remove(by=world.yu)
    session.commit()
    assert (world.script.check_count, world.script.checked_count) == (0, 0)
    session.expire_all()
    undo(change, world.yu)
    session.commit()
    (back,) = world.script.checklists
    assert [(item.text_zh, bool(item.ticked_at)) for item in back.items] == [("灯", True), ("幕布", False)]
    assert (world.script.check_count, world.script.checked_count) == (2, 1)
    with pytest.raises(UndoRefused):
        undo(change, world.yu)


def test_a_list_with_evidence_is_not_promised_back(session, world):
    checklist = Checklist.begin("布景", world.script, by=world.yu)
    item = checklist.write("灯", by=world.yu)
    item.give(Evidence(workspace_id=world.script.workspace_id, kind="text", value="三盏"), by=world.yu)
    session.commit()
    assert not checklist.may_come_back
    change = checklist.remove(by=world.yu)
    session.commit()
    with pytest.raises(UndoRefused):
        undo(change, world.yu)


@pytest.mark.parametrize("way", ["edit", "move"])
def test_no_task_comes_back_to_somebody_who_has_left(session, world, way):
    task = world.packing
    if way == "edit":
        change = task.edit({"owner_id": world.yu.id}, by=world.yu)
    else:
        change = task.move_to(by=world.yu, to={"owner": world.yu})
    Handover(world.intern.membership_in(world.shanlan.id)).run(world.yue, by=world.admin)
    session.commit()
    with pytest.raises(UndoRefused):
        undo(change, world.yu)
    session.rollback()
    assert task.owner == world.yu
    for write in (
        lambda: task.edit({"owner_id": world.lead.id}, by=world.yu),
        lambda: task.move_to(by=world.yu, to={"owner": world.lead}),
    ):
        with pytest.raises(ValueError, match="person of its workspace"):
            write()


def test_a_day_later_nothing_is_taken_back(session, world):
    change = world.script.edit({"title_zh": "改坏了"}, by=world.yu)
    session.commit()
    with clock.at(NOW + timedelta(hours=24, seconds=1)), pytest.raises(UndoRefused) as refused:
        undo(change, world.yu)
    assert refused.value.reason == "late"
    with clock.at(NOW + timedelta(hours=23, minutes=59)):
        undo(change, world.yu)
    assert world.script.title_zh == "拍摄脚本"
