import pytest

from linkstar.extensions import db
from linkstar.models import (
    Checklist,
    ChecklistItem,
    Evidence,
    MoveRefused,
    NotAllowed,
    Notification,
    Phase,
    Task,
    Waiver,
)
from linkstar.reports import cards
from linkstar.reports.task_filter import blocked
from tests.world import october


@pytest.fixture
def gated(session, world):
    """The ads phase waits for compliance, where the FCC report blocks."""
    world.ads.awaited = [world.compliance]
    return Task.create(
        world.lamp, by=world.yu, stage=world.to_do, owner=world.designer, phase=world.ads, title_zh="广告素材",
        due_on=october(30),
    )  # fmt: skip


def guard(stage):
    checklist = Checklist(title_zh="开工前", position=0)
    stage.checklists.append(checklist)
    item = checklist.add("预算已批", None, required=True)
    db.session.flush()
    return item


def test_a_gate_of_another_company_stops_nobody(session, world):
    guard(world.bike_to_do)
    task = Task.create(
        world.lamp, by=world.yu, stage=world.in_review, owner=world.yu, title_zh="首图", due_on=october(30)
    )
    assert task.stage is world.in_review


def test_a_phase_gate_is_not_passed_by_leaving_the_phase_in_the_same_move(session, world, gated):
    with pytest.raises(MoveRefused) as refused:
        gated.move_to(by=world.yu, to={"stage": world.done, "phase": None})
    assert refused.value.holds.blockers == [world.fcc]


def test_who_may_not_edit_the_plan_does_not_slip_out_of_a_phase_with_a_shut_gate(session, world, gated):
    with pytest.raises(NotAllowed):
        gated.move_to(by=world.designer, to={"phase": None})
    gated.move_to(by=world.yu, to={"phase": world.content})
    assert gated.phase is world.content


def test_a_list_of_a_stage_that_is_passed_on_the_way_to_work_is_frozen(session, world):
    item = guard(world.to_do)
    with pytest.raises(MoveRefused):
        world.night_hike.move_to(by=world.yu, to={"stage": world.doing})
    item.tick(by=world.yu)
    world.night_hike.move_to(by=world.yu, to={"stage": world.doing})
    [passage] = world.night_hike.gate_passages
    assert [each["text_zh"] for each in passage.items] == ["预算已批"]


def test_a_waived_blocker_does_not_show_as_one(session, world):
    def words():
        db.session.flush()
        world.listing.project.touch()
        return cards.reasons([world.listing.id], None)[0].get(world.listing.id)

    def is_blocked():
        return db.session.scalar(db.select(Task.id).where(Task.id == world.listing.id, blocked()))

    assert is_blocked() and "FCC" in words()
    waiver = Waiver.ask(world.listing, "先上架，不投放。", by=world.yu, blocker=world.fcc)
    for signer in (world.lei, world.yue):
        waiver.vote(True, by=signer)
    assert not is_blocked() and words() is None


def test_what_stands_behind_a_phase_gate_shows_it_and_its_owner_is_told_when_it_opens(session, world, gated):
    assert db.session.scalar(db.select(Task.id).where(Task.id == gated.id, blocked()))
    assert "FCC" in cards.reasons([gated.id], None)[0][gated.id]
    world.lab_report.tick(by=world.lei)
    world.fcc.move_to(by=world.lei, to={"stage": world.done})
    db.session.flush()
    told = db.select(Notification.kind).where(Notification.task_id == gated.id, Notification.user == world.designer)
    assert "unblocked" in set(db.session.scalars(told))


def test_a_phase_gate_is_left_open_by_an_item_that_is_not_ticked(session, world, gated):
    world.fcc.blocking = False
    with pytest.raises(MoveRefused) as refused:
        gated.move_to(by=world.yu, to={"stage": world.doing})
    assert [item.text_zh for item in refused.value.holds.items] == ["实验室报告原件"]
    assert isinstance(gated.phase, Phase)


def test_a_phase_is_not_held_by_an_open_item_of_a_trashed_task(session, world):
    world.fcc.blocking = False
    assert world.compliance.holds
    world.fcc.trash(by=world.yue)
    assert not world.compliance.holds
    world.fcc.restore(by=world.yue)
    world.lab_report.tick(by=world.lei)
    assert not world.compliance.holds
    world.fcc.blocking = True
    assert world.compliance.holds


def test_a_phase_of_many_tasks_is_asked_as_fast_as_one_of_few(session, world, count_queries):
    def asked():
        session.flush()
        session.expire_all()
        with count_queries() as queries:
            assert not world.content.holds
        return len(queries)

    few = asked()
    for number in range(4):
        task = Task.create(
            world.lamp, by=world.yu, stage=world.to_do, owner=world.yu, phase=world.content, title_zh=f"配图{number}"
        )
        ChecklistItem.write(task, "尺寸对", by=world.yu)
    assert asked() == few


@pytest.mark.parametrize(
    ("ticked", "kind", "valid_until", "open_"),
    [
        (False, None, None, True),
        (True, None, None, False),
        (True, "text", october(13), False),
        (True, "text", october(12), True),
        (True, None, october(12), True),
    ],
)
def test_the_database_and_the_page_agree_on_what_is_open(session, world, ticked, kind, valid_until, open_):
    item = ChecklistItem.write(world.fcc, "证书", by=world.lei, required=True, evidence_kind=kind)
    if valid_until:
        item.give(
            Evidence(workspace_id=world.shanlan.id, kind="text", value="A-1", valid_until=valid_until), by=world.lei
        )
    elif ticked:
        item.tick(by=world.lei)
    query = db.select(ChecklistItem.id).where(ChecklistItem.id == item.id, ChecklistItem.open_on(october(13)))
    assert item.is_open(october(13)) is (session.scalar(query) is not None) is open_
