"""An intern's delete becomes a request; others decide; what they deleted comes back with everything."""

from playwright.sync_api import expect

from linkstar.extensions import db
from linkstar.models import Approval, Dependency
from tests.browser.conftest import CROSSED, USUAL, told_at


def csrf(reader):
    return reader.page.locator("meta[name=csrf-token]").get_attribute("content")


@told_at(*USUAL, *CROSSED)
def test_a_key_task_is_not_lost_by_the_press_of_one(arrive, app, world, setting):
    with app.app_context():
        db.session.add(Dependency(predecessor_id=world.sample.id, successor_id=world.listing.id))
        db.session.commit()
    intern = arrive("intern")
    intern.go(f"/tasks/{world.sample.id}")
    intern.page.locator("textarea[name=body]").fill(setting.says("快递单号 SF1024", "Parcel SF1024"))
    intern.page.locator("form.composer [type=submit]").click()
    expect(intern.page.locator(".talk .trail")).to_contain_text("SF1024")
    intern.page.locator(f"a[href='/tasks/{world.sample.id}/trashing/new']").click()
    intern.dialog.locator("textarea[name=reason]").fill(setting.says("建错了", "Made by mistake"))
    intern.check()
    intern.dialog.locator("[type=submit]").click()
    expect(intern.toast).to_be_visible()
    expect(intern.page.locator("a.chip[href^='/approvals/']")).to_be_visible()
    assert world.sample.trashed_at is None
    with app.app_context():
        approval = db.session.scalar(db.select(Approval.id))

    intern.go("/approvals")
    expect(intern.page.locator(f"#approval-{approval}")).to_contain_text("寄出样品")
    expect(intern.page.locator("form[action$='/votes']")).to_have_count(0)
    answer = intern.page.request.post(
        f"{intern.address}/approvals/{approval}/votes",
        form={"csrf_token": csrf(intern), "answer": "agree"},
        max_redirects=0,
    )
    assert answer.status == 403
    assert world.sample.trashed_at is None
    intern.check()

    admin = arrive("admin")
    if setting.screen == "desk":
        admin.page.locator(".side a[href='/approvals']").click()
    else:
        admin.page.locator("main a[href='/approvals']").click()
    waiting = admin.page.locator(f"#approval-{approval}")
    expect(waiting).to_contain_text(setting.says("建错了", "Made by mistake"))
    admin.check()
    waiting.locator("[value=agree]").click()
    expect(admin.toast).to_contain_text(setting.says("已通过并执行", "Approved and done"))
    assert world.sample.trashed_at
    admin.check()

    admin.go("/trash")
    admin.check()
    admin.page.locator(f"form[action='/trash/tasks/{world.sample.id}/restoration'] button").click()
    expect(admin.toast).to_be_visible()
    assert world.sample.trashed_at is None

    intern.go(f"/tasks/{world.sample.id}")
    for words in ("SF1024", setting.says("亚马逊详情页上线", "Publish the Amazon listing")):
        expect(intern.page.locator("#task-panel")).to_contain_text(words)
    expect(intern.page.locator("#task-panel")).to_contain_text(setting.says("恢复", "brought the task back"))
    intern.check()
