import fcntl
import hashlib
import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from flask import Flask, current_app, request
from werkzeug.serving import make_server

from linkstar import doctor, storage
from linkstar.storage import kinds
from tests import buckets
from tests.conftest import make_app

ANY_AGE = timedelta(hours=-1)
FILM = os.urandom(1_000_000)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with buckets.serving() as endpoint:
        yield endpoint


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the bytes lie; uploads need no database."""
    app = Flask("storage")
    app.config["STORAGE_URL"] = (tmp_path / "上传 100%").as_uri()
    with app.app_context():
        yield tmp_path / "上传 100%"


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Both kinds of storage, one after the other."""
    app = Flask("storage")
    if request.param == "folder":
        app.config["STORAGE_URL"] = (tmp_path / "上传 100%").as_uri()
    else:
        monkeypatch.setattr("linkstar.storage.bucket.PART", 100_000)  # of what grows; parts of whole files stay large
        app.config["STORAGE_URL"] = buckets.url(request.getfixturevalue("endpoint"), f"上传/{secrets.token_hex(4)}")
    with app.app_context():
        yield app


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def put(content: bytes) -> storage.Stored:
    return storage.put(io.BytesIO(content), limit=1_000_000)


def content_of(key: str) -> bytes:
    with storage.open(key) as file:
        return file.read()


def run(program: str, app: Flask, *arguments: str) -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", program, app.config["STORAGE_URL"], *arguments]
    return subprocess.run(command, env=environment).returncode


class Watched(io.BytesIO):
    """Calls back before each read."""

    def __init__(self, content: bytes, before: Callable[[int], object]) -> None:
        super().__init__(content)
        self.before = before

    def read(self, size: int | None = -1) -> bytes:
        self.before(self.tell())
        return super().read(size)


def lost_after(arrived: int) -> Callable[[int], None]:
    def lose(position: int) -> None:
        if position >= arrived:
            raise ConnectionResetError

    return lose


# keeping


def test_what_is_put_can_be_opened_under_its_key_until_it_is_deleted(kept: Flask) -> None:
    content = b"FCC" * 100_000
    stored = put(content)
    assert (stored.size, stored.sha256) == (300_000, hashlib.sha256(content).hexdigest())
    assert content_of(stored.key) == content
    storage.delete(stored.key)
    storage.delete(stored.key)
    with pytest.raises(storage.Missing):
        storage.open(stored.key)
    assert storage.forgotten(set(), ANY_AGE) == 0


def test_the_same_content_twice_is_two_files_and_nobody_else_may_read_them(folder: Path) -> None:
    assert put(b"same").key != put(b"same").key
    storage.begin()
    assert len(files_in(folder)) == 3
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))} == {0}


def test_an_application_keeps_files_in_its_own_data_folder(tmp_path: Path) -> None:
    with make_app("sqlite://", tmp_path).app_context():
        put(b"here")
    assert len(files_in(tmp_path / "files")) == 1


@pytest.mark.parametrize("size", [storage.CHUNK + 1, 10 * storage.CHUNK])
def test_too_much_is_refused_and_leaves_nothing(kept: Flask, size: int) -> None:
    assert storage.put(io.BytesIO(bytes(storage.CHUNK)), limit=storage.CHUNK).size == storage.CHUNK
    with pytest.raises(storage.TooLarge) as refusal:
        storage.put(io.BytesIO(bytes(size)), limit=storage.CHUNK)
    assert refusal.value.limit == storage.CHUNK
    assert storage.forgotten(set(), ANY_AGE) == 1


def test_a_lost_connection_leaves_nothing(kept: Flask) -> None:
    with pytest.raises(ConnectionResetError):
        storage.put(Watched(FILM, lost_after(100_000)), limit=1_000_000)
    assert storage.forgotten(set(), ANY_AGE) == 0


def test_a_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        put(b"content")
    assert files_in(folder) == []


KILLED = """
import io, os, signal, sys
from flask import Flask
from linkstar import doctor, storage
class Stream(io.BytesIO):
    def read(self, size=-1):
        if self.tell() > 600_000:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(size)
app = Flask("storage")
app.config["STORAGE_URL"], what, *more = sys.argv[1:]
with app.app_context():
    stream = Stream(bytes(1_000_000))
    if what == "append":
        from linkstar.storage import bucket
        bucket.PART = 100_000
        storage.append(more[0], 0, stream, limit=1_000_000)
    else:
        storage.put(stream, limit=1_000_000)
"""


