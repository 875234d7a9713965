"""Files on a task: who gets them, under which name, and what never runs."""

import re
from datetime import timedelta
from io import BytesIO
from urllib.parse import quote, unquote

import pytest

from linkstar import clock, jobs, storage
from linkstar.extensions import db
from linkstar.models import Attachment, AttachmentVersion, AuditEvent, Participant
from tests.files import BOMB, FILM, PDF, PDF_WITH_SCRIPT, PICTURE, WORD
from tests.pages import elements
from tests.world import NOW

LOCKED_IN = "default-src 'none'; sandbox"


def add(browser, task, content=PDF, name="报告.pdf", **more):
    data = {"file": (BytesIO(content), name), **more}
    return browser.post(f"/tasks/{task.id}/attachments", data, content_type="multipart/form-data", htmx=True)


@pytest.fixture
def send(browse, app):
    """send("yu", task) adds a file and says its id."""

    def send(person, task, *args, **more):
        answer = add(browse(person), task, *args, **more)
        assert answer.status_code == 200, answer.text
        with app.app_context():
            return db.session.scalars(db.select(Attachment.id).order_by(Attachment.id.desc())).first()

    return send


def links(page, attachment_id):
    """The addresses of a file's versions as the page gives them, the newest first."""
    return [
        each["href"]
        for each in elements(page, "href", "download")
        if each["href"].startswith(f"/attachments/{attachment_id}?")
    ]


def test_a_file_keeps_its_chinese_name_and_every_byte(browse, world, send):
    file = send("yu", world.script, PDF, "包装-v3(终稿).pdf")
    yue = browse("yue")
    page = yue.get(f"/tasks/{world.script.id}").text
    assert "包装-v3(终稿).pdf" in page
    answer = yue.get(links(page, file)[0])
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"].endswith(f"filename*=UTF-8''{quote('包装-v3(终稿).pdf')}")
    assert world.script.file_count == 1


def test_the_history_tells_what_happened_to_a_file(browse, world, send):
    yu = browse("yu")
    file = send("yu", world.script, name="脚本.pdf")
    version = {"file": (BytesIO(PDF + b" "), "脚本-2.pdf")}
    yu.post(f"/attachments/{file}/versions", version, content_type="multipart/form-data")
    yu.put(f"/attachments/{file}/sharing")
    yu.delete(f"/attachments/{file}/sharing")
    yu.post(f"/attachments/{file}/trashing")
    told = re.sub(r"<[^>]+>", "", yu.get(f"/tasks/{world.script.id}/history?lang=en").text)
    for sentence in ("added the file “脚本.pdf”", "as version 2 of the file “脚本.pdf”",
                     "shared the file “脚本-2.pdf”", "made the file “脚本-2.pdf” internal",
                     "moved the file “脚本-2.pdf” to the trash"):  # fmt: skip
        assert sentence in told


def test_earlier_versions_stay_with_who_sent_them(browse, world, send):
    file, jia = send("yu", world.script, PDF), browse("jia")
    newer = {"file": (BytesIO(WORD), "报告.docx")}
    assert jia.post(f"/attachments/{file}/versions", newer, content_type="multipart/form-data").status_code == 303
    page = jia.get(f"/tasks/{world.script.id}").text
    assert [jia.get(link).data for link in links(page, file)] == [WORD, PDF]
    assert jia.get(f"/attachments/{file}?version=3").status_code == 404
    assert world.script.file_count == 1


# who sees it


def test_inside_files_do_not_exist_for_a_creator_until_they_are_shared(browse, world, send):
    file = send("yu", world.unboxing, name="底价.pdf")
    jess, yu, home = browse("jess"), browse("yu"), f"/briefs/{world.unboxing.id}"
    section = f"/tasks/{world.unboxing.id}/attachments"
    assert "底价" not in jess.get(home).text + jess.get(section).text
    for path in (f"/attachments/{file}", f"/attachments/{file}/preview", f"/attachments/{file}?until=x"):
        assert jess.get(path).status_code == 404
    assert yu.put(f"/attachments/{file}/sharing", htmx=True).status_code == 200
    assert jess.get(links(jess.get(section).text, file)[0]).data == PDF
    yu.delete(f"/attachments/{file}/sharing")
    assert jess.get(f"/attachments/{file}").status_code == 404


