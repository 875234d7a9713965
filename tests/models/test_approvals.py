"""What one person alone may not do: asked for, decided on by others, done once; and what comes back from the trash."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from linkstar import clock, jobs, packs
from linkstar.models import (
    AlreadyDecided,
    Approval,
    AuditEvent,
    BulkEdit,
    ChangeBudget,
    ChangeMany,
    Checklist,
    Comment,
    DeleteProject,
    DeleteTask,
    Dependency,
    Handover,
    NotAllowed,
    Notification,
    Overtaken,
    Project,
    StillUsed,
    Task,
    Trash,
)
from linkstar.models.audit_event import verify_audit
from linkstar.words import TROUBLES
from tests.world import NOW, october


def asked(world, name="sample", by="intern"):
    return Approval.ask(DeleteTask.of(getattr(world, name)), by=getattr(world, by), reason="建错了")


def told(session, kind):
    return {person for (person,) in session.execute(select(Notification.user_id).filter_by(kind=kind))}


# asking and deciding


def test_a_request_goes_to_those_whom_the_pack_names_and_never_to_who_asked(session, world):
    approval = asked(world)
    assert approval.approvers() == [world.yue, world.admin]
    assert told(session, "approval_asked") == {world.yue.id, world.admin.id}
    mine = asked(world, "packing", "yue")
    assert mine.approvers() == [world.admin]
    with pytest.raises(NotAllowed):
        mine.vote(True, by=world.yue)
    for other in (world.yu, world.lei, world.finance, world.lead, world.intern):
        with pytest.raises(NotAllowed):
            approval.vote(True, by=other)
    assert (approval.state, world.sample.trashed_at) == ("asked", None)


def test_agreed_it_is_done_once_and_told(session, world):
    approval = asked(world)
    session.commit()
    approval.vote(True, by=world.yue)
    session.commit()
    assert (approval.state, world.sample.trashed_at) == ("done", NOW)
    assert told(session, "approval_decided") == {world.intern.id}
    for late in (world.yue, world.admin):
        with pytest.raises(AlreadyDecided):
            approval.vote(True, by=late)
    trashed = select(func.count()).where(AuditEvent.action == "task.trashed", AuditEvent.task_id == world.sample.id)
    assert session.scalar(trashed) == 1
    actions = session.scalars(select(AuditEvent.action).where(AuditEvent.action.startswith("approval.")))
    assert list(actions) == ["approval.asked", "approval.signed", "approval.done"]
    assert verify_audit(world.shanlan.id).fault is None


def test_a_refusal_says_why_and_deletes_nothing(session, world):
    approval = asked(world)
    approval.vote(False, by=world.admin, reason="还要寄第二批")
    assert (approval.state, approval.votes[0].reason, world.sample.trashed_at) == ("refused", "还要寄第二批", None)
    with pytest.raises(AlreadyDecided):
        approval.vote(True, by=world.yue)


def test_whoever_asked_takes_it_back_and_nobody_else(session, world):
    approval = asked(world)
    with pytest.raises(NotAllowed):
        approval.withdraw(by=world.yue)
    approval.withdraw(by=world.intern)
    assert approval.state == "withdrawn"
    with pytest.raises(AlreadyDecided):
        approval.vote(True, by=world.yue)


def test_the_same_is_asked_once_and_anew_when_it_was_decided(session, world):
    first = asked(world)
    assert asked(world) is first
    seen_by_yu = Approval.visible_to(world.yu)
    assert session.scalar(seen_by_yu) is None
    assert asked(world, by="yue") is first, "also when somebody who sees it asks for just this"
    assert asked(world, by="yu") is session.scalar(seen_by_yu), "and who does not see it, asks in her own name"
    first.vote(False, by=world.admin, reason="不行")
    assert asked(world) is not first


def test_what_was_once_begun_is_asked_for_though_it_looks_untouched(session, world):
    """Put back to the backlog, and rid of what was said on it, it still has its history."""
    world.packing.move_to(by=world.yu, to={}, place="first")
    assert world.packing.may_be_trashed_by(world.yu), "a place in the backlog is no beginning"
    for task, touch in (
        (world.night_hike, lambda task: Comment.post(task, "改稿见附件", by=world.yu).trash(by=world.yu)),
        (world.packing, _there_and_back),
    ):
        assert task.may_be_trashed_by(world.yu)
        touch(task)
        assert (task.stage, task.comment_count) == (world.to_do, 0)
        assert not task.may_be_trashed_by(world.yu)
        assert DeleteTask.of(task).may_be_asked_by(world.yu)


def _there_and_back(task):
    task.edit({"due_on": october(30)}, by=task.owner)
    for stage in (task.project.stages[1], task.project.stages[0]):
        task.move_to(by=task.owner, to={"stage": stage})


def test_rights_are_those_of_the_moment_of_the_vote(session, world):
    approval = asked(world)
    world.yue.membership_in(world.shanlan.id).role = "ops"
    session.flush()
    with pytest.raises(NotAllowed):
        approval.vote(True, by=world.yue)
    assert approval.approvers() == [world.admin]


def test_who_is_narrowed_in_a_project_decides_on_nothing_in_it(session, world):
    world.yu.membership_in(world.shanlan.id).role = "pmo"
    session.flush()
    approval = asked(world)
    assert world.yu in approval.approvers()
    world.lamp.narrowed = {str(world.yu.id): "view"}
    with pytest.raises(NotAllowed):
        approval.vote(True, by=world.yu)


def test_what_has_changed_since_fails_and_says_so(session, world):
    approval = asked(world)
    session.commit()
    Comment.post(world.sample, "快递单号还在这里", by=world.yu)
    session.commit()
    approval.vote(True, by=world.yue)
    session.commit()
    assert (approval.state, approval.trouble, world.sample.trashed_at) == ("failed", "changed_since", None)
    assert world.intern.id in told(session, "approval_decided")
    assert verify_audit(world.shanlan.id).fault is None


def test_what_is_gone_meanwhile_fails(session, world):
    approval = asked(world)
    world.sample.trash(by=world.admin)
    approval.vote(True, by=world.yue)
    assert (approval.state, approval.trouble) == ("failed", "gone")


def test_a_task_that_holds_others_is_let_go_by_who_keeps_the_gates(session, world):
    approval = asked(world, "fcc", "yu")
    assert approval.approvers() == [world.yue]
    with pytest.raises(NotAllowed):
        approval.vote(True, by=world.admin)
    approval.vote(True, by=world.yue)
    assert world.fcc.trashed_at


@pytest.mark.parametrize(
    ("name", "person", "may"),
    [
        ("sample", "intern", True),  # his own
        ("script", "intern", False),  # not his, and he may not edit it
        ("script", "yu", True),  # ops edit in their projects
        ("budget", "jia", True),
        ("unboxing", "jess", False),  # from outside
        ("script", "maya", False),
        ("poles", "yu", False),  # not her project
    ],
)
def test_who_may_ask_for_a_deletion(session, world, name, person, may):
    assert DeleteTask.of(getattr(world, name)).may_be_asked_by(getattr(world, person)) == may
    if not may:
        with pytest.raises(NotAllowed):
            asked(world, name, person)


def test_the_operations_are_those_of_the_pack(session, world):
    for operation in (ChangeBudget, ChangeMany, DeleteProject, DeleteTask):
        assert packs.pack().operation(operation.key).min_approvals == 1
    assert DeleteProject.of(world.lamp).rule.cooling_off_hours == 24


# hours in which it can be stopped


def agreed(session, world):
    approval = Approval.ask(DeleteProject.of(world.lamp), by=world.yue)
    session.commit()
    approval.vote(True, by=world.admin)
    session.commit()
    return approval


def test_a_project_goes_when_its_hours_are_over_and_only_once(session, world):
    approval = agreed(session, world)
    assert (approval.state, approval.runs_at, world.lamp.trashed_at) == ("agreed", NOW + timedelta(hours=24), None)
    with clock.at(NOW + timedelta(hours=23, minutes=59)):
        jobs.run_agreed()
    assert world.lamp.trashed_at is None
    later = NOW + timedelta(hours=24)
    with clock.at(later):
        jobs.run_agreed()
        jobs.run_agreed()
    assert (world.lamp.trashed_at, world.script.trashed_at, approval.state) == (later, later, "done")
    gone = session.scalars(select(AuditEvent.actor_id).where(AuditEvent.action == "project.trashed")).all()
    assert gone == [world.admin.id]


@pytest.mark.parametrize("stopped_by", ["yue", "admin"])
def test_until_then_it_can_be_stopped(session, world, stopped_by):
    approval = agreed(session, world)
    if stopped_by == "yue":
        approval.withdraw(by=world.yue)
    else:
        approval.vote(False, by=world.admin, reason="再想想")
    session.commit()
    with clock.at(NOW + timedelta(hours=25)):
        jobs.run_agreed()
    assert world.lamp.trashed_at is None
    assert approval.state == ("withdrawn" if stopped_by == "yue" else "refused")


def test_agreeing_again_does_not_shorten_the_hours(session, world):
    approval = agreed(session, world)
    with pytest.raises(AlreadyDecided):
        approval.vote(True, by=world.admin)
    assert approval.runs_at == NOW + timedelta(hours=24)


def test_a_project_that_got_a_subproject_meanwhile_stays(session, world):
    approval = agreed(session, world)
    world.tent.parent_id = world.lamp.id
    session.commit()
    with clock.at(NOW + timedelta(hours=24)):
        jobs.run_agreed()
    assert (approval.state, approval.trouble, world.lamp.trashed_at) == ("failed", "StillUsed", None)


@pytest.mark.parametrize(("name", "trouble"), [("admin", "NotAllowed"), ("yue", "rights_lost")])
def test_when_the_hours_are_over_both_still_have_their_rights(session, world, name, trouble):
    approval = agreed(session, world)
    getattr(world, name).membership_in(world.shanlan.id).role = "intern"
    session.commit()
    with clock.at(NOW + timedelta(hours=25)):
        jobs.run_agreed()
    assert (approval.state, approval.trouble, world.lamp.trashed_at) == ("failed", trouble, None)
    assert trouble in TROUBLES


def test_who_leaves_asks_for_nothing_any_more(session, world):
    approval, of_intern = agreed(session, world), asked(world)
    session.commit()
    Handover(world.yue.membership_in(world.shanlan.id)).run(world.admin, by=world.admin)
    session.commit()
    with clock.at(NOW + timedelta(hours=25)):
        jobs.run_agreed()
    assert (approval.state, of_intern.state, world.lamp.trashed_at) == ("withdrawn", "asked", None)
    withdrawn = session.scalars(select(AuditEvent.actor_id).where(AuditEvent.action == "approval.withdrawn"))
    assert list(withdrawn) == [world.admin.id]
    decided = select(Notification.id).where(Notification.approval_id == approval.id, Notification.user == world.yue)
    assert len(session.scalars(decided).all()) == 1, "that it was agreed; not that she left"


def test_that_another_project_waits_no_more_is_the_word_of_who_asks(session, world):
    """The administrator agrees to the deletion; that another project need not wait any more is PMO's word."""
    session.add(Dependency(predecessor_id=world.fcc.id, successor_id=world.poles.id))
    session.commit()
    approval = agreed(session, world)
    with clock.at(NOW + timedelta(hours=25)):
        jobs.run_agreed()
    assert approval.state == "done"
    assert world.lamp.trashed_at