def test_a_process_killed_in_the_middle_leaves_no_key_and_its_rest_is_swept(folder: Path) -> None:
    app = Flask("storage")
    app.config["STORAGE_URL"] = folder.as_uri()
    assert run(KILLED, app, "put") == -signal.SIGKILL
    assert not [path for path in files_in(folder) if storage.KEY.fullmatch(path.name)]
    assert storage.forgotten(set(), ANY_AGE) == 1
    assert files_in(folder) == []


def test_the_sweep_takes_only_what_is_old_and_has_no_row(kept: Flask) -> None:
    named, orphan = put(b"named"), put(b"orphan")
    growing, left = storage.begin(), storage.begin()
    storage.append(growing, 0, io.BytesIO(FILM), limit=len(FILM))
    storage.append(left, 0, io.BytesIO(FILM), limit=len(FILM))
    assert storage.forgotten({named.key, growing}, older_than=timedelta(hours=1)) == 0
    assert storage.forgotten({named.key, growing}, older_than=ANY_AGE) == 2
    assert content_of(named.key) == b"named"
    with pytest.raises(storage.Missing):
        storage.open(orphan.key)
    with pytest.raises(storage.Missing):
        storage.grown(left)
    storage.finish(growing)
    assert content_of(growing) == FILM


@pytest.mark.parametrize(
    "key",
    [
        *("", "..", "../../secret", "/etc/passwd", "../" + "a" * 29, "aa/../" + "a" * 26),
        *("a" * 31, "a" * 33, "A" * 32, "g" * 32, "ａ" * 32, "a" * 32 + "\n", "a" * 31 + "\0"),
    ],
)
def test_a_key_is_no_path(folder: Path, key: str) -> None:
    (folder.parent / "secret").write_text("secret")
    for name in (key, f"{put(b'x').key}/{key}"):
        for read in (storage.open, storage.grown, storage.finish):
            with pytest.raises(storage.Missing):
                read(name)
        with pytest.raises(storage.Missing):
            storage.append(name, 0, io.BytesIO(b"x"), limit=1)
        storage.delete(name)
        storage.abandon(name)
    assert (folder.parent / "secret").read_text() == "secret"


# growing


def grow(key: str, content: bytes, limit: int = len(FILM)) -> int:
    """Goes on where the file ends."""
    offset = storage.grown(key)
    return storage.append(key, offset, io.BytesIO(content[offset:]), limit=limit)


def test_a_film_whose_connection_breaks_off_twice_arrives_byte_by_byte(kept: Flask) -> None:
    key = storage.begin()
    assert storage.grown(key) == 0
    first = storage.append(key, 0, Watched(FILM, lost_after(400_000)), limit=len(FILM))
    assert 400_000 <= first == storage.grown(key) < 500_000
    second = storage.append(key, first, Watched(FILM[first:], lost_after(70_000)), limit=len(FILM))
    assert first < second == storage.grown(key) < len(FILM)
    with pytest.raises(storage.Missing):
        storage.open(key)
    assert grow(key, FILM) == len(FILM)
    assert storage.finish(key) == storage.Stored(key, len(FILM), hashlib.sha256(FILM).hexdigest())
    assert content_of(key) == FILM


def test_what_a_phone_sent_before_it_lost_its_line_is_kept(kept: Flask) -> None:
    @kept.patch("/<key>/<int:offset>")
    def patch(key: str, offset: int) -> str:
        return str(storage.append(key, offset, request.stream, limit=len(FILM)))

    key = storage.begin()
    server = make_server("127.0.0.1", 0, kept, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    with socket.create_connection(server.server_address[:2]) as phone:
        phone.sendall(f"PATCH /{key}/0 HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(FILM)}\r\n\r\n".encode())
        phone.sendall(FILM[:333_333])
    deadline = time.monotonic() + 20
    while storage.grown(key) < 333_333 and time.monotonic() < deadline:
        time.sleep(0.05)
    server.shutdown()
    server.server_close()
    assert storage.grown(key) == 333_333
    grow(key, FILM)
    storage.finish(key)
    assert content_of(key) == FILM


@pytest.mark.parametrize("wrong", [0, 9, 11, 10_000_000])
def test_bytes_go_on_only_where_the_file_ends(kept: Flask, wrong: int) -> None:
    key = storage.begin()
    assert storage.append(key, 0, io.BytesIO(b"0123456789"), limit=100) == 10
    for content in (b"more", b""):
        with pytest.raises(storage.WrongOffset) as refusal:
            storage.append(key, wrong, io.BytesIO(content), limit=100)
        assert refusal.value.actual == 10
    assert storage.append(key, 10, io.BytesIO(b""), limit=100) == 10
    storage.finish(key)
    assert content_of(key) == b"0123456789"


def test_of_two_who_send_at_once_one_is_refused(kept: Flask) -> None:
    key, together = storage.begin(), Barrier(2)

    def send(content: bytes) -> int | str:
        with kept.app_context():
            together.wait()
            try:
                return storage.append(key, 0, io.BytesIO(content), limit=len(FILM))
            except storage.WrongOffset:
                return "refused"

    contents = FILM, FILM[::-1]
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(send, contents))
    assert sorted(map(str, answers)) == [str(len(FILM)), "refused"]
    storage.finish(key)
    assert content_of(key) == contents[answers.index(len(FILM))]