def test_a_creators_file_reaches_the_team_and_no_other_creator(app, browse, world, send):
    with app.app_context():
        db.session.add(Participant(task_id=world.unboxing.id, user_id=world.theo.id, kind="collaborator"))
        db.session.commit()
    file = send("jess", world.unboxing, FILM, "unboxing.mp4")
    section, theo = f"/tasks/{world.unboxing.id}/attachments", browse("theo")
    assert "unboxing.mp4" in browse("yu").get(section).text
    assert "unboxing.mp4" not in theo.get(section).text
    assert theo.get(f"/attachments/{file}").status_code == 404
    with app.app_context():
        membership = world.jess.membership_in(world.shanlan.id)
        membership.end(None, by=world.admin, change="x")
        db.session.commit()
    assert theo.get(f"/attachments/{file}").status_code == 404, "nor when she has left"


def test_an_earlier_version_is_not_shared_with_the_newest(browse, world, send):
    file, yu, jess = send("yu", world.unboxing, PDF, "报价.pdf"), browse("yu"), browse("jess")
    newer = {"file": (BytesIO(WORD), "brief.docx")}
    yu.post(f"/attachments/{file}/versions", newer, content_type="multipart/form-data")
    yu.put(f"/attachments/{file}/sharing")
    page = jess.get(f"/tasks/{world.unboxing.id}/attachments").text
    assert "报价" not in page
    [link] = links(page, file)
    assert jess.get(link).data == WORD
    assert jess.get(link.replace("version=2", "version=1")).status_code == 404


def test_what_outsiders_see_says_nothing_of_inside(browse, world, send):
    send("yu", world.unboxing, name="brief.pdf", shared="1")
    page = browse("jess").get(f"/tasks/{world.unboxing.id}/attachments?lang=en").text
    assert "Share" not in page and "Internal" not in page and "internal" not in page


def test_a_partner_attaches_review_notes_and_touches_no_other_file(browse, world, send):
    file = send("yu", world.script, shared="1")
    maya = browse("maya")
    assert "报告.pdf" in maya.get(f"/tasks/{world.script.id}").text
    for method, path in (("POST", "versions"), ("POST", "trashing"), ("PUT", "sharing"), ("DELETE", "sharing")):
        assert maya.open(method, f"/attachments/{file}/{path}").status_code == 403
    assert add(maya, world.script, name="批注.pdf").status_code == 200
    assert "批注.pdf" in browse("yu").get(f"/tasks/{world.script.id}").text
    assert add(maya, world.poles).status_code == 404


def test_a_lost_task_takes_its_files_along(app, browse, world, send):
    file, jess = send("jess", world.unboxing, FILM, "a.mp4"), browse("jess")
    [link] = links(jess.get(f"/tasks/{world.unboxing.id}/attachments").text, file)
    assert jess.get(link).status_code == 200
    with app.app_context():
        world.unboxing.owner_id = world.yu.id
        db.session.commit()
    assert jess.get(link).status_code == 404
    assert browse("lead").get(link).status_code == 404


def test_another_workspaces_rows_are_not_reached_through_ones_own(browse, world, send):
    file = send("lead", world.frame)
    yu = browse("yu")
    assert yu.get(f"/attachments/{file}").status_code == 404
    told = {"Tus-Resumable": "1.0.0", "Upload-Length": "9"}
    for task, status in ((world.frame, 404), (world.script, 404)):
        told["Upload-Metadata"] = metadata(filename="a.pdf", task_id=task.id, attachment_id=file)
        assert yu.post("/uploads", headers=told).status_code == status


def metadata(**values):
    from base64 import b64encode

    return ",".join(f"{name} {b64encode(str(value).encode()).decode()}" for name, value in values.items())


