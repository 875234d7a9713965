"""A takedown is rehearsed and nobody takes it up; then a real one stops the ads until it is closed with a note."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import Emergency, Membership, User
from tests.browser.conftest import CROSSED, USUAL, told_at
from tests.browser.test_engine import pull
from tests.world import NOW


@pytest.fixture
def deputy(app, world):
    with app.app_context():
        person = User(name="郑律", email="zheng@example.com")
        db.session.add(Membership(workspace=world.shanlan, user=person, role="legal"))
        db.session.commit()
        return person.id


def declare(reader, project, title, *, drill):
    """From the project's page to the page of the emergency; its path."""
    reader.open_board(project)
    reader.page.get_by_role("button", name=reader.setting.says("关于此项目的更多操作", "More about this project")).or_(
        reader.page.locator("[popovertarget=project-menu]")
    ).first.click()
    reader.page.locator("#project-menu a[href^='/emergencies/new']").click()
    reader.page.locator("[name=title]").fill(title)
    reader.page.locator("[name=severity][value=s2]").check()
    if drill:
        reader.page.locator("[name=drill]").check()
    reader.check()
    reader.page.locator("form[action^='/emergencies?project='] [type=submit]").click()
    expect(reader.page.locator("h1")).to_have_text(title)
    return reader.page.url.removeprefix(reader.address)


@told_at(*USUAL, *CROSSED)
def test_a_takedown_is_rehearsed_and_then_it_is_real(arrive, app, world, setting, deputy):
    yu = arrive("yu")
    where = declare(yu, world.lamp, "B0DRILL", drill=True)
    told = yu.page.locator("#emergency-clock li")
    expect(told).to_have_count(3)
    expect(told.first).to_contain_text("王蕾")
    yu.check()

    lei = arrive("lei")
    expect(lei.page.locator(".alarm")).to_have_count(0)
    lei.go("/inbox")
    expect(lei.page.locator("[data-notification-id]").first).to_be_visible()
    lei.go(where)
    expect(lei.page.locator("form[action$='/acknowledgement'] button")).to_be_visible()
    with clock.at(NOW + timedelta(minutes=31)):
        with app.app_context():
            jobs.escalate()
        yu.go(where)
        expect(yu.page.locator(f"#emergency-clock [data-told='{deputy}']")).to_be_visible()
        expect(yu.page.locator("#emergency-clock .banner.stop")).to_be_visible()
        yu.check()
        lei.page.locator("form[action$='/acknowledgement'] button").click()
        expect(lei.page.locator("#emergency-clock")).to_contain_text(
            setting.says("王蕾", "王蕾 took it up after 31 min")
        )
    lei.check()

    jia = arrive("jia")
    jia.open_board(world.lamp)
    pull(jia, jia.card(world.budget), jia.card(world.script))
    expect(jia.dialog).to_have_count(0)
    expect(jia.column(world.in_review).locator(f"#task-{world.budget.id}")).to_have_count(1)
    jia.page.locator("#flash form button").first.click()  # a drill holds nothing; back again
    expect(jia.column(world.doing).locator(f"#task-{world.budget.id}")).to_have_count(1)

    jia.expect("422")
    where = declare(yu, world.lamp, "B0REAL", drill=False)
    jia.open_board(world.lamp)
    expect(jia.page.locator(".alarm")).to_contain_text("B0REAL")
    expect(jia.card(world.budget)).to_contain_text("B0REAL")
    pull(jia, jia.card(world.budget), jia.card(world.script))
    expect(jia.dialog.locator(f"a[href='{where}']")).to_be_visible()
    jia.check()
    jia.dialog.locator("[data-close-dialog]").first.click()
    expect(jia.column(world.doing).locator(f"#task-{world.budget.id}")).to_have_count(1)

    lei.go(where)
    expect(lei.page.locator("#closure")).to_be_visible()
    note = lei.page.locator("[name=retrospective]")
    note.fill("好了")
    lei.expect("422")
    lei.page.locator("#closure [type=submit]").click()
    expect(lei.page.locator("#retrospective-error")).to_be_visible()
    lei.check()
    note.fill("资质图过期没有人看到，以后每个月由运营核对一次，法务复核，过期前三十天提醒。")
    lei.page.locator("#closure [type=submit]").click()
    expect(lei.page.locator("#learnt + *, #learnt").first).to_be_visible()
    lei.check()
    with app.app_context():
        assert db.session.query(Emergency).filter(Emergency.closed_at.is_(None)).count() == 1, "the drill"

    jia.open_board(world.lamp)
    expect(jia.page.locator(".alarm")).to_have_count(0)
    pull(jia, jia.card(world.budget), jia.card(world.script))
    expect(jia.column(world.in_review).locator(f"#task-{world.budget.id}")).to_have_count(1)
    lei.go("/emergencies")
    expect(lei.page.locator("[data-emergency]")).to_have_count(2)
    lei.check()
