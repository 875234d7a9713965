"""The filter bar."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import CROSSED, USUAL, told_at


@told_at(*USUAL, *CROSSED)
def test_a_chinese_word_inside_a_title_finds_the_task_while_it_is_typed(yu, world):
    yu.open_board(world.lamp)
    search = yu.page.locator("#filters [type=search]")
    search.click()
    yu.devtools.send("Input.imeSetComposition", {"text": "jiance", "selectionStart": 6, "selectionEnd": 6})
    yu.page.wait_for_timeout(600)
    expect(yu.card(world.photos)).to_be_visible()
    yu.devtools.send("Input.insertText", {"text": "检测"})
    expect(yu.card(world.photos)).to_have_count(0)
    expect(yu.card(world.fcc)).to_have_count(1)
    expect(yu.page).to_have_url(re.compile(r"q=%E6%A3%80%E6%B5%8B"))
    expect(search).to_be_focused()
    expect(search).to_have_value("检测")


def test_a_choice_in_the_filter_bar_keeps_the_rest_and_back_takes_it_off(yu, world):
    yu.open_board(world.lamp, "?q=拍摄")
    expect(yu.page.locator("[data-cell] > .card")).to_have_count(2)
    yu.page.locator("#filters [name=owner]").select_option(str(world.designer.id))
    expect(yu.card(world.script)).to_have_count(0)
    expect(yu.card(world.photos)).to_have_count(1)
    yu.page.go_back()
    expect(yu.card(world.script)).to_have_count(1)
    yu.page.keyboard.press("j")
    expect(yu.focused).to_have_class("t")


def test_the_filter_moves_with_the_reader_from_board_to_table(yu, world, setting):
    yu.open_board(world.lamp, "?q=视频")
    yu.page.get_by_role("link", name=setting.says("表格", "Table"), exact=True).click()
    expect(yu.page.locator("tbody tr")).to_have_count(2)
    yu.page.locator("#filters [type=search]").fill("开箱")
    expect(yu.page.locator("tbody tr")).to_have_count(1)
