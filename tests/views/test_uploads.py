"""Files that arrive piece by piece, over lines that break, and the rules they keep while they do."""

import hashlib
import threading
from base64 import b64encode
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import text

from linkstar import clock, jobs, storage
from linkstar.extensions import db
from linkstar.models import Attachment, AttachmentVersion, Upload
from tests.files import FILM, PDF
from tests.pages import elements
from tests.world import NOW

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
LONG_FILM = FILM + bytes(range(256)) * 4000
WHOLE = len(LONG_FILM)


def told(**values):
    return ",".join(f"{name} {b64encode(str(value).encode()).decode()}" for name, value in values.items())


def begin(browser, task, name="开箱 v2.mp4", size=WHOLE, **more):
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": told(filename=name, task_id=task.id, **more)}
    return browser.post("/uploads", headers=headers)


def piece(browser, address, offset, content, **headers):
    return browser.open("PATCH", address, content, headers={**PIECE, "Upload-Offset": str(offset), **headers})


def offset(browser, address):
    return int(browser.open("HEAD", address, headers=TUS).headers["Upload-Offset"])


def send(browser, task, content=LONG_FILM, name="开箱 v2.mp4", **more):
    address = begin(browser, task, name, len(content), **more).location
    return piece(browser, address, 0, content), address


def test_a_film_that_breaks_off_goes_on_where_it_stopped(app, browse, world):
    jess = browse("jess")
    answer = begin(jess, world.unboxing)
    assert answer.status_code == 201 and answer.headers["Tus-Resumable"] == "1.0.0"
    address = answer.location
    assert piece(jess, address, 0, LONG_FILM[:400_000]).headers["Upload-Offset"] == "400000"
    again = browse("jess")
    head = again.open("HEAD", address, headers=TUS)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("400000", str(len(LONG_FILM)))
    assert piece(again, address, 300_000, LONG_FILM[300_000:]).status_code == 409
    last = piece(again, address, 400_000, LONG_FILM[400_000:])
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(LONG_FILM)))
    with app.app_context():
        version = db.session.scalars(db.select(AttachmentVersion)).one()
        assert version.sha256 == hashlib.sha256(LONG_FILM).hexdigest()
        assert (version.file_name, version.media_type, version.size) == ("开箱 v2.mp4", "video/mp4", len(LONG_FILM))
        assert version.attachment.shared, "what an outsider sends is shared"
        with storage.open(version.file_key) as file:
            assert file.read() == LONG_FILM
    assert "开箱 v2.mp4" in browse("yu").get(f"/tasks/{world.unboxing.id}").text


def test_what_arrived_of_a_piece_is_kept(app, browse, world):
    """The connection ends before all that was announced has come."""
    yu = browse("yu")
    address = begin(yu, world.script).location
    answer = yu.open(
        "PATCH", address, headers={**PIECE, "Upload-Offset": "0"}, input_stream=BytesIO(LONG_FILM[:5000]),
        environ_overrides={"CONTENT_LENGTH": "9000"},
    )  # fmt: skip
    assert answer.status_code in (204, 400)
    assert offset(yu, address) == 5000


def test_who_did_not_hear_the_last_answer_asks_again(app, browse, world):
    yu = browse("yu")
    _answer, address = send(yu, world.script)
    assert offset(yu, address) == len(LONG_FILM)
    assert piece(yu, address, len(LONG_FILM), b"").status_code == 204
    assert piece(yu, address, 0, LONG_FILM).status_code == 409
    assert world.script.file_count == 1


@pytest.mark.parametrize("place", ["linkstar.views.uploads._finish", "linkstar.models.Upload.become"])
def test_a_file_that_is_whole_but_was_never_ended_is_ended_later(app, browse, world, monkeypatch, place):
    yu = browse("yu")
    address = begin(yu, world.script).location
    with monkeypatch.context() as patch:
        patch.setattr(place, lambda *given: 1 / 0)  # the process died here
        app.config["PROPAGATE_EXCEPTIONS"] = False
        assert piece(yu, address, 0, LONG_FILM).status_code == 500
    assert offset(yu, address) == len(LONG_FILM) and world.script.file_count == 0
    assert piece(yu, address, len(LONG_FILM), b"").status_code == 204
    assert world.script.file_count == 1


@pytest.mark.both_databases
def test_who_ends_it_twice_at_once_has_one_file(app, browse, world, monkeypatch):
    yu, twin = browse("yu"), browse("yu")
    address = begin(yu, world.script).location
    finish, answers = storage.finish, []

    def finished(key):
        """In the middle of this the same page, which has waited too long, asks for the end again."""
        stored = finish(key)
        if not answers:
            answers.append(None)
            thread = threading.Thread(target=lambda: answers.append(piece(twin, address, WHOLE, b"").status_code))
            thread.start()
            thread.join(30)
        return stored

    monkeypatch.setattr("linkstar.storage.finish", finished)
    assert (piece(yu, address, 0, LONG_FILM).status_code, answers[1]) == (204, 204)
    assert world.script.file_count == 1


