"""Writing: with an input method, without a line, twice, too late, to somebody; nothing typed is lost."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select

from linkstar.extensions import db
from linkstar.models import Comment, Task
from tests.browser.conftest import CROSSED, USUAL, Setting, told_at

LOST = "net::ERR"


def count(app, model, *conditions):
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model).where(*conditions))


def press_enter(devtools):
    key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "nativeVirtualKeyCode": 13, "text": "\r"}
    devtools.send("Input.dispatchKeyEvent", {"type": "keyDown", **key})
    devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})


@told_at(*USUAL, *CROSSED)
def test_enter_belongs_to_the_input_method_while_it_composes(yu, app, world):
    yu.open_board(world.lamp)
    quick = yu.page.locator(f"#stage-{world.to_do.id} .quick")
    quick.locator("summary").click()
    title = quick.locator("[name=title]")
    expect(title).to_be_focused()
    sent = []
    yu.page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    title.press_sequentially("改")
    yu.devtools.send("Input.imeSetComposition", {"text": "biao qian", "selectionStart": 9, "selectionEnd": 9})
    press_enter(yu.devtools)
    yu.quiet()
    assert not sent
    if yu.page.evaluate("document.activeElement.value") != "改":
        yu.devtools.send("Input.imeSetComposition", {"text": "", "selectionStart": 0, "selectionEnd": 0})
    title.fill("改标签")
    yu.page.keyboard.press("Enter")
    expect(yu.column(world.to_do).get_by_text("改标签")).to_be_visible()
    assert len(sent) == 1
    expect(title).to_be_focused()
    expect(title).to_have_value("")
    assert count(app, Task, Task.title_zh == "改标签") + count(app, Task, Task.title_en == "改标签") == 1


def test_a_double_click_sends_once(yu, app, world):
    yu.go(f"/tasks/{world.photos.id}")
    yu.page.locator(".composer textarea").fill("收到")
    yu.page.locator(".composer .primary").dblclick()
    expect(yu.page.locator(".trail .say")).to_have_count(1)
    yu.quiet()
    assert count(app, Comment, Comment.task_id == world.photos.id) == 1


def test_without_a_line_the_text_stays_and_is_sent_once_the_line_is_back(yu, app, world):
    yu.expect(LOST)
    yu.open_board(world.lamp, f"?task={world.photos.id}")
    text = yu.page.locator("#panel .composer textarea")
    yu.page.context.set_offline(True)
    text.fill("地铁里写的")
    yu.page.locator("#panel .composer .primary").click()
    expect(yu.page.locator(".composer [role=alert]")).to_be_visible()
    expect(yu.page.locator("[data-offline]")).to_be_visible()
    expect(text).to_have_value("地铁里写的")
    yu.check()
    yu.page.context.set_offline(False)
    expect(yu.page.locator("#panel .trail .say")).to_have_text(["地铁里写的"])
    expect(yu.page.locator("[data-offline]")).to_be_hidden()
    expect(yu.page.locator("#panel .composer textarea")).to_have_value("")
    assert count(app, Comment, Comment.task_id == world.photos.id) == 1


def test_what_arrived_without_an_answer_is_not_sent_a_second_time(yu, app, world):
    yu.expect(LOST)
    yu.go(f"/tasks/{world.photos.id}")

    def lose_the_answer(route):
        route.fetch()
        route.abort()

    yu.page.route("**/comments", lose_the_answer)
    yu.page.locator(".composer textarea").fill("只说一遍")
    yu.page.locator(".composer .primary").click()
    expect(yu.page.locator("[data-again]")).to_be_visible()
    yu.page.unroute("**/comments")
    yu.page.locator("[data-again]").click()
    expect(yu.page.locator(".trail .say")).to_have_text(["只说一遍"])
    assert count(app, Comment, Comment.task_id == world.photos.id) == 1


def test_a_broken_server_costs_no_text(yu, world):
    yu.expect("503")
    yu.open_board(world.lamp)
    quick = yu.page.locator(f"#stage-{world.to_do.id} .quick")
    quick.locator("summary").click()
    quick.locator("[name=title]").fill("新的包装")
    yu.page.route("**/tasks", lambda route: route.fulfill(status=503, body=""))
    yu.page.keyboard.press("Enter")
    expect(quick.locator("[role=alert]")).to_be_visible()
    expect(quick.locator("[name=title]")).to_have_value("新的包装")
    yu.page.unroute("**/tasks")
    quick.locator("[data-again]").click()
    expect(yu.column(world.to_do).get_by_text("新的包装")).to_be_visible()
    expect(quick.locator("[role=alert]")).to_have_count(0)


def test_two_who_change_one_task_lose_nothing(yu, arrive, world, setting):
    yu.expect("409")
    edit = f"/tasks/{world.budget.id}"
    yu.open_board(world.lamp, f"?task={world.budget.id}")
    yu.page.locator("#panel [data-key=e]").click()
    yu.page.locator("#panel [name=title_zh]").fill("首批广告预算表 v2")
    yu.page.locator("#panel [name=brief_zh]").fill("先小后大。")

    jia = arrive("jia")
    jia.go(edit + "/edit")
    jia.page.locator("[name=title_zh]").fill("广告预算 $5,000")
    jia.page.locator("form.doc .primary").click()
    expect(jia.page.locator("#task-title")).to_have_text("广告预算 $5,000")

    yu.page.locator("#panel form.doc .primary").click()
    expect(yu.page.locator("#panel [data-merge] [role=alert]")).to_contain_text("何佳")
    yu.check()
    theirs = yu.page.locator("#panel .conflict [data-take=title_zh]").first
    theirs.click()
    expect(theirs).to_have_attribute("aria-pressed", "true")
    expect(yu.page.locator("#panel [name=title_zh]")).to_have_value("广告预算 $5,000")
    yu.page.locator("#panel form.doc .primary").click()
    expect(yu.page.locator("#panel .prose").first).to_have_text("先小后大。")
    expect(yu.card(world.budget)).to_contain_text("广告预算 $5,000")
    assert world.budget.title_zh == "广告预算 $5,000" and world.budget.brief_zh == "先小后大。"


def test_an_unsaved_edit_is_there_again_until_it_is_saved_or_dropped(yu, world):
    edit = f"/tasks/{world.photos.id}/edit"
    yu.go(edit)
    brief = yu.page.locator("[name=brief_zh]")
    brief.fill("白底，45 度。")
    yu.page.reload()
    expect(brief).to_have_value("白底，45 度。")
    yu.page.locator("[data-drop-draft]").click()
    expect(yu.page.locator("article.doc")).to_be_visible()
    yu.go(edit)
    expect(brief).to_have_value("")


def test_a_new_project_that_was_made_leaves_no_draft(yu):
    yu.go("/projects/new?blank=1")
    yu.page.locator("[name=name_zh]").fill("露营椅")
    yu.page.locator("[name=code]").fill("US-AMZ-27Q1-CHAIR-001")
    yu.page.locator("[name=key]").fill("CHAIR")
    yu.page.locator("main form .primary").click()
    yu.page.wait_for_url(re.compile("/board"))
    yu.go("/projects/new?blank=1")
    expect(yu.page.locator("[name=name_zh]")).to_have_value("")


@pytest.mark.parametrize("how", ["enter", "click"])
def test_an_at_sign_offers_people_by_any_part_of_their_name(yu, world, how):
    yu.go(f"/tasks/{world.photos.id}")
    text = yu.page.locator(".composer textarea")
    text.press_sequentially("请看一下，@")
    people = yu.page.locator("[role=listbox]")
    expect(people).to_be_visible()
    yu.devtools.send("Input.insertText", {"text": "思"})
    expect(people.locator("[role=option]:visible")).to_have_text(["陈思远"])
    yu.check()
    if how == "enter":
        yu.page.keyboard.press("Enter")
    else:
        people.locator("[role=option]:visible").click()
    expect(text).to_have_value("请看一下，@陈思远 ")
    expect(people).to_be_hidden()
    text.press_sequentially("a@")
    expect(people).to_be_hidden()


@told_at(Setting("desk", "en", "postgresql"), Setting("phone", "zh", "sqlite"))
def test_a_toast_goes_after_ten_seconds_but_not_while_it_is_pointed_at(yu, world):
    yu.page.clock.install()
    yu.open_board(world.lamp)
    yu.card(world.script).locator("a.t").focus()
    yu.page.keyboard.press("x")
    expect(yu.toast).to_be_visible()
    yu.toast.locator("[data-undo]").focus()
    yu.page.clock.fast_forward(15_000)
    expect(yu.toast).to_be_visible()
    yu.page.evaluate("document.activeElement.blur()")
    yu.page.clock.fast_forward(2_000)
    expect(yu.toast).to_have_count(0)


def test_chosen_rows_are_counted_and_changed_together(yu, world, setting):
    yu.go(f"/projects/{world.lamp.id}/table")
    bar = yu.page.locator(".bulk")
    expect(bar).to_be_hidden()
    boxes = yu.page.locator("[name=task_id]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(bar.locator("[data-chosen]")).to_contain_text("2")
    assert yu.page.locator("[data-all]").evaluate("box => box.indeterminate")
    yu.check()
    yu.page.locator("[data-all]").check()
    expect(bar.locator("[data-chosen]")).to_contain_text(str(boxes.count()))
    bar.locator(".primary").click()
    expect(yu.page.locator("main form")).to_be_visible()
