"""One order through the whole project, however tasks are moved about in it."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from linkstar.extensions import db
from linkstar.models import AuditEvent, MoveRefused, Notification, PositionGone, Project, Task
from tests.world import october


def order(*stages):
    """The titles in a column, from top to bottom."""
    query = select(Task.title_zh).where(Task.stage_id.in_([stage.id for stage in stages]), Task.trashed_at.is_(None))
    return list(db.session.scalars(query.order_by(Task.position)))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"before": "photos"}, ["检测", "脚本", "主图", "预算", "开箱"]),
        ({"after": "photos"}, ["检测", "主图", "脚本", "预算", "开箱"]),
        ({"place": "first"}, ["脚本", "检测", "主图", "预算", "开箱"]),
        ({"place": "last"}, ["检测", "主图", "预算", "开箱", "脚本"]),
        ({}, ["检测", "主图", "预算", "开箱", "脚本"]),
    ],
)
def test_a_task_arrives_where_it_was_put(session, world, where, expected):
    neighbours = {name: getattr(world, value).id for name, value in where.items() if name != "place"}
    place = where.get("place")
    world.script.move_to(by=world.yu, to={"stage": world.doing}, place=place, **neighbours)
    shown = order(world.doing)
    assert all(short in title for short, title in zip(expected, shown, strict=True)), shown
    assert world.script.stage is world.doing


def test_up_and_down_pass_one_neighbour_of_the_same_column(session, world):
    before = order(world.doing)
    world.budget.move_to(by=world.yu, to={}, place="up")
    assert order(world.doing) == [before[0], before[2], before[1], before[3]]
    world.budget.move_to(by=world.yu, to={}, place="down")
    assert order(world.doing) == before
    world.fcc.move_to(by=world.yu, to={}, place="up")
    world.unboxing.move_to(by=world.yu, to={}, place="down")
    assert order(world.doing) == before


def test_a_neighbour_that_went_to_another_column_marks_no_place(session, world):
    world.photos.move_to(by=world.yu, to={"stage": world.in_review})
    with pytest.raises(PositionGone):
        world.script.move_to(by=world.yu, to={"stage": world.doing}, before=world.photos.id)


def test_a_task_of_another_project_marks_no_place(session, world):
    with pytest.raises(PositionGone):
        world.script.move_to(by=world.yu, to={}, before=world.frame.id)


def test_a_trashed_task_is_not_moved_and_marks_no_place(session, world):
    world.photos.trash(by=world.yu)
    with pytest.raises(PositionGone):
        world.script.move_to(by=world.yu, to={"stage": world.doing}, after=world.photos.id)
    with pytest.raises(PositionGone):
        world.photos.move_to(by=world.yu, to={"stage": world.to_do})


def test_work_does_not_begin_without_a_due_day(session, world):
    with pytest.raises(MoveRefused) as refusal:
        world.packing.move_to(by=world.yu, to={"stage": world.doing})
    assert refusal.value.holds.due_on


def test_the_done_stage_is_what_being_completed_means(session, world):
    world.photos.move_to(by=world.yu, to={"stage": world.done})
    assert (world.photos.completed_at is not None, world.photos.completed_by_id) == (True, world.yu.id)
    world.photos.move_to(by=world.yu, to={"stage": world.doing})
    assert (world.photos.completed_at, world.photos.completed_by_id) == (None, None)


def test_the_cards_of_linked_tasks_are_drawn_anew_when_a_task_is_done(session, world):
    before = world.listing.revision
    world.lab_report.tick(by=world.lei)
    world.fcc.move_to(by=world.yu, to={"stage": world.done})
    assert world.listing.revision > before


def test_the_new_owner_hears_of_it_the_mover_does_not(session, world):
    world.script.move_to(by=world.yu, to={"owner": world.jia})
    world.script.move_to(by=world.yu, to={"owner": world.yu})
    session.flush()
    told = select(Notification).where(Notification.task_id == world.script.id).order_by(Notification.id)
    assert [notice.user for notice in session.scalars(told)] == [
        world.yu,
        world.jia,
    ]  # the first is of the task's first day


def test_the_trail_keeps_where_it_stood_and_where_it_stands(session, world):
    old, change = world.script.position, world.script.move_to(by=world.yu, to={"stage": world.doing})
    (event,) = AuditEvent.of_change(change)
    assert event.changes["stage_id"] == [world.in_review.id, world.doing.id]
    assert event.changes["position"] == [old, world.script.position]
    assert "owner_id" not in event.changes


def test_twenty_five_insertions_at_one_spot_keep_the_order(session, world):
    """More than fit between two neighbours, so that the project is numbered anew on the way."""
    expected = [world.fcc.id, world.photos.id]
    for number in range(25):
        task = Task.create(
            world.lamp, by=world.yu, stage=world.doing, owner=world.yu, title_zh=f"第{number}项", due_on=october(20)
        )
        task.move_to(by=world.yu, to={}, after=world.fcc.id)
        expected.insert(1, task.id)
    rows = session.execute(
        select(Task.id, Task.position).where(Task.project_id == world.lamp.id).order_by(Task.position)
    ).all()
    found = [row.id for row in rows]
    assert found[: len(expected)] == expected
    assert all(low.position < high.position for low, high in pairwise(rows))
    assert max(row.position for row in rows) < 1 << 40, "the rows have come down again"


def test_numbering_anew_tells_open_boards_of_every_card(session, world):
    before = world.lamp.revision
    world.script._number_anew()
    world.script.redraw()
    assert world.lamp.revision > before


MOVES = st.lists(
    st.tuples(
        st.sampled_from(("fcc", "photos", "budget", "unboxing", "script", "sample", "listing", "night_hike")),
        st.sampled_from(("to_do", "doing", "in_review", "done")),
        st.sampled_from(("first", "last", "up", "down", "before fcc", "after script", None)),
    ),
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_whatever_is_moved_the_order_stays_total(session, world, moves):
    total = len(order(world.to_do, world.doing, world.in_review, world.done))
    for name, stage, where in moves:
        word, _, neighbour = (where or "").partition(" ")
        options = {word: getattr(world, neighbour).id} if neighbour else {"place": where}
        try:
            getattr(world, name).move_to(by=world.yu, to={"stage": getattr(world, stage)}, **options)
        except (PositionGone, MoveRefused):
            session.rollback()
    session.flush()
    positions = list(session.scalars(select(Task.position).where(Task.project_id == world.lamp.id)))
    assert len(set(positions)) == len(positions) == total
    session.rollback()


def test_each_change_of_a_project_has_its_own_revision(session, world):
    revisions = [world.lamp.touch() for _ in range(3)]
    assert revisions == sorted(set(revisions))
    assert session.get_one(Project, world.lamp.id).revision == revisions[-1]