def test_a_new_version_comes_the_same_way(app, browse, world):
    yu = browse("yu")
    send(yu, world.script, PDF, "脚本.pdf")
    with app.app_context():
        file = db.session.scalars(db.select(Attachment.id)).one()
    send(yu, world.script, PDF + b" ", "脚本 2.pdf", attachment_id=file)
    assert begin(yu, world.unboxing, attachment_id=file).status_code == 404, "a version stays on its task"
    assert yu.get(f"/attachments/{file}").data == PDF + b" "
    assert yu.get(f"/attachments/{file}?version=1").data == PDF
    assert world.script.file_count == 1


def test_what_is_shared_is_so_from_the_first_moment(app, browse, world):
    yu = browse("yu")
    send(yu, world.unboxing, PDF, "inside.pdf", shared="")
    send(yu, world.unboxing, PDF, "outside.pdf", shared="1")
    page = browse("jess").get(f"/tasks/{world.unboxing.id}/attachments").text
    assert "outside.pdf" in page and "inside.pdf" not in page


# refused before and after


@pytest.mark.parametrize(
    ("name", "size", "status"),
    [
        ("a.mp4", 2_000_000_001, 413),
        ("a.pdf", 200_000_001, 413),
        ("a.pdf", 0, 422),
        ("a.html", 10, 422),
        ("a.svg", 10, 422),
        ("a", 10, 422),
        ("", 10, 422),
        ("a.mp4", 1_999_999_999, 201),
    ],
)
def test_what_cannot_be_taken_is_refused_before_it_is_sent(browse, world, name, size, status):
    answer = begin(browse("yu"), world.script, name, size)
    assert answer.status_code == status
    if status != 201:
        assert answer.mimetype == "text/plain" and len(answer.text) > 10


def test_a_full_shelf_refuses_before_a_byte_is_sent(app, browse, world):
    app.config["STORAGE_QUOTA"] = 3_000_000
    yu = browse("yu")
    assert begin(yu, world.script, size=2_000_000).status_code == 201
    second = begin(yu, world.script, size=2_000_000)
    assert second.status_code == 422 and "3.0 MB" in second.text
    assert begin(browse("jia"), world.script, size=2_000_000).status_code == 201, "who only begins keeps nobody out"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<html><script>alert(1)</script></html>", "film.mp4"),
        (b"%PDF-1.4", "film.mp4"),
        (b"PK\3\4nonsense", "plan.xlsx"),
    ],
)
def test_what_turns_out_to_be_something_else_is_not_kept(app, browse, world, content, name):
    answer, address = send(browse("yu"), world.script, content, name)
    assert answer.status_code == 422 and name in answer.text
    assert browse("yu").open("HEAD", address, headers=TUS).status_code == 404
    with app.app_context():
        assert storage.forgotten([], timedelta(seconds=-5)) == 0
    assert world.script.file_count == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Length": "-1"},
        {"Upload-Length": ""},
        {"Upload-Length": "٣"},
        {"Upload-Length": "9", "Upload-Metadata": "filename !!!"},
        {"Upload-Length": "9", "Upload-Metadata": "filename /w=="},
    ],
)
def test_nonsense_is_400(browse, world, headers):
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert browse("yu").post("/uploads", headers={**TUS, **headers}).status_code == 400


def test_the_protocol_is_kept_to(browse, world):
    yu = browse("yu")
    address = begin(yu, world.script).location
    assert yu.post("/uploads", headers={"Upload-Length": "9"}).status_code == 412
    assert piece(yu, address, 0, b"x", **{"Content-Type": "text/plain"}).status_code == 415
    assert piece(yu, address, "x", b"x").status_code == 400
    assert piece(yu, address, 0, bytes((16 << 20) + 1)).status_code == 413
    assert piece(yu, address, 0, LONG_FILM + b"x").status_code == 413, "more than was announced"
    says = yu.open("OPTIONS", "/uploads").headers
    assert (says["Tus-Version"], says["Tus-Extension"]) == ("1.0.0", "creation,termination")
    assert says["Tus-Max-Size"] == "2000000000"


def test_without_the_pages_token_nothing_is_sent(browse, world):
    yu = browse("yu")
    address = begin(yu, world.script).location
    for method, path in (("POST", "/uploads"), ("PATCH", address), ("DELETE", address)):
        assert yu.open(method, path, headers={**PIECE, "X-CSRFToken": "", "Upload-Offset": "0"}).status_code == 400


# whose it is


def test_an_upload_is_there_for_its_owner_alone(browse, world):
    address = begin(browse("jess"), world.unboxing).location
    for person in ("yu", "theo", "lead", "admin"):
        other = browse(person)
        assert other.open("HEAD", address, headers=TUS).status_code == 404
        assert piece(other, address, 0, b"x").status_code == 404
        assert other.delete(address, headers=TUS).status_code == 404
    for task in (world.script, world.night_hike, world.frame):
        assert begin(browse("jess"), task).status_code == 404
    assert begin(browse("maya"), world.script).status_code == 201, "review notes"


