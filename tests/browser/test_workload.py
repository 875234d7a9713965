"""The fifth packaging for one designer is asked about, and given to a colleague who has time."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import or_, select

from linkstar.extensions import db
from linkstar.models import Membership, Task, User
from tests.browser.conftest import CROSSED, told_at
from tests.world import CHEAP, PASSWORD, october


@pytest.fixture
def packaging(app, world):
    """陈思远 has four packagings in one week; 沈一诺 is a designer, too."""
    with app.app_context():
        nuo = User(name="沈一诺", email="nuo@example.com", password_hash=CHEAP.hash(PASSWORD))
        db.session.add(Membership(workspace=world.shanlan, user=nuo, role="design"))
        db.session.flush()
        db.session.refresh(nuo)
        world.lamp.add_member(nuo, by=world.yue)
        for number in range(4):
            Task.create(
                world.lamp, by=world.yue, stage=world.to_do, owner=world.designer, title_zh=f"包装 {number + 1}",
                start_on=october(19), due_on=october(21),
            )  # fmt: skip
        db.session.commit()


def owner_of(app, title):
    with app.app_context():
        task = db.session.scalars(select(Task).where(or_(Task.title_zh == title, Task.title_en == title))).one_or_none()
        return task and task.owner.name


def choose(reader, words):
    """By the arrows, in the list that has the focus."""
    chosen = "select => select.selectedOptions[0].textContent.trim()"
    for key in ["Home", *["ArrowDown"] * 20]:
        reader.page.keyboard.press(key)
        if reader.focused.evaluate(chosen) == words:
            return
    raise AssertionError(f"{words} cannot be chosen")


def press(reader, words, of="textContent"):
    """The next button or link by Tab that says this."""
    for _key in range(40):
        reader.page.keyboard.press("Tab")
        said = "(element, of) => element.getAttribute(of) || element[of] || ''"
        if reader.focused.count() and words in reader.focused.evaluate(said, of):
            return reader.page.keyboard.press("Enter")
    raise AssertionError(f"{words} is not reached")


@told_at(*CROSSED)
def test_the_fifth_packaging_goes_to_a_colleague_who_has_time(arrive, app, world, setting, packaging):
    yue = arrive("yue")
    yue.expect("422")
    yue.go(f"/tasks/{world.packing.id}/edit")
    yue.page.locator("[name=owner_id]").select_option(str(world.designer.id))
    yue.page.locator("[name=start_on]").fill("2026-10-19")
    yue.page.locator("[name=due_on]").fill("2026-10-21")
    yue.page.locator("form.doc [type=submit]").click()
    expect(yue.dialog).to_contain_text("陈思远")
    expect(yue.dialog).to_contain_text("30")
    expect(yue.dialog).to_contain_text("包装 4")
    yue.check()
    assert owner_of(app, "包装说明书改稿") == "唐小米", "nothing is saved yet"
    yue.dialog.get_by_role("button", name="沈一诺").click()
    expect(yue.toast).to_be_visible()
    expect(yue.dialog).to_have_count(0)
    expect(yue.page.locator("#task-panel")).to_contain_text("沈一诺")
    assert owner_of(app, "包装说明书改稿") == "沈一诺"
    yue.check()


@told_at(*CROSSED)
def test_the_same_by_keyboard_alone_from_the_card_to_the_heat_map(arrive, app, world, setting, packaging):
    yue = arrive("yue")
    yue.expect("422")
    keys = yue.page.keyboard
    yue.open_board(world.lamp)
    yue.card(world.listing).locator("a.t").focus()
    keys.press("a")
    expect(yue.focused).to_have_attribute("name", "owner_id")
    choose(yue, "陈思远")
    with yue.page.expect_response(re.compile("/moves$")) as answer:
        press(yue, setting.says("移动", "Move"))
    assert answer.value.status == 422
    expect(yue.focused).to_contain_text("陈思远")
    press(yue, "沈一诺")
    expect(yue.toast).to_be_visible()
    expect(yue.dialog).to_have_count(0)
    assert owner_of(app, "亚马逊详情页上线") == "沈一诺"

    yue.go("/workload")
    cell = yue.page.locator(f".heat a[href*='person={world.designer.id}&on=2026-10-19']")
    cell.focus()
    keys.press("Enter")
    expect(yue.focused).to_have_id("opened-title")
    expect(yue.page.locator("#opened")).to_contain_text("包装 1")
    expect(cell).to_have_attribute("aria-current", "true")
    yue.check()
    keys.press("Tab")
    press(yue, "包装 1", of="aria-label")
    expect(yue.dialog).to_be_visible()
    while yue.focused.get_attribute("name") != "owner_id":
        keys.press("Tab")
    choose(yue, "沈一诺")
    press(yue, setting.says("移动", "Move"))
    expect(yue.toast).to_be_visible()
    expect(yue.page.locator("#opened")).not_to_contain_text("包装 1")
    assert owner_of(app, "包装 1") == "沈一诺"


def test_a_quick_task_too_many_is_asked_about_and_leaves_its_line_empty(arrive, app, world, setting, packaging):
    with app.app_context():
        for task in db.session.scalars(select(Task).where(Task.title_zh.startswith("包装 "))):
            task.edit({"owner_id": world.yue.id}, by=world.yue)
        db.session.commit()
    yue = arrive("yue")
    yue.expect("422")
    yue.open_board(world.lamp)
    column = yue.column(world.doing).locator("xpath=ancestor-or-self::*[contains(@class, 'col')][1]")
    column.locator("summary.add").click()
    column.locator("[name=title]").fill("再来一件")
    column.locator("[name=due_on]").fill("2026-10-21")
    column.locator("[name=title]").press("Enter")
    expect(yue.dialog).to_contain_text("周越")
    yue.check()
    yue.dialog.locator("footer [type=submit]").click()
    expect(yue.toast).to_be_visible()
    expect(yue.dialog).to_have_count(0)
    expect(column.locator("[name=title]")).to_have_value("")
    assert owner_of(app, "再来一件") == "周越"