def test_a_project_that_has_come_to_hold_another_is_looked_at_again(session, world):
    approval = Approval.ask(DeleteProject.of(world.lamp), by=world.yu)
    approval.vote(True, by=world.admin)
    session.add(Dependency(predecessor_id=world.fcc.id, successor_id=world.poles.id))
    session.commit()
    with clock.at(NOW + timedelta(hours=25)):
        jobs.run_agreed()
    assert (approval.state, approval.trouble, world.lamp.trashed_at) == ("failed", "changed_since", None)


def test_one_that_breaks_does_not_hold_up_the_others(session, world, monkeypatch):
    first, second = agreed(session, world), Approval.ask(DeleteProject.of(world.tent), by=world.yue)
    session.commit()
    second.vote(True, by=world.admin)
    session.commit()
    trash = Project.trash
    monkeypatch.setattr(Project, "trash", lambda self, **by: 1 / 0 if self.key == "LAMP" else trash(self, **by))
    with clock.at(NOW + timedelta(hours=24)):
        jobs.run_agreed()
    assert (first.state, second.state) == ("agreed", "done")


# budgets


@pytest.mark.parametrize(
    ("old", "new", "currency", "needed"),
    [
        ("10000", "11000", "USD", False),
        ("10000", "11000.01", "USD", True),
        ("50000", "51000", "USD", False),
        ("50000", "51000.01", "USD", True),
        ("50000", "54000", "CNY", True),  # another currency than before
        ("10000", "9000", "USD", False),
        (None, "100", "USD", True),
        ("10000", None, "USD", False),
    ],
)
def test_when_a_budget_is_raised_by_much(session, world, old, new, currency, needed):
    world.lamp.budget = old and Decimal(old)
    assert ChangeBudget.of(world.lamp, new and Decimal(new), currency).is_needed == needed


