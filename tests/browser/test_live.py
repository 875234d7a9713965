"""Two people at one board: each sees within two seconds what the other did, and is not disturbed by it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Setting, told_at
from tests.browser.test_cards import drag, middle

SOON = 3_000  # two seconds between two looks, and a slow machine
DESK = Setting("desk", "en", "postgresql")


@pytest.fixture
def jia(arrive, yu, world):
    reader = arrive("jia")
    reader.open_board(world.lamp)
    return reader


def complete(reader, task):
    reader.card(task).locator("a.t").focus()
    with reader.page.expect_response(re.compile("/completion")):
        reader.page.keyboard.press("x")


def board_scroll(reader):
    """Where the board stands; on a phone each column scrolls by itself, and keeps what is looked at in its place."""
    return reader.page.locator(".board").evaluate("board => [board.scrollLeft, board.scrollTop]")


def test_what_one_does_the_other_sees(yu, jia, world):
    yu.open_board(world.lamp)
    complete(jia, world.budget)
    expect(yu.column(world.done).locator(f"#task-{world.budget.id}")).to_have_count(1, timeout=SOON)
    expect(yu.page.locator(f"#head-stage-{world.done.id} .wip")).to_have_text("2")
    expect(yu.column(world.doing).locator(f"#task-{world.budget.id}")).to_have_count(0)
    expect(yu.toast).to_have_count(0)


@told_at(DESK, DESK._replace(language="zh", database="sqlite"))
def test_a_drag_goes_on_while_others_work(yu, jia, world):
    yu.open_board(world.lamp)
    drag(yu.page, yu.card(world.photos), yu.card(world.script), drop=False)
    complete(jia, world.budget)
    yu.page.wait_for_timeout(SOON)
    assert yu.page.evaluate("Sortable.dragged.id") == f"task-{world.photos.id}"
    expect(yu.column(world.doing).locator(f"#task-{world.budget.id}")).to_have_count(1)
    with yu.page.expect_response(re.compile("/moves")) as answer:
        yu.page.mouse.up()
    assert answer.value.ok
    expect(yu.column(world.in_review).locator(f"#task-{world.photos.id}")).to_have_count(1)
    expect(yu.column(world.done).locator(f"#task-{world.budget.id}")).to_have_count(1, timeout=SOON)
    expect(jia.column(world.in_review).locator(f"#task-{world.photos.id}")).to_have_count(1, timeout=SOON)


@told_at(DESK, DESK._replace(language="zh", database="sqlite"))
def test_news_that_arrive_during_a_drag_wait_for_its_end(yu, jia, world):
    yu.open_board(world.lamp)
    held = []
    yu.page.route("**/changes*", lambda route: held.append(route), times=1)
    yu.page.wait_for_timeout(SOON)
    complete(jia, world.budget)
    drag(yu.page, yu.card(world.photos), yu.card(world.script), drop=False)
    with yu.page.expect_response(re.compile("/changes")):
        held[0].continue_()
    yu.quiet()
    assert yu.page.evaluate("Sortable.dragged.id") == f"task-{world.photos.id}"
    expect(yu.column(world.doing).locator(f"#task-{world.budget.id}")).to_have_count(1)
    yu.page.mouse.up()
    expect(yu.column(world.done).locator(f"#task-{world.budget.id}")).to_have_count(1)
    expect(yu.column(world.in_review).locator(f"#task-{world.photos.id}")).to_have_count(1)


def test_an_open_dialog_and_what_is_typed_in_it_stay(yu, jia, world):
    yu.open_board(world.lamp)
    yu.card(world.listing).locator("[data-move]").click()
    due = yu.dialog.locator("[name=due_on]")
    due.fill("2026-10-28")
    due.focus()
    complete(jia, world.budget)
    expect(yu.column(world.done).locator(f"#task-{world.budget.id}")).to_have_count(1, timeout=SOON)
    expect(due).to_be_focused()
    expect(due).to_have_value("2026-10-28")


def test_a_half_written_comment_and_the_focus_stay_when_the_open_task_changes(yu, jia, world):
    yu.open_board(world.lamp, f"?task={world.budget.id}")
    text = yu.page.locator("#panel .composer textarea")
    text.fill("差一点")
    complete(jia, world.budget)
    expect(yu.page.locator("#panel dd").first).not_to_have_text(re.compile("进行中|In progress"), timeout=SOON)
    expect(text).to_be_focused()
    expect(text).to_have_value("差一点")


def test_what_is_looked_at_stays_where_it_is(yu, jia, world, fill_column):
    fill_column(20)
    yu.page.set_viewport_size({"width": yu.page.viewport_size["width"], "height": 480})
    yu.open_board(world.lamp)
    yu.page.locator(f"#stage-{world.doing.id}").evaluate("column => column.scrollIntoView({inline: 'start'})")
    yu.card(world.unboxing).evaluate("card => card.scrollIntoView({block: 'center'})")
    yu.card(world.unboxing).locator("a.t").focus()
    place, scrolled = middle(yu.card(world.unboxing)), board_scroll(yu)
    complete(jia, world.budget)
    expect(yu.column(world.done).locator(f"#task-{world.budget.id}")).to_have_count(1, timeout=SOON)
    if yu.setting.screen == "phone":
        assert middle(yu.card(world.unboxing)) == pytest.approx(place, abs=2)
    assert board_scroll(yu) == scrolled
    expect(yu.card(world.unboxing).locator("a.t")).to_be_focused()


def test_a_new_lane_comes_with_the_page_loaded_once_more(yu, jia, world):
    yu.open_board(world.lamp, "?lanes=owner")
    lane = yu.page.locator(f"[data-lane=owner][data-owner-id='{world.maya.id}']")
    expect(lane).to_have_count(0)
    loads = []
    yu.page.on("load", lambda page: loads.append(page.url))
    jia.card(world.budget).locator("a.t").focus()
    jia.page.keyboard.press("a")
    jia.dialog.locator("[name=owner_id]").select_option(str(world.maya.id))
    jia.dialog.locator("footer .primary").click()
    expect(lane.locator(f"#task-{world.budget.id}")).to_have_count(1, timeout=SOON + 2_000)
    yu.page.wait_for_timeout(SOON)
    assert len(loads) == 1


@told_at(DESK)
def test_a_page_that_nobody_sees_asks_nothing(yu, world):
    yu.open_board(world.lamp)
    asked = []
    yu.page.on("request", lambda request: "/changes" in request.url and asked.append(request.url))
    hide = "Object.defineProperty(document, 'hidden', {get: () => window.away, configurable: true})"
    yu.page.evaluate(f"() => {{ window.away = true; {hide} }}")
    yu.page.wait_for_timeout(SOON)
    assert not asked
    with yu.page.expect_request(re.compile("/changes"), timeout=1_000):
        yu.page.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')) }")