@pytest.mark.parametrize("meanwhile", ["grown", "finished"])
def test_who_comes_while_the_file_is_held_looks_again(folder: Path, meanwhile: str) -> None:
    app = current_app._get_current_object()
    key = storage.begin()
    growing, place = folder / "growing" / key, folder / key[:2] / key[2:4] / key
    held = Event()

    def send() -> None:
        with app.app_context():
            storage.append(key, 0, Watched(b"late", lambda position: held.wait(20)), limit=100)

    with ThreadPoolExecutor() as pool, growing.open("wb") as file:
        sending = pool.submit(send)
        assert wait([sending], timeout=0.3).not_done
        fcntl.flock(file, fcntl.LOCK_EX)
        held.set()
        assert wait([sending], timeout=0.3).not_done
        if meanwhile == "grown":
            file.write(b"first")
        else:
            place.parent.mkdir(parents=True)
            growing.rename(place)
        file.close()
        with pytest.raises(storage.WrongOffset if meanwhile == "grown" else storage.Missing):
            sending.result()
    assert (growing if meanwhile == "grown" else place).read_bytes() == (b"first" if meanwhile == "grown" else b"")


def test_a_line_that_died_unseen_neither_locks_out_who_goes_on_nor_adds_to_it(kept: Flask) -> None:
    """The phone is back on another network while the server still waits for the first one."""
    key = storage.begin()

    def wake(position: int) -> None:
        if position > 500_000:
            grow(key, FILM)

    with pytest.raises(storage.WrongOffset) as refusal:
        storage.append(key, 0, Watched(FILM + b"late", wake), limit=2 * len(FILM))
    assert refusal.value.actual == len(FILM)
    storage.finish(key)
    assert content_of(key) == FILM


def test_who_still_sends_when_the_file_is_finished_does_not_change_it(kept: Flask) -> None:
    key = storage.begin()
    grow(key, FILM)

    def wake(position: int) -> None:
        if position == 0:
            storage.finish(key)

    with suppress(storage.Missing):  # a bucket takes it, as a piece that belongs to nothing and is swept
        storage.append(key, len(FILM), Watched(b"late", wake), limit=2 * len(FILM))
    assert content_of(key) == FILM
    assert storage.grown(key) == len(FILM)
    storage.forgotten({key}, ANY_AGE)
    assert content_of(key) == FILM


def test_after_a_kill_in_the_middle_it_goes_on_in_another_process(kept: Flask) -> None:
    key = storage.begin()
    assert run(KILLED, kept, "append", key) == -signal.SIGKILL
    assert 500_000 < storage.grown(key) < 1_000_000
    assert grow(key, bytes(1_000_000)) == 1_000_000
    assert storage.finish(key).sha256 == hashlib.sha256(bytes(1_000_000)).hexdigest()


def test_finishing_may_be_repeated_for_a_transaction_that_was_lost(kept: Flask) -> None:
    key = storage.begin()
    grow(key, FILM)
    stored = storage.finish(key)
    assert storage.grown(key) == len(FILM)
    assert storage.finish(key) == stored
    with pytest.raises(storage.Missing):
        storage.append(key, 0, io.BytesIO(b"x"), limit=9)
    storage.abandon(key)
    assert content_of(key) == FILM


def test_what_grew_for_days_is_as_young_as_its_end(folder: Path) -> None:
    key = storage.begin()
    os.utime(folder / "growing" / key, (0, 0))
    storage.finish(key)
    assert storage.forgotten(set(), timedelta(days=1)) == 0


def test_more_than_was_allowed_is_not_kept(kept: Flask) -> None:
    key = storage.begin()
    with pytest.raises(storage.TooLarge) as refusal:
        storage.append(key, 0, io.BytesIO(FILM), limit=250_000)
    assert refusal.value.limit == 250_000
    kept_bytes = storage.grown(key)
    assert kept_bytes <= 250_000
    with pytest.raises(storage.TooLarge):
        storage.append(key, kept_bytes, io.BytesIO(FILM), limit=kept_bytes)
    assert storage.finish(key).size == kept_bytes
    assert content_of(key) == FILM[:kept_bytes]