def test_finance_decides_on_a_budget_and_the_administrator_does_not(session, world):
    world.lamp.budget = Decimal(1000)
    session.commit()
    approval = Approval.ask(ChangeBudget.of(world.lamp, Decimal(5000), "USD"), by=world.yue)
    session.commit()
    assert approval.approvers() == [world.finance]
    with pytest.raises(NotAllowed):
        approval.vote(True, by=world.admin)
    approval.vote(True, by=world.finance)
    session.commit()
    assert (world.lamp.budget, approval.state) == (Decimal(5000), "done")


def test_of_two_raises_the_second_fails(session, world):
    one = Approval.ask(ChangeBudget.of(world.lamp, Decimal(5000), "USD"), by=world.yue)
    two = Approval.ask(ChangeBudget.of(world.lamp, Decimal(9000), "USD"), by=world.yue)
    one.vote(True, by=world.finance)
    two.vote(True, by=world.finance)
    assert (world.lamp.budget, two.state, two.trouble) == (Decimal(5000), "failed", "changed_since")


# many tasks


@pytest.fixture
def many(session, world):
    for number in range(20):
        Task.create(
            world.lamp, by=world.yue, stage=world.doing, owner=world.yu, title_zh=f"第 {number} 项", due_on=october(20)
        )
    session.commit()
    return list(session.scalars(select(Task).where(Task.title_zh.startswith("第 ")).order_by(Task.id)))


