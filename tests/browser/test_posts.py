"""A post is planned on the calendar, and asked about where its day is a sad one."""

from playwright.sync_api import expect

from linkstar.extensions import db
from linkstar.models import Task
from tests.world import october


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


def test_a_post_that_is_too_much_work_is_not_saved_with_the_title_of_another_draft(arrive, app, world):
    with app.app_context():
        for number in range(9):
            Task.create(
                world.lamp, by=world.yue, stage=world.to_do, owner=world.yu, title_zh=f"包装 {number}",
                due_on=october(16), start_on=october(16), estimate=4,
            )  # fmt: skip
        db.session.commit()
    yue = arrive("yue")
    yue.expect("422")
    yue.go(f"/projects/{world.lamp.id}/tasks/new")
    yue.page.locator("[name=title_en]").fill("Not sent yet")
    yue.go("/calendar?day=2026-10-16")
    yue.page.locator(".plan").click()
    yue.dialog.locator("[name=project_id]").select_option(str(world.lamp.id))
    yue.dialog.locator("[name=owner_id]").select_option(str(world.yu.id))
    yue.dialog.locator("[name=title_zh]").fill("篝火夜短片")
    yue.dialog.locator("[name=day]").fill("2026-10-16")
    yue.dialog.locator("[name=title_zh]").press("Enter")
    yue.dialog.locator("footer [name=owner_id]").click()
    expect(yue.toast).to_contain_text("篝火夜短片")
    drafts = "Object.keys(localStorage).filter(name => name.startsWith('draft:')).map(name => name.split(':').at(-1))"
    assert yue.page.evaluate(drafts) == [f"new-task-{world.lamp.id}"], "what has arrived is forgotten, and only that"
    with app.app_context():
        post = db.session.scalars(db.select(Task).where(Task.title_zh == "篝火夜短片")).one()
        assert not post.title_en