def test_a_task_that_is_lost_in_the_middle_takes_no_more(app, browse, world, monkeypatch):
    jess = browse("jess")
    address = begin(jess, world.unboxing).location
    piece(jess, address, 0, LONG_FILM[:1000])
    finish = storage.finish

    def finished(key):
        """She loses the task while the last bytes are judged."""
        with app.app_context():
            world.unboxing.owner_id = world.yu.id
            db.session.commit()
        return finish(key)

    monkeypatch.setattr("linkstar.storage.finish", finished)
    assert piece(jess, address, 1000, LONG_FILM[1000:]).status_code == 404
    assert jess.open("HEAD", address, headers=TUS).status_code == 404
    assert world.unboxing.file_count == 0


def test_what_is_given_up_leaves_nothing(app, browse, world):
    yu = browse("yu")
    address = begin(yu, world.script).location
    piece(yu, address, 0, LONG_FILM[:1000])
    page = yu.get(f"/tasks/{world.script.id}").text
    assert elements(page, **{"data-unfinished": address})
    assert not elements(browse("jia").get(f"/tasks/{world.script.id}").text, "data-unfinished")
    assert yu.delete(address, headers=TUS).status_code == 204
    assert piece(yu, address, 1000, b"x").status_code == 404
    assert not elements(yu.get(f"/tasks/{world.script.id}").text, "data-unfinished")
    with app.app_context():
        assert storage.forgotten([], timedelta(seconds=-5)) == 0


def test_after_a_day_an_unfinished_upload_goes(app, browse, world, monkeypatch):
    yu = browse("yu")
    address = begin(yu, world.script).location
    piece(yu, address, 0, LONG_FILM[:1000])
    monkeypatch.setattr("linkstar.jobs.UPLOADS_KEPT", timedelta(hours=24))
    with app.app_context(), clock.at(NOW + timedelta(hours=23)):
        jobs.sweep()
        assert storage.forgotten([db.session.scalars(db.select(Upload.file_key)).one()], timedelta(seconds=-5)) == 0
    with app.app_context(), clock.at(NOW + timedelta(hours=25)):
        jobs.sweep()
        assert storage.forgotten([], timedelta(seconds=-5)) == 1
    assert browse("yu").open("HEAD", address, headers=TUS).status_code == 404


@pytest.mark.both_databases
def test_nobody_waits_for_a_slow_line(app, browse, world):
    """While bytes arrive the database is free for other writers."""
    yu = browse("yu")
    address = begin(yu, world.script).location
    wrote = []

    class Slow(BytesIO):
        def readinto(self, buffer):
            if not wrote:
                thread = threading.Thread(target=write)
                thread.start()
                thread.join(5)
            return super().readinto(buffer)

    def write():
        with app.app_context():
            db.session.execute(text("UPDATE task SET file_count = file_count"))
            db.session.commit()
            wrote.append(True)

    answer = yu.open(
        "PATCH", address, headers={**PIECE, "Upload-Offset": "0"}, input_stream=Slow(LONG_FILM[:1000]),
        environ_overrides={"CONTENT_LENGTH": "1000"},
    )  # fmt: skip
    assert (answer.status_code, wrote) == (204, [True])


def test_a_key_for_repeated_requests_reads_no_piece_into_memory(browse, world):
    yu = browse("yu")
    address = begin(yu, world.script).location
    for _time in range(2):
        answer = piece(yu, address, 0, LONG_FILM[:1000], **{"Idempotency-Key": "once"})
    assert answer.status_code == 409, "the offset says that it came before"


def test_what_still_arrives_is_not_swept_away(app, browse, world):
    address = begin(browse("jess"), world.unboxing).location
    with clock.at(NOW + timedelta(hours=23)):
        assert piece(browse("jess"), address, 0, LONG_FILM[:400_000]).status_code == 204
    for later, status in ((25, 204), (48, 404)):
        with clock.at(NOW + timedelta(hours=later)):
            with app.app_context():
                jobs.sweep()
            assert browse("jess").open("HEAD", address, headers=TUS).status_code == status


def test_of_two_files_that_end_together_the_second_finds_the_workspace_full(app, browse, world):
    """Each was begun while there was room for it."""
    app.config["STORAGE_QUOTA"] = WHOLE * 3 // 2
    jess, yu = browse("jess"), browse("yu")
    first, second = begin(jess, world.unboxing).location, begin(yu, world.script).location
    assert piece(jess, first, 0, LONG_FILM).status_code == 204
    assert piece(yu, second, 0, LONG_FILM).status_code == 422
    assert yu.open("HEAD", second, headers=TUS).status_code == 404
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count(AttachmentVersion.id))) == 1