# what goes out


def test_an_outsiders_link_ends_after_seven_days(browse, world, send):
    file = send("yu", world.unboxing, shared="1")
    jess = browse("jess")
    [link] = links(jess.get(f"/tasks/{world.unboxing.id}/attachments").text, file)
    bare = jess.get(link.partition("&until")[0])
    assert (bare.status_code, bare.location) == (303, f"/briefs/{world.unboxing.id}")
    assert jess.get(link[:-2]).status_code == 410
    with clock.at(NOW + timedelta(days=6, hours=23)):
        assert browse("jess").get(link).status_code == 200
    with clock.at(NOW + timedelta(days=7, minutes=1)):
        late = browse("jess").get(f"{link}&lang=en")
        assert (late.status_code, "This link has ended" in late.text) == (410, True)
        assert f"/briefs/{world.unboxing.id}" in late.text


def test_a_link_of_one_outsider_is_nothing_to_another(browse, world, send):
    file = send("yu", world.unboxing, shared="1")
    [link] = links(browse("jess").get(f"/tasks/{world.unboxing.id}/attachments").text, file)
    assert browse("maya").get(link).status_code == 410


def test_a_picture_that_goes_out_bears_who_it_went_to(browse, world, send):
    file = send("yu", world.unboxing, PICTURE, "灯.png", shared="1")
    yu, jess, maya = browse("yu"), browse("jess"), browse("maya")
    section = f"/tasks/{world.unboxing.id}/attachments"
    assert yu.get(links(yu.get(section).text, file)[0]).data == PICTURE
    marked = {}
    for person in (jess, maya):
        answer = person.get(links(person.get(section).text, file)[0])
        assert answer.data.startswith(b"\xff\xd8")
        assert "filename*=UTF-8''%E7%81%AF.jpg" in answer.headers["Content-Disposition"]
        marked[person] = answer.data, person.get(f"/attachments/{file}/preview").data
    assert len({*marked[jess], *marked[maya], yu.get(f"/attachments/{file}/preview").data}) == 5


def test_what_one_sent_oneself_comes_back_as_it_was(browse, world, send):
    file, jess = send("jess", world.unboxing, PICTURE, "mine.png"), browse("jess")
    [link] = links(jess.get(f"/tasks/{world.unboxing.id}/attachments").text, file)
    assert jess.get(link).data == PICTURE


