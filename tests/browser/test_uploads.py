"""Big files over bad lines, at real screens."""

import hashlib
import re

from playwright.sync_api import expect

from linkstar import storage
from linkstar.extensions import db
from linkstar.models import Attachment, AttachmentVersion
from tests.browser.conftest import Setting, told_at
from tests.files import FILM, PDF, PICTURE
from tests.world import PASSWORD

PHONES = Setting("phone", "en", "sqlite"), Setting("phone", "zh", "postgresql")
NETWORK = {"latency": 0, "uploadThroughput": -1, "downloadThroughput": -1}


def picker(reader):
    return reader.page.locator("form.drop input[type=file]").first


def film(folder, megabytes):
    """A film that no piece of it is like another; written once, and never held in memory."""
    path, piece = folder / "开箱 (final).mp4", hashlib.sha256(b"seed").digest() * 32768
    with path.open("wb") as file:
        file.write(FILM)
        for number in range(megabytes):
            file.write(number.to_bytes(8, "big") + piece[8 : 1 << 20])
    return path


def sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@told_at(*PHONES)
def test_a_film_of_300_megabytes_breaks_off_and_goes_on(arrive, app, world, tmp_path):
    path, yu = film(tmp_path, 300), arrive("yu")
    yu.expect("ERR_INTERNET_DISCONNECTED", "net::ERR")
    yu.go(f"/tasks/{world.script.id}")
    yu.devtools.send("Network.enable")
    yu.devtools.send("Network.emulateNetworkConditions", {"offline": False, **NETWORK})
    picker(yu).set_input_files(path)
    row = yu.page.locator("[data-sending] > li")
    expect(row.locator("[data-percent]")).to_have_text(re.compile(r"^[2-9]\d%$"), timeout=30_000)
    yu.devtools.send("Network.emulateNetworkConditions", {"offline": True, **NETWORK})
    row.locator("[data-when=waiting]").wait_for(state="visible")
    at = row.locator("progress").evaluate("bar => bar.value")
    assert 20 <= at < 100
    with app.app_context():
        assert not db.session.scalar(db.select(Attachment.id))
    yu.check()
    yu.devtools.send("Network.emulateNetworkConditions", {"offline": False, **NETWORK})
    yu.page.locator(".files .file a", has_text="开箱 (final).mp4").wait_for(timeout=45_000)
    expect(row).to_have_count(0)
    with app.app_context():
        version = db.session.scalars(db.select(AttachmentVersion)).one()
        assert (version.size, version.sha256) == (path.stat().st_size, sha256(path))
        assert version.media_type == "video/mp4"
        with storage.open(version.file_key) as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == version.sha256


@told_at(PHONES[0])
def test_after_a_reload_the_same_file_goes_on_where_it_stopped(arrive, world, tmp_path, app):
    path, yu = film(tmp_path, 40), arrive("yu")
    yu.expect("net::ERR")
    yu.go(f"/tasks/{world.script.id}")
    sent = []
    yu.page.on("request", lambda request: request.method == "PATCH" and sent.append(request.headers["upload-offset"]))
    pieces = iter(range(100))
    yu.page.route(
        "**/uploads/*",
        lambda route: route.abort() if route.request.method == "PATCH" and next(pieces) > 1 else route.continue_(),
    )
    picker(yu).set_input_files(path)
    yu.page.locator("[data-sending] [data-when=waiting]").wait_for(state="visible")
    yu.page.once("dialog", lambda dialog: dialog.accept())
    yu.page.unroute("**/uploads/*")
    yu.page.reload()
    rest = yu.page.locator("[data-unfinished]")
    assert "开箱 (final).mp4" in rest.inner_text() and "17 MB" in rest.inner_text()
    sent.clear()
    picker(yu).set_input_files(path)
    yu.page.locator(".files .file a", has_text="开箱 (final).mp4").wait_for(timeout=30_000)
    assert sent[0] == str(2 * 8 * 2**20), "what has arrived is not sent again"
    expect(rest).to_have_count(0)
    with app.app_context():
        assert db.session.scalars(db.select(AttachmentVersion)).one().sha256 == sha256(path)


def test_files_are_added_shared_replaced_and_deleted(arrive, world, tmp_path, setting):
    yu = arrive("yu")
    yu.go(f"/tasks/{world.script.id}")
    picture, brief = tmp_path / "灯.png", tmp_path / "brief.pdf"
    picture.write_bytes(PICTURE)
    brief.write_bytes(PDF)
    picker(yu).set_input_files([picture, brief])
    rows = yu.page.locator(".files > .rows:not(.sending) > li")
    expect(rows).to_have_count(2)
    thumb = rows.filter(has_text="灯.png").locator("img")
    thumb.scroll_into_view_if_needed()
    expect(thumb).to_have_js_property("complete", True)
    expect(thumb).to_have_js_property("naturalWidth", 300)
    yu.check()
    row = rows.filter(has_text="灯.png")
    row.get_by_role("button", name=re.compile(setting.says("共享|Share", "Share"))).click()
    row.locator(".chip.soon").wait_for()
    row.locator("summary", has_text=re.compile(setting.says("新版本|New version", "New version"))).click()
    newer = tmp_path / "灯 2.png"
    newer.write_bytes(PICTURE)
    row.locator("input[type=file]").set_input_files(newer)
    rows.filter(has_text="灯 2.png").locator("details", has_text="1").first.wait_for()
    yu.check()
    rows.filter(has_text="brief.pdf").locator(".icon-btn").click()
    yu.toast.wait_for()
    expect(rows).to_have_count(1)
    yu.toast.locator("[data-undo]").click()
    rows.filter(has_text="brief.pdf").wait_for()


def test_dropped_and_pasted_files_come_too(arrive, world):
    yu = arrive("yu")
    yu.go(f"/tasks/{world.script.id}")
    give = """([kind, name]) => {
      const data = new DataTransfer();
      data.items.add(new File(["%PDF-1.4 x"], name, { type: "application/pdf" }));
      const place = document.querySelector(kind === "drop" ? ".drop" : ".composer textarea");
      const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
      place.dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        yu.page.evaluate(give, [kind, f"{kind}.pdf"])
        yu.page.locator(".files .file a", has_text=f"{kind}.pdf").wait_for()


def test_what_is_refused_says_why_and_is_not_sent(arrive, world, tmp_path):
    yu = arrive("yu")
    yu.expect("status of 422")
    yu.go(f"/tasks/{world.script.id}")
    page = tmp_path / "page.html"
    page.write_text("<script>alert(1)</script>")
    picker(yu).set_input_files(page)
    trouble = yu.page.locator("[data-sending] [data-trouble]")
    trouble.wait_for(state="visible")
    assert "page.html" in trouble.inner_text()
    yu.check()
    yu.page.locator("[data-sending] [data-cancel]").click()
    expect(yu.page.locator("[data-sending]")).to_be_hidden()


def test_a_creator_sends_from_the_phone_and_sees_it(arrive, app, world, tmp_path):
    jess = arrive()
    jess.go("/login")
    jess.page.locator("[name=email]").fill("creator1@example.com")
    jess.page.locator("[name=password]").fill(PASSWORD)
    jess.page.locator(".door [type=submit]").click()
    jess.page.wait_for_url("**/briefs")
    jess.go(f"/briefs/{world.unboxing.id}")
    path = tmp_path / "take 1.mp4"
    path.write_bytes(FILM + bytes(3_000_000))
    picker(jess).set_input_files(path)
    jess.page.locator(".files .file a", has_text="take 1.mp4").wait_for()
    jess.check()
