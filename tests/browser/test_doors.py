"""Signing in, signing out, and the two languages."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import CROSSED, USUAL, told_at


@told_at(*USUAL, *CROSSED)
def test_someone_signs_in_and_reads_in_the_language_of_the_door(arrive, setting):
    reader = arrive()
    reader.go("/login")
    expect(reader.page.locator("h1")).to_have_text(setting.says("登录联星", "Sign in to Linkstar"))
    reader.check()
    reader.sign_in("yu")
    expect(reader.page).to_have_title(re.compile(setting.says("我的工作", "My work")))


def test_a_wrong_password_is_said_at_the_form(arrive):
    reader = arrive()
    reader.expect("422", "401", "400")
    reader.go("/login")
    reader.page.locator("[name=email]").fill("ops@example.com")
    reader.page.locator("[name=password]").fill("not it")
    reader.page.locator(".door [type=submit]").click()
    expect(reader.page.locator("[role=alert]").first).to_be_visible()
    expect(reader.page.locator("[name=email]")).to_have_value("ops@example.com")


def test_the_language_is_switched_and_remembered(yu, setting, world):
    yu.open_board(world.lamp)
    if setting.screen == "phone":
        yu.page.locator("header [popovertarget=me]").click()
        yu.page.locator("#me").get_by_role("button", name=setting.says("English", "中文")).click()
    else:
        yu.page.locator(".side footer form button").first.click()
    expect(yu.page.locator("html")).to_have_attribute("lang", setting.says("en", "zh-CN"))
    yu.go("/inbox")
    expect(yu.page.locator("h1")).to_have_text(setting.says("Inbox", "收件箱"))


def test_signing_out_takes_the_drafts_off_the_device(yu, world):
    yu.go(f"/tasks/{world.photos.id}")
    yu.page.locator(".composer textarea").fill("还没写完")
    yu.page.reload()
    expect(yu.page.locator(".composer textarea")).to_have_value("还没写完")
    yu.page.locator("[popovertarget=me]:visible").click()
    yu.page.locator("#me [data-sign-out] button").click()
    yu.page.wait_for_url("**/login*")
    assert yu.page.evaluate("localStorage.length") == 0
