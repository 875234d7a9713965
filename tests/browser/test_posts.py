"""A post is planned on the calendar, and asked about where its day is a sad one."""

from playwright.sync_api import expect

from linkstar.extensions import db
from linkstar.models import Task


def test_a_post_is_planned_for_a_day_of_remembrance_and_then_for_another(arrive, app, world):
    yue = arrive("yue")
    yue.expect("422")
    yue.go("/calendar?day=2027-06-18")
    button, box = yue.page.locator(".plan"), yue.dialog
    button.focus()
    yue.page.keyboard.press("Enter")
    expect(box.locator("h2")).to_have_text(yue.setting.says("排一条内容", "Schedule a post"))
    expect(box.locator("[name=owner_id] option")).to_have_count(1)
    box.locator("[name=project_id]").select_option(str(world.lamp.id))
    box.locator("[name=owner_id]").select_option(str(world.yu.id))
    box.locator("[name=title_zh]").fill("篝火夜短片")
    box.locator("[name=day]").fill("2027-06-19")
    box.locator("[name=time]").fill("12:00")
    expect(box.locator("#publication-meaning")).to_contain_text(yue.setting.says("六月节", "Juneteenth"))
    box.locator("[name=title_zh]").press("Enter")
    expect(box.locator("[value=publish]")).to_be_visible()
    box.locator("[value=another]").press("Enter")
    expect(box.locator("[name=day]")).to_be_focused()
    expect(box.locator("[name=owner_id]")).to_have_value(str(world.yu.id))
    box.locator("[name=day]").fill("2027-06-18")
    box.locator("[name=title_zh]").press("Enter")
    expect(yue.dialog).to_be_hidden()
    expect(yue.toast).to_contain_text("篝火夜短片")
    expect(button).to_be_focused()
    expect(yue.page.locator("[data-day='2027-06-19'] .ev", has_text="篝火夜短片").first).to_be_attached()
    with app.app_context():
        post = db.session.scalars(db.select(Task).where(Task.title_zh == "篝火夜短片")).one()
        assert post.owner_id == world.yu.id
