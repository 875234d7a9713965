"""A project from a template: chosen, filled in, seen to be impossible, moved to a later day, made."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import InstalledPack, Project, Task


@pytest.fixture
def installed(app, world):
    with app.app_context():
        InstalledPack.install(world.shanlan, packs.pack(), by=world.admin)
        db.session.commit()


def test_a_red_plan_is_moved_to_a_later_day_and_becomes_a_board(arrive, installed, app, setting):
    yue = arrive("yue")
    yue.go("/projects/new")
    yue.page.locator("#q").fill("FCC")
    yue.page.locator("#q").press("Enter")
    expect(yue.page.locator("[data-template-id]")).to_have_count(1)
    yue.check()
    yue.page.locator("[data-template-id] a").click()
    yue.check()

    yue.page.locator(setting.says("[name=name_zh]", "[name=name_en]")).fill(setting.says("降噪耳机", "Headphones"))
    yue.page.locator("[name=word]").fill("earb")
    yue.page.locator("[name=anchor_on]").fill("2026-11-24")
    yue.page.locator("main form .actions .primary").click()

    late = yue.page.locator("li.late")
    expect(late.first).to_be_visible()
    expect(yue.page.locator("main .banner[role=alert]")).to_contain_text(setting.says("立项书", "Charter"))
    yue.check()
    later = yue.page.locator("[name=later]")
    day = later.get_attribute("value")
    later.click()
    expect(yue.page.locator("[name=anchor_on]")).to_have_value(day or "")
    expect(late).to_have_count(0)
    yue.check()

    yue.page.locator("[formaction]").dblclick()
    yue.page.wait_for_url(re.compile(r"/projects/\d+/board"))
    expect(yue.page.locator(".card").first).to_be_visible()
    yue.check()
    with app.app_context():
        project = db.session.scalars(select(Project).where(Project.key == "EARB")).one()
        tasks = db.session.scalars(select(Task).where(Task.project_id == project.id)).all()
    assert str(project.anchor_on) == day
    assert len(tasks) == 71 and all(task.due_on for task in tasks)


def test_a_leg_is_shortened_and_a_wrong_word_costs_nothing(arrive, installed):
    yue = arrive("yue")
    yue.expect("422")
    yue.go("/projects/new?q=FCC")
    yue.page.locator("[data-template-id] a").click()
    yue.page.locator("[name=name_zh]").fill("降噪耳机")
    yue.page.locator("[name=word]").fill("x")
    yue.page.locator("[name=anchor_on]").fill("2026-12-24")
    yue.page.locator("[name=anchor_on]").press("Enter")
    expect(yue.page.locator("#word-error")).to_be_visible()
    expect(yue.page.locator("[name=name_zh]")).to_have_value("降噪耳机")
    yue.check()
    yue.page.locator("[name=word]").fill("EARB")
    yue.page.locator("[name=word]").press("Enter")
    leg = yue.page.locator("[name=leg_ul_test]")
    leg.fill("20")
    leg.press("Enter")
    expect(yue.page.locator("[name=leg_ul_test]")).to_have_value("20")
    assert yue.page.url.endswith("/projects/previews"), "Enter lays the plan again and makes nothing"
    yue.check()
