"""An automation is put together from lists, rehearsed, switched on, and what it did is read."""

import re

from playwright.sync_api import expect

from linkstar import jobs
from linkstar.extensions import db
from linkstar.models import Automation, Task


def chosen(reader, name, value):
    """The rows are drawn anew after it."""
    with reader.page.expect_response(lambda answer: answer.request.method == "POST"):
        reader.page.locator(f"[name={name}]").select_option(value)
    expect(reader.page.locator(f"[name={name}]")).to_have_value(value)


def pressed(reader, words):
    with reader.page.expect_response(lambda answer: answer.request.method == "POST"):
        reader.page.locator(words).click()


def test_an_automation_is_built_rehearsed_switched_on_and_read(arrive, world, app):
    with app.app_context():
        world.lab_report.tick(by=world.lei)
        world.fcc.move_to(by=world.lei, to={"stage": world.in_review})
        db.session.commit()
    yue = arrive("yue")
    says = yue.setting.says
    yue.expect("422")
    yue.go("/automations")
    yue.page.locator(".btn.primary").first.click()
    yue.page.locator("[name=name]").fill("过关之后")
    chosen(yue, "trigger-kind", "gate")
    pressed(yue, "#add-condition")
    expect(yue.page.locator("[name=conditions-0-kind]")).to_be_focused()
    chosen(yue, "conditions-0-kind", "title")
    pressed(yue, "#add-condition")
    chosen(yue, "conditions-1-kind", "priority")
    yue.page.locator("[name=conditions-1-choice]").select_option("urgent")
    pressed(yue, "[value='remove:conditions:0']")
    expect(yue.page.locator("#add-condition")).to_be_focused()
    expect(yue.page.locator("[name=conditions-1-choice]")).to_have_value("urgent")
    chosen(yue, "actions-0-kind", "create")
    yue.page.locator("[name=actions-0-choice]").select_option("role:ops")
    yue.page.locator(".btn.primary[value=save]").click()
    expect(yue.page.locator(".error")).to_contain_text(says("中文或英文标题至少写一个", "Write a title"))
    expect(yue.page.locator("[name=name]")).to_have_value("过关之后")
    yue.page.locator("[name=actions-0-text]").fill("写详情页")
    yue.page.locator("[name=actions-0-days]").fill("3")
    yue.check()

    yue.page.locator("[value=rehearse]").click()
    expect(yue.page.locator("#rehearsal li")).to_have_count(1)
    expect(yue.page.locator("#rehearsal")).to_contain_text(says("FCC检测报告终稿", "Final FCC test report"))
    yue.check()
    with app.app_context():
        assert not db.session.scalars(db.select(Automation)).all()
        assert not db.session.scalars(db.select(Task).where(Task.title_zh == "写详情页")).all()

    yue.page.locator(".btn.primary[value=save]").click()
    yue.page.wait_for_url(re.compile(r"/automations/\d+$"))
    yue.page.locator("form[action*=activity] button").click()
    expect(yue.page.locator(".chip.pass")).to_be_visible()
    with app.app_context():
        world.supplier_mail.tick(by=world.lei)  # another gate is passed than before
        world.fcc.move_to(by=world.lei, to={"stage": world.doing})
        world.fcc.move_to(by=world.lei, to={"stage": world.done})
        db.session.commit()
        jobs.hear()
        assert db.session.scalars(db.select(Task.title_zh).where(Task.title_zh == "写详情页")).all() == ["写详情页"]
    yue.page.reload()
    expect(yue.page.locator("[data-run]")).to_have_count(1)
    expect(yue.page.locator("[data-run]")).to_contain_text(says("FCC检测报告终稿", "Final FCC test report"))
    yue.check()
    yue.go("/automations")
    expect(yue.page.locator("[data-automation]")).to_contain_text("写详情页")