def test_many_are_changed_with_the_rights_of_who_asked_and_as_they_were_seen(session, world, many):
    edit = BulkEdit(many, {"priority": "high", "due_on": october(30)}, by=world.yu)
    operation = ChangeMany.of(world.lamp, edit)
    assert operation.is_needed
    approval = Approval.ask(operation, by=world.yu)
    session.commit()
    assert len(approval.difference) == 40
    many[0].edit({"priority": "low"}, by=world.jia)
    session.commit()
    approval.vote(True, by=world.admin)
    session.commit()
    assert [task.priority for task in many] == ["low"] + ["high"] * 19
    assert many[1].due_on == october(30)
    assert {event.actor_id for event in AuditEvent.of_change(approval.change)} == {world.yu.id}


def test_nineteen_are_not_many(session, world, many):
    assert not ChangeMany.of(world.lamp, BulkEdit(many[1:], {"priority": "high"}, by=world.yu)).is_needed


def test_who_lost_the_right_changes_nothing_any_more(session, world, many):
    approval = Approval.ask(ChangeMany.of(world.lamp, BulkEdit(many, {"priority": "high"}, by=world.yu)), by=world.yu)
    world.yu.membership_in(world.shanlan.id).role = "us_partner"
    session.commit()
    approval.vote(True, by=world.admin)
    assert (approval.state, many[0].priority) == ("failed", "medium")


# what comes back


