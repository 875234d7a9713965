import hashlib
import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from linkstar import storage
from tests.conftest import make_app

ANY_AGE = timedelta(hours=-1)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the bytes lie; uploads need no database."""
    app = Flask("storage")
    app.config["STORAGE_URL"] = (tmp_path / "上传 100%").as_uri()
    with app.app_context():
        yield tmp_path / "上传 100%"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def put(content: bytes) -> storage.Stored:
    return storage.put(io.BytesIO(content), limit=1_000_000)


# keeping


def test_what_is_put_can_be_opened_under_its_key_until_it_is_deleted(folder: Path) -> None:
    content = b"FCC" * 100_000
    stored = put(content)
    assert (stored.size, stored.sha256) == (300_000, hashlib.sha256(content).hexdigest())
    with storage.open(stored.key) as file:
        assert file.read() == content
    storage.delete(stored.key)
    storage.delete(stored.key)
    with pytest.raises(storage.Missing):
        storage.open(stored.key)
    assert files_in(folder) == []


def test_the_same_content_twice_is_two_files_and_nobody_else_may_read_them(folder: Path) -> None:
    assert put(b"same").key != put(b"same").key
    assert len(files_in(folder)) == 2
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))} == {0}


def test_an_application_keeps_files_in_its_own_data_folder(tmp_path: Path) -> None:
    with make_app("sqlite://", tmp_path).app_context():
        put(b"here")
    assert len(files_in(tmp_path / "files")) == 1


@pytest.mark.parametrize("size", [storage.CHUNK + 1, 10 * storage.CHUNK])
def test_too_much_is_refused_and_leaves_nothing(folder: Path, size: int) -> None:
    assert storage.put(io.BytesIO(bytes(storage.CHUNK)), limit=storage.CHUNK).size == storage.CHUNK
    with pytest.raises(storage.TooLarge) as refusal:
        storage.put(io.BytesIO(bytes(size)), limit=storage.CHUNK)
    assert refusal.value.limit == storage.CHUNK
    assert len(files_in(folder)) == 1


def test_a_lost_connection_leaves_nothing(folder: Path) -> None:
    class Lost(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(ConnectionResetError):
        storage.put(Lost(bytes(200_000)), limit=1_000_000)
    assert files_in(folder) == []


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
from linkstar import storage
class Stream(io.BytesIO):
    def read(self, size=-1):
        if self.tell() > 100_000:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(size)
app = Flask("storage")
app.config["STORAGE_URL"] = sys.argv[1]
with app.app_context():
    storage.put(Stream(bytes(500_000)), limit=1_000_000)
"""


def test_a_process_killed_in_the_middle_leaves_no_key_and_its_rest_is_swept(folder: Path) -> None:
    command = [sys.executable, "-c", KILLED, folder.as_uri()]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    assert subprocess.run(command, env=environment).returncode == -signal.SIGKILL
    assert not [path for path in files_in(folder) if storage.KEY.fullmatch(path.name)]
    assert storage.forgotten(set(), ANY_AGE) == 1
    assert files_in(folder) == []


def test_the_sweep_takes_only_what_is_old_and_has_no_row(folder: Path) -> None:
    named, orphan = put(b"named"), put(b"orphan")
    assert storage.forgotten({named.key}, older_than=timedelta(hours=1)) == 0
    assert storage.forgotten({named.key}, older_than=ANY_AGE) == 1
    storage.open(named.key).close()
    with pytest.raises(storage.Missing):
        storage.open(orphan.key)


@pytest.mark.parametrize(
    "key",
    [
        *("", "..", "../../secret", "/etc/passwd", "../" + "a" * 29, "aa/../" + "a" * 26),
        *("a" * 31, "a" * 33, "A" * 32, "g" * 32, "ａ" * 32, "a" * 32 + "\n", "a" * 31 + "\0"),
    ],
)
def test_a_key_is_no_path(folder: Path, key: str) -> None:
    (folder.parent / "secret").write_text("secret")
    with pytest.raises(storage.Missing):
        storage.open(f"{put(b'x').key}/{key}")
    with pytest.raises(storage.Missing):
        storage.open(key)
    storage.delete(key)
    assert (folder.parent / "secret").exists()


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
    monkeypatch.setattr(storage, "LARGEST_UNPACKED", 10_000)
    monkeypatch.setattr(zipfile.ZipFile, "testzip", lambda archive: pytest.fail("unpacked"))
    assert storage.kind_of(io.BytesIO(content), "大.docx") is None
