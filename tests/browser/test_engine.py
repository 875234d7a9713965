"""A gate holds a card until its evidence is there; a delay is looked at, adopted and taken back."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import Launch, Project, Task
from tests.browser.conftest import CROSSED, USUAL, told_at
from tests.browser.test_cards import drag

REPORT = {
    "name": "FCC报告.pdf",
    "mimeType": "application/pdf",
    "buffer": b"%PDF-1.4\n%\xe2\xe3\n1 0 obj<<>>endobj\n%%EOF\n",
}


@pytest.fixture
def asks_for_a_file(app, world):
    with app.app_context():
        world.lab_report.evidence_kind = "file"
        db.session.commit()


@pytest.fixture
def earbuds(app, world):
    """A launch from the electronics template, on Monday 15 March 2027."""
    with app.app_context():
        template = packs.template("amazon_us_launch_electronics")
        project = Launch(
            template=template,
            workspace_id=world.shanlan.id,
            owner=world.yue,
            anchor=date(2027, 3, 15),
            people={"legal": world.lei, "ops": world.yu},
            library={rule.key: rule for rule in packs.pack().checklists},
            values={
                "name_zh": "降噪耳机", "name_en": "Earbuds", "code": "US-AMZ-27Q1-EARB-001", "key": "EARB",
                "platforms": ["amazon"], "categories": ["electronics"], "content_types": [],
            },
        ).create(by=world.yue)  # fmt: skip
        db.session.commit()
        return project.id


def pull(reader, card, beside):
    """To the column where `beside` stands: dragged with the mouse; on a phone by the card's menu."""
    if reader.setting.screen == "desk":
        drag(reader.page, card, beside)
        return
    card.locator("[data-move]").click()
    reader.dialog.get_by_label(reader.setting.says("待审核", "In review")).check()
    reader.dialog.get_by_role("button", name=reader.setting.says("移动", "Move"), exact=True).click()


@told_at(*USUAL, *CROSSED)
def test_a_card_passes_its_gate_when_the_file_is_given_in_the_dialog(arrive, world, setting, asks_for_a_file):
    yue = arrive("yue")
    yue.expect("422")
    yue.open_board(world.lamp)
    with yue.page.expect_response(re.compile(f"/tasks/{world.fcc.id}/moves$")) as answer:
        pull(yue, yue.card(world.fcc), yue.card(world.script))
    assert answer.value.status == 422
    expect(yue.dialog).to_contain_text(setting.says("实验室报告原件", "The lab's report"))
    expect(yue.column(world.doing).locator(f"#task-{world.fcc.id}")).to_have_count(1)
    yue.check()

    yue.dialog.locator("summary", has_text=setting.says("上传", "Upload")).first.click()
    yue.dialog.locator("[type=file]").first.set_input_files(REPORT)
    yue.dialog.locator("form.give [type=submit]").first.click()
    expect(yue.dialog.locator("#dialog-title")).to_contain_text(setting.says("可以", "Ready for"))
    yue.check()
    yue.page.keyboard.press("Escape")
    expect(yue.dialog).to_have_count(0)

    with yue.page.expect_response(re.compile(f"/tasks/{world.fcc.id}/moves$")) as answer:
        pull(yue, yue.card(world.fcc), yue.card(world.script))
    assert answer.value.ok
    expect(yue.column(world.in_review).locator(f"#task-{world.fcc.id}")).to_have_count(1)
    assert world.lab_report.ticked_by_id == world.yue.id
    yue.check()


@told_at(*USUAL, *CROSSED)
def test_what_a_late_certificate_moves_is_seen_adopted_and_undone(arrive, app, earbuds, setting):
    def days():
        with app.app_context():
            tasks = db.session.scalars(select(Task).where(Task.project_id == earbuds))
            dates = {task.key: (task.start_on, task.due_on) for task in tasks}
            return dates, db.session.get_one(Project, earbuds).anchor_on

    with app.app_context():
        fcc = db.session.scalars(select(Task.id).where(Task.project_id == earbuds, Task.key == "fcc_grant")).one()
    before = days()
    yue = arrive("yue")
    yue.go(f"/tasks/{fcc}")
    yue.page.locator(f"a[href='/tasks/{fcc}/delay/new']").click()
    yue.dialog.locator("#days").fill("30")
    yue.dialog.locator("#days").press("Enter")
    expect(yue.dialog.locator("[role=status]")).to_contain_text(setting.says("开售日", "Launch day"))
    yue.check()
    assert days() == before, "looking writes nothing"

    adopt = yue.dialog.locator("form[method=post] .primary")
    for wrong in ("-1", "0", ""):
        yue.dialog.locator("#days").fill(wrong)
        expect(adopt).to_be_hidden()
        expect(yue.dialog.locator("[role=status]")).to_be_hidden()
    yue.expected.append("422")
    with yue.page.expect_response(lambda answer: answer.status == 422):
        yue.dialog.locator("#days").press("Enter")
    expect(yue.dialog.locator("#days-error")).to_be_visible()
    expect(adopt).to_have_count(0)
    yue.dialog.locator("#days").fill("30")
    yue.dialog.locator("#days").press("Enter")
    expect(adopt).to_be_visible()
    yue.dialog.locator("form[method=post] .primary").click()
    expect(yue.toast).to_be_visible()
    after = days()
    assert after[1] > before[1] and after[0]["fcc_grant"] > before[0]["fcc_grant"]
    assert after[0]["charter"] == before[0]["charter"]
    yue.toast.locator("[data-undo]").click()
    expect(yue.toast).to_contain_text(setting.says("撤销", "ndone"))
    assert days() == before
    yue.check()
