"""A creator with a telephone: a link from a mail, her briefs, and no other door of the whole house."""

import email
import email.policy
import re

import pytest
from playwright.sync_api import expect

from linkstar.extensions import db
from linkstar.jobs import deliver_due
from linkstar.models import MailedLink
from tests.browser.conftest import Setting, told_at
from tests.test_access import OPEN_TO_CREATORS, TABLE, visitor  # noqa: F401

PHONE = Setting("phone", "en", "sqlite"), Setting("phone", "en", "postgresql")


def letters(app, tmp_path):
    """What lies in the mailbox, the newest last."""
    with app.app_context():
        deliver_due()
    files = sorted((tmp_path / "mail").glob("*.eml"), key=lambda file: int(re.search(r"\d+", file.name)[0]))
    read = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    return [message.get_body(("plain",)).get_content() for message in read]


@pytest.fixture
def link(app, world, tmp_path):
    """The way in, as it was read in the mail."""
    with app.app_context():
        world.unboxing.edit({"wanted_en": "- Say #ad aloud", "unwanted_en": "- No “waterproof”"}, by=world.yu)
        world.unboxing.send_entry(world.jess, by=world.yu)
        db.session.commit()
    return re.search(r"https://hub\.example\.com(/entries/\w+)", letters(app, tmp_path)[-1])[1]


def open_link(reader, link):
    reader.go(link)
    reader.page.get_by_role("button", name="Open as Jess Kim").click()


@told_at(*PHONE)
def test_she_reads_answers_and_sends_for_review(arrive, world, link):
    jess = arrive()
    open_link(jess, link)
    page = jess.page
    page.wait_for_url(f"**/briefs/{world.unboxing.id}")
    expect(page.locator("h1")).to_have_text("Unboxing video")
    expect(page.get_by_text("Say #ad aloud")).to_be_visible()
    expect(page.get_by_text("No “waterproof”")).to_be_visible()
    jess.check()
    page.locator(".composer textarea").fill("Filming on Sunday")
    page.locator(".composer [type=submit]").click()
    expect(page.locator(".trail")).to_contain_text("Filming on Sunday")
    page.get_by_role("button", name="Send for review").click()
    expect(page.locator("main .chip").first).to_have_text("Sent for review")
    expect(page.get_by_role("button", name="Send for review")).to_have_count(0)
    page.get_by_role("link", name="Back to My briefs").click()
    page.wait_for_url("**/briefs")
    expect(page.get_by_role("heading", name="Unboxing video")).to_be_visible()
    expect(page.get_by_role("heading", name="Shanlan Outdoor")).to_be_visible()
    jess.check()
    page.locator("header [popovertarget=me]").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login*")


@told_at(*PHONE)
def test_a_second_device_asks_for_the_code_in_the_mail_and_a_link_taken_back_ends_both(
    app, arrive, world, link, tmp_path
):
    phone, tablet = arrive(), arrive()
    phone.expect("404")
    tablet.expect("422", "404")
    open_link(phone, link)
    phone.page.wait_for_url("**/briefs/*")
    open_link(tablet, link)
    tablet.page.wait_for_url("**/code")
    tablet.check()
    code = re.search(r"^(\d{6})\s*$", letters(app, tmp_path)[-1], re.MULTILINE)[1]
    tablet.page.locator("[name=code]").fill("000000" if code != "000000" else "000001")
    tablet.page.get_by_role("button", name="Open as Jess Kim").click()
    expect(tablet.page.locator(".error")).to_be_visible()
    tablet.page.locator("[name=code]").fill(code)
    tablet.page.get_by_role("button", name="Open as Jess Kim").click()
    tablet.page.wait_for_url("**/briefs/*")
    with app.app_context():
        entry = db.session.scalars(db.select(MailedLink).where(MailedLink.kind == "entry")).one()
        world.unboxing.revoke_entry(entry, by=world.yu)
        db.session.commit()
    for device in (phone, tablet):
        device.go("/briefs")
        expect(device.page.locator("[name=password]")).to_be_visible()
        device.go(link)
        expect(device.page.locator("h1")).to_have_text("This link does not open any more")
        device.check()


@told_at(*PHONE)
@pytest.mark.parametrize("visitor", ["creator"], indirect=True)
def test_every_other_address_of_the_house_is_closed_to_her(app, arrive, world, visitor):  # noqa: F811
    """All addresses with the ids of what is there, hers and others', by every method, with the page's token."""
    _role, places, *_ = visitor
    with app.app_context():
        link = MailedLink.send(
            "entry", user=world.jess, email=world.jess.email, name="Jess Kim", language="en",
            workspace_id=world.shanlan.id, task_id=world.unboxing.id,
        )  # fmt: skip
        db.session.commit()
        token = link.token
    jess = arrive()
    jess.expect("404", "405", "403", "401", "415", "400", "412", "410")
    open_link(jess, f"/entries/{token}")
    jess.page.wait_for_url("**/briefs/*")
    asked, opened = 0, []
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        row = TABLE.get(rule.endpoint)
        if rule.endpoint in OPEN_TO_CREATORS or row is None or row.about in ("anyone", "token"):
            continue
        for where in ("mine", "theirs", "other", "foreign"):
            ids = {name: places[where].get(f"{row.of}:{name}", places[where].get(name, 1)) for name in rule.arguments}
            ids |= {"task_id": world.unboxing.id} if where == "mine" and "task_id" in rule.arguments else {}
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                address = adapter.build(rule.endpoint, ids, method=method)
                status = jess.page.evaluate(
                    """([method, address]) => fetch(address, {
                        method, redirect: "manual",
                        headers: {"X-CSRFToken": document.querySelector("meta[name=csrf-token]").content},
                    }).then(answer => answer.status)""",
                    [method, address],
                )
                asked += 1
                if status != 404:
                    opened.append((method, address, status))
    assert asked > 300
    assert not opened