def test_a_preview_is_a_picture_of_our_own(browse, world, send):
    file, yu = send("yu", world.script, PICTURE + bytes(4000) + b"<script>alert(1)</script>", "灯.png"), browse("yu")
    answer = yu.get(f"/attachments/{file}/preview")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert b"script" not in answer.data
    assert answer.headers["Content-Security-Policy"] == LOCKED_IN
    again = yu.get(f"/attachments/{file}/preview", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert yu.get(f"/attachments/{send('yu', world.script)}/preview").status_code == 404


def test_a_big_file_is_fetched_in_parts(browse, world, send):
    yu = browse("yu")
    path = f"/attachments/{send('yu', world.script, PDF)}"
    part = yu.get(path, headers={"Range": "bytes=9-14"})
    assert (part.status_code, part.data) == (206, PDF[9:15])
    assert part.headers["Content-Range"] == f"bytes 9-14/{len(PDF)}"
    assert part.headers["Content-Security-Policy"] == LOCKED_IN
    assert yu.get(path, headers={"Range": "bytes=-5"}).data == PDF[-5:]
    assert yu.get(path, headers={"Range": f"bytes={len(PDF)}-"}).status_code == 416
    assert yu.get(path, headers={"If-None-Match": yu.get(path).headers["ETag"]}).status_code == 304


# away and back


def test_a_deleted_file_comes_back_by_undo(app, browse, world, send):
    file, yu = send("yu", world.script), browse("yu")
    answer = yu.post(f"/attachments/{file}/trashing", htmx=True)
    assert answer.status_code == 200 and world.script.file_count == 0
    assert yu.get(f"/attachments/{file}").status_code == 404
    [change] = [each["value"] for each in elements(answer.text, name="change")]
    assert browse("jia").post("/undos", {"change": change}).status_code == 404
    assert yu.post("/undos", {"change": change}, htmx=True).status_code == 200
    assert yu.get(f"/attachments/{file}").data == PDF and world.script.file_count == 1
    assert yu.post("/undos", {"change": change}, htmx=True).status_code == 409
    with app.app_context():
        actions = list(db.session.scalars(db.select(AuditEvent.action).where(AuditEvent.action.startswith("attach"))))
    assert actions == ["attachment.added", "attachment.trashed", "attachment.restored"]


def test_a_creator_brings_back_what_she_deleted(app, browse, world, send):
    file, jess = send("jess", world.unboxing, FILM, "a.mp4"), browse("jess")
    answer = jess.post(f"/attachments/{file}/trashing", htmx=True)
    [change] = [each["value"] for each in elements(answer.text, name="change")]
    back = jess.post("/undos", {"change": change}, headers={"Referer": f"http://localhost/briefs/{world.unboxing.id}"})
    assert (back.status_code, back.location) == (303, f"/briefs/{world.unboxing.id}")
    assert "a.mp4" in jess.get(f"/tasks/{world.unboxing.id}/attachments").text
    jess.post(f"/attachments/{file}/trashing")
    with app.app_context():
        world.unboxing.owner_id = world.yu.id
        [change] = db.session.scalars(
            db.select(AuditEvent.change)
            .where(AuditEvent.action == "attachment.trashed")
            .order_by(AuditEvent.id.desc())
            .limit(1)
        )
        db.session.commit()
    assert jess.post("/undos", {"change": change}).status_code == 403


def test_only_who_sent_it_or_edits_the_task_deletes_a_file(browse, world, send):
    file = send("yu", world.script)
    assert browse("jia").post(f"/attachments/{file}/trashing").status_code == 403
    mine = send("jia", world.script)
    assert browse("jia").post(f"/attachments/{mine}/trashing").status_code == 303
    shared = send("yu", world.unboxing, name="brief.pdf", shared="1")
    assert "brief.pdf" in browse("jess").get(f"/briefs/{world.unboxing.id}").text
    assert browse("jess").post(f"/attachments/{shared}/trashing").status_code == 403, "though the task is hers"


def test_after_thirty_days_in_the_trash_the_bytes_go(app, browse, world, send, monkeypatch):
    file, kept = send("yu", world.script, PICTURE, "灯.png"), send("yu", world.script, FILM, "a.mp4")
    browse("yu").post(f"/attachments/{file}/trashing")
    monkeypatch.setattr("linkstar.jobs.UPLOADS_KEPT", timedelta(seconds=-5))
    for days, left in ((29, [2, 1]), (31, [1])):
        with app.app_context(), clock.at(NOW + timedelta(days=days)):
            jobs.sweep()
            versions = list(db.session.scalars(db.select(AttachmentVersion)))
            assert len(versions) == len(left)
            for version in versions:
                storage.open(version.file_key).close()
    assert browse("yu").get(f"/attachments/{kept}").data == FILM


# hostile files


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<!doctype html><script>alert(1)</script>", "page.html"),
        (b"<!doctype html><script>alert(1)</script>", "page.txt"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "drawing.svg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "drawing.png"),
        (b"#!/bin/sh\nrm -rf /", "run.txt"),
        (b"MZ\x90\x00", "setup.exe"),
        (b"MZ\x90\x00", "setup.pdf"),
        (b"alert(1)", "script.js"),
        (b"", "empty.pdf"),
        (PDF, "no-ending"),
        (PDF, "wrong.png"),
        (BOMB, "bomb.docx"),
        (b"GIF89a/*<script>*/=alert(1)", "both.gif"),
    ],
)
def test_what_may_not_be_kept_is_refused_with_words(app, browse, world, content, name):
    answer = add(browse("yu"), world.script, content, name)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert")
    assert "<script>" not in answer.text.partition('role="alert"')[2].partition("</p>")[0]
    assert world.script.file_count == 0
    with app.app_context():
        assert storage.forgotten([], timedelta(seconds=-5)) == 0, "nothing of it is kept"


