"""Cards move: by mouse, finger, menu and keys; and what was moved can be taken back."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete

from linkstar.extensions import db
from linkstar.models import Dependency
from tests.browser.conftest import CROSSED, Setting, told_at

DESKS = Setting("desk", "en", "postgresql"), Setting("desk", "zh", "sqlite")
PHONES = Setting("phone", "zh", "sqlite"), Setting("phone", "en", "postgresql")


@pytest.fixture
def nothing_waits(app, world):
    """Cards that no other holds back."""
    with app.app_context():
        db.session.execute(delete(Dependency))
        db.session.commit()


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, card, to, *, drop=True):
    page.mouse.move(*middle(card))
    page.mouse.down()
    x, y = middle(to)
    page.mouse.move(x, y, steps=12)
    page.mouse.move(x, y + 4, steps=4)
    page.wait_for_timeout(100)
    if drop:
        page.mouse.up()


@told_at(*DESKS)
def test_a_card_is_dragged_to_the_next_column_with_the_mouse(yu, world):
    yu.open_board(world.lamp)
    with yu.page.expect_response(re.compile(f"/tasks/{world.photos.id}/moves")) as answer:
        drag(yu.page, yu.card(world.photos), yu.card(world.script))
    assert answer.value.ok
    expect(yu.column(world.in_review).locator(".card")).to_have_count(2)
    expect(yu.page.locator(f"#head-stage-{world.in_review.id} .wip")).to_have_text("2")
    expect(yu.toast).to_be_visible()
    expect(yu.page.locator("#panel")).to_be_hidden()
    order = yu.ids_in(world.in_review)
    yu.page.reload()
    assert yu.ids_in(world.in_review) == order
    assert world.photos.stage_id == world.in_review.id


@told_at(*DESKS)
def test_a_card_dropped_where_it_was_sends_nothing_and_a_click_opens_it(yu, world):
    yu.open_board(world.lamp)
    sent = []
    yu.page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    home = middle(yu.card(world.script))
    yu.page.mouse.move(*home)
    yu.page.mouse.down()
    yu.page.mouse.move(*middle(yu.card(world.photos)), steps=8)
    yu.page.wait_for_timeout(200)
    yu.page.mouse.move(*home, steps=8)
    yu.page.wait_for_timeout(200)
    yu.page.mouse.up()
    yu.quiet()
    assert not sent
    expect(yu.page.locator("#panel")).to_be_hidden()
    yu.card(world.script).click()
    expect(yu.page.locator(f"#panel [data-panel-of='{world.script.id}']")).to_be_visible()


@told_at(*DESKS)
def test_a_refused_drag_goes_back_and_the_dialog_says_what_is_missing(yu, world, setting):
    yu.expect("422")
    yu.open_board(world.lamp)
    before = yu.ids_in(world.to_do)
    drag(yu.page, yu.card(world.packing), yu.card(world.script))
    expect(yu.dialog).to_contain_text(setting.says("截止", "due"))
    assert yu.ids_in(world.to_do) == before
    expect(yu.page.locator(f"#head-stage-{world.to_do.id} .wip")).to_have_text(str(len(before)))
    yu.check()
    yu.dialog.locator("[name=due_on]").fill("2026-10-30")
    yu.dialog.get_by_role("button", name=setting.says("现在移动", "Move now"), exact=True).click()
    expect(yu.dialog).to_have_count(0)
    expect(yu.column(world.in_review).locator(f"#task-{world.packing.id}")).to_be_visible()


@told_at(*DESKS)
def test_a_drag_without_a_line_goes_back_and_the_page_says_so(yu, world):
    yu.expect("ERR_INTERNET_DISCONNECTED")
    yu.open_board(world.lamp)
    before = yu.ids_in(world.doing)
    yu.page.context.set_offline(True)
    drag(yu.page, yu.card(world.photos), yu.card(world.script))
    expect(yu.page.locator("[data-offline]")).to_be_visible()
    assert yu.ids_in(world.doing) == before
    yu.page.context.set_offline(False)
    expect(yu.page.locator("[data-offline]")).to_be_hidden()


@told_at(*DESKS)
def test_a_drag_from_lane_to_lane_changes_what_the_lane_stands_for(yu, world):
    yu.page.set_viewport_size({"width": 1440, "height": 1800})  # or the page would scroll under the card
    yu.open_board(world.lamp, "?lanes=phase")
    lane = yu.page.locator(f"[data-lane=phase][data-phase-id='{world.ads.id}']")
    with yu.page.expect_response(re.compile("/moves")) as answer:
        drag(yu.page, yu.card(world.script), lane.locator(f"[data-cell^='stage-{world.in_review.id}']"))
    assert answer.value.ok
    expect(lane.locator(f"#task-{world.script.id}")).to_be_visible()
    assert world.script.phase_id == world.ads.id


@told_at(*PHONES)
def test_a_long_press_takes_the_card_up(yu, world, finger):
    yu.open_board(world.lamp)
    yu.page.locator(f"[data-course][href='#stage-{world.doing.id}']").click()
    hand = finger(yu)
    hand.press(yu.card(world.fcc))
    yu.page.wait_for_timeout(450)
    x, y = middle(yu.card(world.budget))
    hand.slide(x, y + 8)
    yu.page.wait_for_timeout(150)
    with yu.page.expect_response(re.compile("/moves")) as answer:
        hand.lift()
    assert answer.value.ok
    expect(yu.page.locator("#panel")).to_be_hidden()
    assert yu.ids_in(world.doing).index(world.fcc.id) == 2


@told_at(*PHONES)
def test_a_long_press_at_the_edge_reaches_the_next_column(yu, world, finger, nothing_waits):
    yu.open_board(world.lamp)
    hand = finger(yu)
    hand.press(yu.card(world.listing))
    yu.page.wait_for_timeout(450)
    hand.slide(386, 420)
    expect(yu.card(world.budget)).to_be_in_viewport()
    hand.slide(200, middle(yu.card(world.photos))[1])
    yu.page.wait_for_timeout(200)
    with yu.page.expect_response(re.compile("/moves")) as answer:
        hand.lift()
    assert answer.value.ok
    assert world.listing.stage_id == world.doing.id


@told_at(*PHONES)
def test_a_scroll_is_never_a_drag(yu, world, finger):
    yu.page.set_viewport_size({"width": 390, "height": 480})
    yu.open_board(world.lamp)
    sent = []
    yu.page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    column = yu.page.locator(f"#stage-{world.to_do.id}")
    hand = finger(yu)
    hand.press(yu.card(world.listing))
    hand.slide(hand.at[0], hand.at[1] - 150)
    hand.lift()
    yu.page.wait_for_timeout(500)
    assert column.evaluate("column => column.scrollTop") > 60
    assert not sent
    expect(yu.page.locator("#panel")).to_be_hidden()


def test_the_menu_of_a_card_moves_it_and_gives_the_focus_back(yu, world, setting, nothing_waits):
    yu.open_board(world.lamp)
    button = yu.card(world.listing).locator("[data-move]")
    button.click()
    yu.dialog.get_by_label(setting.says("进行中", "In progress")).check()
    yu.check()
    yu.dialog.locator("[name=place]").select_option("first")
    yu.dialog.get_by_role("button", name=setting.says("移动", "Move"), exact=True).click()
    expect(yu.dialog).to_have_count(0)
    expect(yu.toast).to_contain_text(setting.says("进行中", "In progress"))
    assert yu.ids_in(world.doing)[0] == world.listing.id
    expect(yu.card(world.listing).locator("a.t")).to_be_focused()


def test_escape_closes_the_menu_and_the_focus_is_where_it_was(yu, world):
    yu.open_board(world.lamp)
    button = yu.card(world.listing).locator("[data-move]")
    button.click()
    expect(yu.dialog).to_be_visible()
    yu.page.keyboard.press("Escape")
    expect(yu.dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_what_was_moved_is_taken_back(yu, world, setting):
    yu.open_board(world.lamp)
    before = yu.ids_in(world.in_review)
    yu.card(world.script).locator("a.t").focus()
    yu.page.keyboard.press("x")
    expect(yu.column(world.done).locator(f"#task-{world.script.id}")).to_have_count(1)
    if setting.screen == "phone":
        yu.toast.locator("[data-undo]").click()
    else:
        yu.page.keyboard.press("z")
    expect(yu.column(world.in_review).locator(f"#task-{world.script.id}")).to_have_count(1)
    assert yu.ids_in(world.in_review) == before
    assert world.script.completed_at is None


@told_at(Setting("desk", "en", "postgresql"), Setting("phone", "zh", "sqlite"), *CROSSED)
def test_cards_are_moved_by_keys_alone(yu, world, nothing_waits):
    yu.open_board(world.lamp)
    yu.page.keyboard.press("j")
    expect(yu.card(world.listing).locator("a.t")).to_be_focused()
    yu.page.keyboard.press("Alt+ArrowDown")
    expect(yu.column(world.to_do).locator(".card").nth(1)).to_have_id(f"task-{world.listing.id}")
    expect(yu.card(world.listing).locator("a.t")).to_be_focused()
    yu.page.keyboard.press("Alt+ArrowDown")
    expect(yu.column(world.to_do).locator(".card").nth(2)).to_have_id(f"task-{world.listing.id}")
    yu.page.keyboard.press("Alt+ArrowRight")
    expect(yu.column(world.doing).locator(f"#task-{world.listing.id}")).to_have_count(1)
    expect(yu.card(world.listing).locator("a.t")).to_be_focused()
    yu.page.keyboard.press("ArrowRight")
    expect(yu.card(world.script).locator("a.t")).to_be_focused()
    yu.page.keyboard.press("k")
    expect(yu.card(world.listing).locator("a.t")).to_be_focused()
    yu.page.keyboard.press("a")
    expect(yu.dialog.locator("[name=owner_id]")).to_be_focused()
    yu.page.keyboard.press("Escape")
    expect(yu.card(world.listing).locator("a.t")).to_be_focused()
    yu.page.keyboard.press("d")
    expect(yu.dialog.locator("[name=due_on]")).to_be_focused()


def test_the_other_keys_lead_where_they_say(yu, world, setting):
    yu.open_board(world.lamp)
    yu.page.keyboard.press("?")
    expect(yu.dialog).to_contain_text("Alt")
    yu.check()
    yu.page.keyboard.press("Escape")
    expect(yu.dialog).to_have_count(0)
    yu.page.keyboard.press("f")
    expect(yu.page.locator("#filters [type=search]")).to_be_focused()
    yu.page.keyboard.type("gmx?")
    expect(yu.page.locator("#filters [type=search]")).to_have_value("gmx?")
    yu.page.keyboard.press("Escape")
    yu.page.keyboard.press("c")
    expect(yu.dialog.locator("[name=title_zh]")).to_be_visible()
    yu.page.keyboard.press("Escape")
    expect(yu.dialog).to_have_count(0)
    yu.page.keyboard.type("gi")
    yu.page.wait_for_url("**/inbox")


def test_a_long_column_brings_its_other_cards_when_they_are_scrolled_to(yu, world, fill_column):
    fill_column(70)
    yu.open_board(world.lamp)
    yu.page.locator(f"#stage-{world.doing.id}").evaluate("column => column.scrollIntoView({inline: 'start'})")
    cards = yu.column(world.doing).locator(".card")
    expect(cards).to_have_count(30)
    for count in (60, 74):
        yu.column(world.doing).locator(".more").scroll_into_view_if_needed()
        expect(cards).to_have_count(count)
    expect(yu.column(world.doing).locator(".more")).to_have_count(0)
    positions = cards.evaluate_all("all => all.map(card => Number(card.dataset.position))")
    assert positions == sorted(positions) and len(set(positions)) == 74
    expect(yu.page.locator(f"#head-stage-{world.doing.id} .wip")).to_have_text("74")


@pytest.mark.parametrize("way", ["key", "button", "back"])
@told_at(Setting("desk", "en", "postgresql"), Setting("phone", "zh", "sqlite"))
def test_a_task_opens_beside_the_board_and_closes_again(yu, world, way):
    yu.open_board(world.lamp, "?q=视频")
    board = yu.page.url
    yu.card(world.unboxing).locator("a.t").scroll_into_view_if_needed()
    yu.card(world.unboxing).locator("a.t").click()
    expect(yu.page.locator(f"#panel [data-panel-of='{world.unboxing.id}']")).to_be_visible()
    expect(yu.page).to_have_url(f"{board}&task={world.unboxing.id}")
    yu.check()
    if way == "key":
        yu.page.keyboard.press("Escape")
    elif way == "button":
        yu.page.locator("#panel [data-close-panel]").click()
    else:
        yu.page.go_back()
    expect(yu.page.locator("#panel")).to_be_hidden()
    expect(yu.page).to_have_url(board)
    expect(yu.card(world.unboxing).locator("a.t")).to_be_focused()
    yu.page.go_forward()
    expect(yu.page.locator(f"#panel [data-panel-of='{world.unboxing.id}']")).to_be_visible()
    yu.page.reload()
    expect(yu.page.locator(f"#panel [data-panel-of='{world.unboxing.id}']")).to_be_visible()
