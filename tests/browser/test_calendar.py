"""Things are put on another day of the calendar: by mouse, by finger, by keys, and with what that pushes."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from linkstar.extensions import db
from linkstar.models import Task
from tests.browser.conftest import Setting, told_at
from tests.browser.test_cards import drag
from tests.world import october

DESKS = Setting("desk", "en", "postgresql"), Setting("desk", "zh", "sqlite")
PHONES = Setting("phone", "zh", "sqlite"), Setting("phone", "en", "postgresql")


@pytest.fixture
def yue(arrive):
    return arrive("yue")


@pytest.fixture
def listing_goes_online(app, world):
    """On 18 June 2027 at nine in the evening in Los Angeles; in Beijing that is noon of the 19th."""
    with app.app_context():
        listing = db.session.get_one(Task, world.listing.id)
        listing.edit(
            {"publish_at": datetime(2027, 6, 18, 4, tzinfo=UTC), "audience_timezone": "America/Los_Angeles"},
            by=listing.owner,
        )
        db.session.commit()


def day(reader, value):
    return reader.page.locator(f".cal [data-day='{value}']")


def item(reader, task, kind="task"):
    return reader.page.locator(f"#day-{kind}-{task.id}")


def redrawn(reader):
    """What is done in it makes the server draw the calendar anew."""
    return reader.page.expect_response(lambda answer: answer.request.method == "GET" and "/calendar" in answer.url)


def field(reader, name):
    return reader.dialog.locator(f"[name={name}]")


@told_at(*DESKS)
def test_a_task_is_dragged_to_another_day_and_what_it_pushes_is_asked(yue, world):
    yue.expect("422")
    yue.go("/calendar")
    drag(yue.page, item(yue, world.photos), day(yue, october(22)))
    expect(field(yue, "due_on")).to_have_value("2026-10-22")
    yue.page.keyboard.press("Escape")
    expect(yue.dialog).to_be_hidden()
    expect(day(yue, october(15)).locator(item(yue, world.photos))).to_be_visible()
    assert world.photos.due_on == october(15)

    drag(yue.page, item(yue, world.photos), day(yue, october(22)))
    with redrawn(yue):
        yue.dialog.locator("[type=submit]").click()
    yue.quiet()
    expect(day(yue, october(22)).locator(item(yue, world.photos))).to_be_visible()
    expect(day(yue, october(15)).locator(item(yue, world.photos))).to_have_count(0)
    assert world.photos.due_on == october(22)

    drag(yue.page, item(yue, world.fcc), day(yue, october(23)))
    expect(yue.dialog).to_contain_text(yue.setting.says("亚马逊详情页上线", "Publish the Amazon listing"))
    with redrawn(yue):
        yue.dialog.locator("[value=others]").click()
    expect(day(yue, october(23)).locator(item(yue, world.fcc))).to_be_visible()
    expect(day(yue, world.listing.due_on).locator(item(yue, world.listing))).to_be_visible()
    assert world.listing.due_on > october(23)
    yue.toast.locator("[data-undo]").click()
    expect(day(yue, october(16)).locator(item(yue, world.fcc))).to_be_visible()
    expect(yue.page).to_have_url(re.compile("/calendar$"))


@told_at(*DESKS)
def test_the_same_by_keys_alone(yue, world):
    yue.page.keyboard.press("g")
    yue.page.keyboard.press("c")
    yue.page.wait_for_url("**/calendar")
    item(yue, world.photos).locator("a.t").focus()
    for key, expected in (("ArrowRight", 16), ("ArrowLeft", 14), ("ArrowUp", 8), ("ArrowDown", 22)):
        yue.page.keyboard.press(key)
        expect(field(yue, "due_on")).to_have_value(f"2026-10-{expected:02}")
        yue.page.keyboard.press("Escape")
        expect(yue.dialog).to_be_hidden()
        expect(yue.focused).to_have_attribute("href", f"/tasks/{world.photos.id}")
    yue.page.keyboard.press("ArrowDown")
    expect(field(yue, "due_on")).to_be_visible()
    yue.page.keyboard.press("Enter")
    expect(day(yue, october(22)).locator(item(yue, world.photos))).to_be_visible()
    assert world.photos.due_on == october(22)
    expect(yue.focused).to_have_attribute("href", f"/tasks/{world.photos.id}")
    yue.page.keyboard.press("Tab")
    yue.page.keyboard.press("Enter")
    expect(field(yue, "due_on")).to_have_value("2026-10-22")


@told_at(*DESKS)
def test_a_post_that_is_dragged_to_a_day_of_remembrance_is_asked_about(yue, world, listing_goes_online):
    yue.expect("422")
    yue.go("/calendar?day=2027-06-01&zone=beijing")
    post = item(yue, world.listing, "post")
    expect(day(yue, "2027-06-18").locator(post)).to_be_visible()
    drag(yue.page, post, day(yue, "2027-06-20"))
    expect(field(yue, "day")).to_have_value("2027-06-19")  # the audience's
    yue.dialog.locator("[type=submit]").first.click()
    expect(yue.dialog).to_contain_text(yue.setting.says("六月节", "Juneteenth"))
    yue.page.keyboard.press("Escape")
    expect(day(yue, "2027-06-18").locator(post)).to_be_visible()
    assert world.listing.publish_at == datetime(2027, 6, 18, 4, tzinfo=UTC)


@told_at(*DESKS)
def test_it_turns_in_its_place_and_the_way_back_knows_it(yue, world):
    yue.go("/calendar")
    heading = yue.page.locator("#calendar h1")
    yue.page.locator("#calendar .when .icon-btn").last.click()
    expect(heading).to_have_text(yue.setting.says("2026 年 11 月", "November 2026"))
    expect(yue.page).to_have_url(re.compile("day=2026-11-01"))
    yue.page.locator("#filters .filter").first.click()
    expect(yue.page).to_have_url(re.compile("layers="))
    yue.page.locator("#filters [name=platform]").select_option("tiktok")
    expect(yue.page).to_have_url(re.compile("day=2026-11-01.*platform=tiktok|platform=tiktok.*day=2026-11-01"))
    yue.page.go_back()
    yue.page.go_back()
    yue.page.go_back()
    expect(heading).to_have_text(yue.setting.says("2026 年 10 月", "October 2026"))
    drag(yue.page, item(yue, world.photos), day(yue, october(22)))
    expect(field(yue, "due_on")).to_have_value("2026-10-22")


@told_at(*PHONES)
def test_on_a_phone_the_list_comes_first_and_a_long_press_takes_a_thing_up(yue, world, finger):
    yue.go("/calendar")
    expect(yue.page.locator(".cal")).to_be_hidden()
    entry = yue.page.locator(f"#list-task-{world.photos.id}")
    expect(entry).to_be_visible()
    entry.locator(".icon-btn").click()
    expect(field(yue, "due_on")).to_have_value("2026-10-15")
    yue.page.keyboard.press("Escape")
    expect(yue.dialog).to_be_hidden()

    entry.scroll_into_view_if_needed()
    hand = finger(yue)
    target = yue.page.locator(f".agenda [data-day='{october(16)}'] [data-items]").bounding_box()
    hand.press(entry.locator("a.t"))
    yue.page.wait_for_timeout(450)
    hand.slide(target["x"] + 40, target["y"] + target["height"] / 2)
    hand.lift()
    expect(field(yue, "due_on")).to_have_value("2026-10-16")
    with redrawn(yue):
        yue.dialog.locator("[type=submit]").click()
    expect(yue.page.locator(f".agenda [data-day='{october(16)}']").locator(entry)).to_be_visible()
    assert world.photos.due_on == october(16)
    yue.page.locator("#calendar .sides nav.only-phone a").first.click()
    expect(yue.page.locator(".cal")).to_be_visible()
    day(yue, october(16)).locator(".count").click()
    expect(yue.page.locator(f".agenda [data-day='{october(16)}']")).to_be_visible()
