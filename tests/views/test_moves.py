"""Moving a card, as the board's script, a form or a keyboard does it."""

import pytest

from linkstar.extensions import db
from linkstar.models import Task
from tests.pages import elements, ids


def board(world):
    return f"/projects/{world.lamp.id}/board"


def test_a_drag_answers_with_the_card_in_its_new_column(browse, world):
    answer = browse("yu").post(
        f"/tasks/{world.script.id}/moves", {"stage_id": world.doing.id, "before_id": world.photos.id},
        current_url=board(world),
    )  # fmt: skip
    assert answer.status_code == 200
    assert ids(answer.text, "data-task-id") == [world.script.id]
    assert (
        elements(answer.text, data_into=f"stage-{world.doing.id}")
        or f'data-into="stage-{world.doing.id}"' in answer.text
    )
    assert elements(answer.text, role="status"), "and says so, with the way back"
    assert elements(answer.text, name="change")
    assert world.script.stage_id == world.doing.id
    assert world.script.position < world.photos.position


def test_without_a_script_the_move_leads_back_to_the_board(browse, world):
    yu = browse("yu")
    answer = yu.post(f"/tasks/{world.script.id}/moves", {"stage_id": world.doing.id})
    assert (answer.status_code, answer.location) == (303, board(world))
    assert world.script.id in ids(yu.get(board(world)).text, "data-task-id")


def test_a_neighbour_that_is_gone_is_409_and_moves_nothing(browse, world):
    for neighbour in (world.packing.id, world.poles.id, world.frame.id, 999_999):
        answer = browse("yu").post(
            f"/tasks/{world.script.id}/moves", {"stage_id": world.doing.id, "before_id": neighbour},
            current_url=board(world),
        )  # fmt: skip
        assert answer.status_code == 409
        assert elements(answer.text, role="alert")
    assert world.script.stage_id == world.in_review.id


@pytest.mark.parametrize(
    "target",
    [
        {"stage_id": "tent_to_do"},
        {"stage_id": "bike_to_do"},
        {"stage_id": "0"},
        {"stage_id": "x"},
        {"stage_id": "-1"},
        {"stage_id": "9" * 30},
        {"phase_id": "bike_to_do"},
        {"owner_id": "lead"},
        {"owner_id": "jess"},
        {"platform": "ebay"},
        {"place": "sideways"},
        {"due_on": "2026-02-30"},
        {"before_id": "x"},
    ],
)
def test_a_target_that_is_not_the_projects_is_422(browse, world, target):
    ((name, value),) = target.items()
    before = world.script
    sent = {name: getattr(world, value).id if value.isidentifier() and hasattr(world, value) else value}
    answer = browse("yu").post(f"/tasks/{before.id}/moves", sent, htmx=True)
    assert answer.status_code == 422
    after = world.script
    assert (after.stage_id, after.phase_id, after.owner_id, after.position) == (
        before.stage_id, before.phase_id, before.owner_id, before.position,
    )  # fmt: skip


def test_a_missing_due_day_is_asked_for_and_taken_at_once(browse, world):
    yu = browse("yu")
    address = f"/tasks/{world.packing.id}/moves"
    refused = yu.post(address, {"stage_id": world.doing.id}, htmx=True)
    assert refused.status_code == 422
    assert elements(refused.text, name="due_on")
    taken = yu.post(address, {"stage_id": world.doing.id, "due_on": "2026-10-30"}, htmx=True)
    assert taken.status_code == 200
    assert world.packing.stage_id == world.doing.id


def test_completing_and_opening_again(browse, world):
    yu = browse("yu")
    address = f"/tasks/{world.script.id}/completion"
    assert yu.put(address, htmx=True).status_code == 200
    assert (world.script.stage_id, world.script.completed_by_id) == (world.done.id, world.yu.id)
    assert yu.delete(address, htmx=True).status_code == 200
    assert (world.script.stage_id, world.script.completed_at) == (world.doing.id, None)


def test_a_creator_moves_what_is_hers_and_gives_it_to_nobody(browse, world):
    jess = browse("jess")
    given_away = {"to": "review", "owner_id": world.yu.id, "stage_id": world.done.id}
    assert jess.post(f"/briefs/{world.unboxing.id}/moves", given_away).status_code == 303
    assert (world.unboxing.stage_id, world.unboxing.owner_id) == (world.in_review.id, world.jess.id)
    assert jess.post(f"/briefs/{world.night_hike.id}/moves", {"to": "active"}).status_code == 404


def test_a_move_costs_few_queries(browse, world, count_queries):
    yu, address = browse("yu"), f"/tasks/{world.script.id}/moves"
    target, on_board = {"stage_id": world.doing.id, "before_id": world.photos.id}, board(world)
    with count_queries() as queries:
        yu.post(address, target)
    assert len(queries) <= 14, "\n".join(queries)
    back = {"stage_id": world.in_review.id}
    with count_queries() as queries:
        yu.post(address, back, current_url=on_board)
    assert len(queries) <= 22, "\n".join(queries)


def test_the_order_is_total_after_many_moves(app, browse, world):
    yu = browse("yu")
    for number in range(6):
        for task in (world.fcc, world.photos, world.budget):
            yu.post(f"/tasks/{task.id}/moves", {"place": ("up", "first", "down", "last")[number % 4]}, htmx=True)
    with app.app_context():
        positions = list(db.session.scalars(db.select(Task.position).where(Task.project_id == world.lamp.id)))
    assert len(set(positions)) == len(positions)


def test_of_two_who_move_a_card_at_once_the_second_is_told(browse, world):
    yu, jia = browse("yu"), browse("yue")
    seen = {"from_id": world.doing.id}
    assert yu.post(f"/tasks/{world.photos.id}/moves", seen | {"stage_id": world.in_review.id}).status_code == 303
    answer = jia.post(f"/tasks/{world.photos.id}/moves", seen | {"stage_id": world.to_do.id})
    assert answer.status_code == 409
    assert world.photos.stage_id == world.in_review.id