@pytest.mark.parametrize(
    ("content", "name", "kept_as"),
    [
        (PDF_WITH_SCRIPT, "form.pdf", "form.pdf"),
        (b"GIF89a/*\x00\x00*/=1;alert(document.domain)//;", "both.gif", "both.gif"),
        (PDF, "../../../etc/passwd.pdf", "passwd.pdf"),
        (PDF, "..\\..\\boot.pdf", "boot.pdf"),
        (PDF, "名" * 300 + ".pdf", "名" * 196 + ".pdf"),
        (PDF, "a\x00b.pdf", "ab.pdf"),
        (PDF, "invoice\u202efdp.exe.pdf", "invoicefdp.exe.pdf"),
        (PDF, '"><img src=x onerror=alert(1)>.pdf', '"><img src=x onerror=alert(1)>.pdf'),
        (PDF, "a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
        (PDF, "-rf.pdf", "-rf.pdf"),
    ],
)
def test_what_is_kept_never_runs(app, browse, world, content, name, kept_as, tmp_path):
    yu = browse("yu")
    encoded = name.encode()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename*=UTF-8\'\'' + quote(encoded, safe="").encode()
        + b"\r\nContent-Type: text/html\r\n\r\n" + content + b"\r\n--x--\r\n"
    )  # fmt: skip
    answer = yu.post(f"/tasks/{world.script.id}/attachments", body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 303
    page = yu.get(f"/tasks/{world.script.id}").text
    assert not [each for each in elements(page, tag="img") if "onerror" in each]
    with app.app_context():
        version = db.session.scalars(db.select(AttachmentVersion)).one()
        assert version.file_name == kept_as
        file = version.attachment_id
    for path in (f"/attachments/{file}", f"/attachments/{file}?version=1"):
        got = yu.get(path)
        assert got.data == content
        assert got.mimetype == "application/octet-stream"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Content-Security-Policy"] == LOCKED_IN
        assert got.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert got.headers["Content-Disposition"].startswith("attachment;")
        assert unquote(got.headers["Content-Disposition"]).count("\n") == 0
        assert "Set-Cookie" not in got.headers or "x=1" not in got.headers["Set-Cookie"]
    kept = {path.name for path in (tmp_path / "files").rglob("*") if path.is_file()}
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in kept), "the storage knows no names"


# room


def test_the_meter_grows_and_warns_and_the_full_shelf_refuses(app, browse, world, send):
    yu = browse("yu")
    app.config["STORAGE_QUOTA"] = 1000
    send("yu", world.script, PDF + b" " * (400 - len(PDF)))
    page = yu.get("/workspace?lang=en").text
    assert "400 B of 1.0 kB used" in page and "40%" in page and "is used. Delete" not in page
    send("yu", world.script, PDF + b" " * (450 - len(PDF)))
    assert "85% is used. Delete" in yu.get("/workspace?lang=en").text
    full = add(yu, world.script, PDF + b" " * (200 - len(PDF)))
    assert full.status_code == 422 and "There is no room" in full.text
    assert add(browse("lead"), world.frame).status_code == 200, "another workspace has its own"


def test_a_form_takes_at_most_twenty_megabytes(browse, world):
    assert add(browse("yu"), world.script, PDF + bytes(21_000_000)).status_code == 413


def test_the_switch_is_there_where_an_outsider_takes_part(browse, world):
    yu = browse("yu")
    assert elements(yu.get(f"/tasks/{world.unboxing.id}").text, "data-shared", type="radio")
    frame = browse("lead").get(f"/tasks/{world.frame.id}").text
    assert not elements(frame, "data-shared")