def test_what_is_abandoned_is_gone(kept: Flask) -> None:
    key = storage.begin()
    grow(key, FILM)
    storage.abandon(key)
    storage.abandon(key)
    for ask in (storage.grown, storage.finish, storage.open):
        with pytest.raises(storage.Missing):
            ask(key)
    with pytest.raises(storage.Missing):
        storage.append(key, 0, io.BytesIO(b"x"), limit=1)
    assert storage.forgotten(set(), ANY_AGE) == 0


LARGE = """
import io, resource, sys
from flask import Flask
from linkstar import doctor, storage
class Film(io.RawIOBase):
    def __init__(self, size):
        self.left = size
    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        return bytes(size)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
app = Flask("storage")
app.config["STORAGE_URL"], size = sys.argv[1], int(sys.argv[2])
with app.app_context():
    storage.delete(storage.put(Film(1000), limit=1000).key)
    before = peak()
    key = storage.begin()
    storage.append(key, 0, Film(size), limit=size)
    stored = storage.finish(key)
    assert stored.size == size
    with storage.open(key) as file:
        while file.read(1 << 16):
            pass
    storage.delete(storage.put(Film(size), limit=size).key)
    storage.delete(key)
    print("megabytes more:", peak() - before, file=sys.stderr)
    sys.exit(peak() - before > 80)
"""


def test_memory_stays_flat_however_large_the_film(kept: Flask) -> None:
    assert run(LARGE, kept, "150_000_000") == 0


def test_the_doctor_is_told_what_keeps_bytes_from_being_stored(kept: Flask) -> None:
    assert storage.trouble() is None
    assert storage.forgotten(set(), ANY_AGE) == 0


def test_the_doctor_is_told_of_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("in the way")
    app = make_app("sqlite://", tmp_path)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert "files" in (dict(doctor.examine(app))["Uploaded files"] or "")


def test_neither_amazon_nor_pictures_are_loaded_until_they_are_used(folder: Path) -> None:
    app = Flask("storage")
    app.config["STORAGE_URL"] = folder.as_uri()
    assert run("import linkstar, sys; sys.exit(bool({'boto3', 'botocore', 'PIL'} & set(sys.modules)))", app) == 0


# judging


def container(brand: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + brand + bytes(4) + b"".join(others)
    return (len(body) + 4).to_bytes(4, "big") + body + bytes(64)


def office(main: str, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(main, os.urandom(3000))
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def patched(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new)


def encrypted(content: bytes) -> bytes:
    """Each member says that it is encrypted."""
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        parts = content.split(signature)
        content = signature.join([parts[0], *(part[: flags - 4] + b"\1" + part[flags - 3 :] for part in parts[1:])])
    return content


def lying(content: bytes) -> bytes:
    """The directory's last entry claims one byte, whatever it unpacks to."""
    entry = content.rindex(b"PK\1\2")
    return content[: entry + 24] + (1).to_bytes(4, "little") + content[entry + 28 :]


DOCX, XLSX, PPTX = storage.OFFICE
WORD, SHEET, SLIDES = "word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe1\x00\x18Exif\x00\x00" + bytes(64) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(24)
GIF = b"GIF89a\x01\x00\x01\x00\x80" + bytes(20)
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
PROGRAM = b"MZ\x90\x00\x03" + bytes(200) + b"PE\0\0" + bytes(100)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("FCC检测报告终稿.pdf", PDF, "application/pdf"),
        ("IMG_0001.JPG", JPEG, "image/jpeg"),
        ("主图.jpeg", b"\xff\xd8\xff\xdb\x00C\x00" + bytes(80), "image/jpeg"),
        ("主图.png", PNG, "image/png"),
        ("主图.webp", WEBP, "image/webp"),
        ("主图.gif", GIF, "image/gif"),
        ("IMG_0002.HEIC", container(b"heic", b"mif1", b"heic"), "image/heic"),
        ("IMG_0003.heif", container(b"mif1", b"mif1", b"heic"), "image/heic"),
        ("开箱.mp4", container(b"isom", b"iso2", b"mp41"), "video/mp4"),
        ("开箱.mp4", container(b"mp42"), "video/mp4"),
        ("IMG_0004.MOV", container(b"qt  "), "video/quicktime"),
        ("合同.docx", office(WORD), DOCX),
        ("报价.xlsx", office(SHEET), XLSX),
        ("方案.pptx", office(SLIDES, ("ppt/slides/幻灯片1.xml", b"x" * 9000)), PPTX),
        ("说明.txt", "检测通过，可以出货\r\n".encode(), "text/plain"),
        ("说明.txt", "检测通过，可以出货\r\n".encode("gb18030"), "text/plain"),
        ("说明.txt", ("a" + "检" * 100_000).encode(), "text/plain"),
        ("SKU.csv", "\ufeffSKU,数量\nEARB-003,500\n".encode(), "text/csv"),
        ("SKU.csv", "SKU,数量,描述\nEARB-003,500,<b>轻</b>\n".encode("gb18030"), "text/csv"),
    ],
)
def test_what_teams_really_upload_is_known_by_its_content(name: str, content: bytes, kind: str) -> None:
    file = io.BytesIO(content)
    assert storage.kind_of(file, name) == kind
    assert file.tell() == 0