def test_a_task_comes_back_with_everything(session, world):
    before = [world.fcc.stage_id, world.fcc.position, world.fcc.comment_count, world.fcc.check_count]
    world.fcc.trash(by=world.yue)
    session.commit()
    assert list(session.scalars(Trash(world.admin).tasks())) == [world.fcc]
    world.fcc.restore(by=world.admin)
    session.commit()
    after = [world.fcc.stage_id, world.fcc.position, world.fcc.comment_count, world.fcc.check_count]
    assert (after, world.fcc.trashed_at) == (before, None)
    assert [comment.body for comment in Comment.on(world.fcc, reader=world.yu)] == ["@王蕾 报告什么时候到？"]
    assert world.fcc.successors == [world.listing] and world.listing.blocked_by() == [world.fcc]
    assert world.label_photo.ticked_by == world.lei
    history = list(session.scalars(select(AuditEvent.action).where(AuditEvent.task_id == world.fcc.id)))
    assert history[0] == "task.created" and history[-2:] == ["task.trashed", "task.restored"]


@pytest.mark.parametrize(("person", "may"), [("admin", True), ("yue", True), ("yu", True), ("jia", False)])
def test_who_may_bring_a_task_back(session, world, person, may):
    world.script.trash(by=world.admin)
    session.commit()
    assert world.script.may_be_restored_by(getattr(world, person)) == may


def test_who_threw_it_away_brings_it_back(session, world):
    world.yue.membership_in(world.shanlan.id)
    world.script.trash(by=world.jia)
    session.commit()
    assert world.script.may_be_restored_by(world.jia)
    assert not world.script.may_be_restored_by(world.intern)


def test_a_project_takes_its_tasks_along_and_brings_back_those_that_went_with_it(session, world):
    world.packing.trash(by=world.admin)
    session.commit()
    later = NOW + timedelta(minutes=5)
    with clock.at(later):
        world.lamp.trash(by=world.admin)
        session.commit()
    assert (world.script.trashed_at, world.packing.trashed_at) == (later, NOW)
    assert session.scalars(Task.visible_to(world.yu).where(Task.project_id == world.lamp.id)).all() == []
    assert session.scalars(Trash(world.yu).tasks()).all() == [], "they come back with their project"
    with pytest.raises(Overtaken):
        world.packing.restore(by=world.admin)
    revision = world.lamp.revision
    world.lamp.restore(by=world.admin)
    session.commit()
    assert (world.lamp.trashed_at, world.script.trashed_at, world.packing.trashed_at) == (None, None, NOW)
    assert world.script.revision == world.lamp.revision > revision


def test_nothing_is_added_to_a_project_in_the_trash(session, world):
    world.lamp.trash(by=world.admin)
    session.commit()
    with pytest.raises(Overtaken):
        Task.create(world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh="晚了")


def test_a_project_with_subprojects_stays(session, world):
    world.tent.parent_id = world.lamp.id
    session.flush()
    with pytest.raises(StillUsed):
        world.lamp.trash(by=world.admin)
    world.tent.trash(by=world.admin)
    world.lamp.trash(by=world.admin)


def test_a_project_that_holds_another_is_let_go_by_who_keeps_the_gates(session, world):
    world.tent.parent_id = world.lamp.id
    session.flush()
    world.poles.blocking = True
    session.add(Dependency(predecessor_id=world.poles.id, successor_id=world.listing.id))
    session.flush()
    with pytest.raises(NotAllowed):
        world.tent.trash(by=world.admin)
    world.tent.trash(by=world.yue)


# for good


def test_after_thirty_days_it_is_gone_for_good_and_the_trail_stays(session, world):
    fcc, script = world.fcc.id, world.script.id
    asked(world, "script", "yu")
    Checklist.begin("开工前", world.doing, by=world.yue)
    world.fcc.trash(by=world.yue)
    session.commit()
    with clock.at(NOW + timedelta(days=2)):
        world.lamp.trash(by=world.admin)
        session.commit()
    with clock.at(NOW + timedelta(days=30, seconds=1)):
        jobs.sweep()
        assert session.get(Task, fcc) is None
        assert session.get(Task, script) is not None
    with clock.at(NOW + timedelta(days=32, seconds=1)):
        jobs.sweep()
    assert session.scalars(select(Project.key).where(Project.workspace_id == world.shanlan.id)).all() == ["TENT"]
    assert session.get(Task, script) is None
    actions = set(session.scalars(select(AuditEvent.action).where(AuditEvent.task_id == fcc)))
    assert {"task.created", "comment.added", "task.trashed", "task.purged"} <= actions
    assert verify_audit(world.shanlan.id).fault is None