HOSTILE = {
    "nothing.pdf": b"",
    "nothing.txt": b"",
    "page.html": HTML,
    "page.jpg": HTML,
    "page.pdf": HTML,
    "page.txt": HTML,
    "page.csv": b"\xef\xbb\xbf\r\n " + HTML,
    "late.txt": b"Dear team,\n<SCRIPT src=//evil.example></script>",
    "page.docx": HTML,
    "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "picture.png": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "feed.xml": b'<?xml version="1.0"?><a/>',
    "feed.txt": b'<?xml version="1.0"?><!ENTITY x SYSTEM "file:///etc/passwd"><a/>',
    "run.js": b"alert(1)",
    "run.sh": b"#!/bin/sh\nrm -rf /\n",
    "run.txt": b"#!/bin/sh\nrm -rf /\n",
    "run.php.txt": b"hello <?php system($_GET[0]) ?>",
    "run.exe": PROGRAM,
    "run.pdf": PROGRAM,
    "run.txt ": b"text",
    "run": b"text",
    "report.pdf.exe": PDF,
    "elf.csv": b"\x7fELF\x02\x01\x01" + bytes(9),
    "report.jpg": PDF,
    "photo.pdf": JPEG,
    "photo.png": JPEG,
    "photo.txt": JPEG,
    "both.jpg": b"\xff\xd8\xff\xe1<html><script>alert(1)</script>",
    "both.gif": b"GIF89a/*<script>*/=1;alert(1)",
    "late.pdf": b"junk " * 20 + PDF,
    "film.mp4": container(b"heic"),
    "photo.heic": container(b"mif1", b"avif"),
    "film.mov": b"moov" + bytes(40),
    "wide.txt": "检测".encode("utf-16"),
    "zero.csv": b"SKU,\0,500",
    "terminal.txt": b"\x1b]0;owned\x07",
    "broken.txt": b"abc\xff\xfe\xff",
    "cut.txt": "检测".encode()[:-1],
    "plain.docx": office("readme.txt"),
    "sheet.docx": office(SHEET),
    "archive.zip": office(WORD),
    "macro.docx": office(WORD, ("word/vbaProject.bin", b"macro")),
    "climbs.docx": office(WORD, ("../../etc/cron.d/evil", b"x")),
    "absolute.docx": office(WORD, ("/etc/passwd", b"x")),
    "windows.docx": patched(office(WORD, ("word/..|evil", b"x")), b"..|evil", b"..\\evil"),
    "drive.docx": office(WORD, ("C:evil", b"x")),
    "twice.docx": patched(office(WORD, ("word/document.xmk", b"x")), b"document.xmk", b"document.xml"),
    "bomb.docx": office(WORD, ("word/media/bomb", bytes(20_000_000))),
    "many.docx": office(WORD, *((f"word/{number}", b"") for number in range(5000))),
    "lying.docx": lying(office(WORD, ("word/media/bomb", bytes(200_000)))),
    "secret.docx": encrypted(office(WORD)),
    "exotic.docx": office(WORD, method=zipfile.ZIP_LZMA),
    "prefixed.docx": PROGRAM + office(WORD),
    "damaged.docx": office(WORD, method=zipfile.ZIP_STORED)[:-30],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_upload_is_refused(name: str) -> None:
    assert storage.kind_of(io.BytesIO(HOSTILE[name]), name) is None


def test_a_directory_without_end_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZipFile", lambda file: pytest.fail("read"))
    assert storage.kind_of(io.BytesIO(b"PK\3\4" + b"PK\1\2" * 200_000), "大.docx") is None


def test_two_hundred_megabytes_are_never_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    content = office(WORD, ("word/media/film", os.urandom(10_000)))
    monkeypatch.setattr(kinds, "LARGEST_UNPACKED", 10_000)
    monkeypatch.setattr(zipfile.ZipFile, "testzip", lambda archive: pytest.fail("unpacked"))
    assert storage.kind_of(io.BytesIO(content), "大.docx") is None
