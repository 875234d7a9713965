import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from linkstar.evidence_pack import Altered, Fault, build, places, sealing_key, verify

KEY = sealing_key("x9-Qf2_mLp7Rz0aVtB4cKd8sWn1yHjEu")
PASSED: dict[str, Any] = {"passed_at": "2026-11-05T17:30:31+08:00", "gate": "合规准备", "signed_by": ["王敏", "Grace"]}
PAGES = {"index.html": "<p>合规准备 passed</p>".encode()}
FILES = [("FCC检测报告终稿.pdf", b"%PDF-1.7 tested"), ("UL 2056.txt", b"PK\1\2 passed"), ("空.csv", b"")]
REPORT = "files/FCC检测报告终稿.pdf"


def packed(
    files: list[tuple[str, bytes]] = FILES, manifest: dict[str, Any] = PASSED, pages: dict[str, bytes] = PAGES
) -> bytes:
    named = ((name, hashlib.sha256(body).hexdigest(), partial(io.BytesIO, body)) for name, body in files)
    with build(manifest, pages, named, KEY) as pack:
        return pack.read()


def faults(pack: bytes, key: bytes = KEY) -> list[Fault]:
    return verify(io.BytesIO(pack), key)


def faulty(pack: bytes) -> set[tuple[str | None, str]]:
    return {(fault.member, fault.reason) for fault in faults(pack)}


def owner(pack: bytes, place: int) -> tuple[str | None, int]:
    """The member a byte belongs to, and where its content begins; for the directory, the byte itself."""
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        if place >= archive.start_dir:
            return None, place
        entry = [entry for entry in archive.infolist() if entry.header_offset <= place][-1]
    return entry.filename, entry.header_offset + 30 + len(entry.filename.encode())


def assert_named(pack: bytes, place: int, found: list[Fault]) -> None:
    member, start = owner(pack, place)
    offset = min(start, place)  # a byte of the content is named by where that begins, any other by itself
    assert (member, offset) in {(fault.member, fault.offset) for fault in found}, (place, found)


def repacked(pack: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """As somebody would do it who unpacks it, changes something and packs it with another program."""
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    change(contents)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_a_pack_opens_anywhere_and_lists_each_page_and_file() -> None:
    pack = packed()
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == ["manifest.json", "seal.txt", "index.html", REPORT, "files/UL 2056.txt", "files/空.csv"]
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 11, 5, 9, 30, 30)}
        manifest = json.loads(archive.read("manifest.json"))
        for each in manifest.pop("files"):
            content = archive.read(each["name"])
            assert (each["size"], each["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
            names.remove(each["name"])
        assert names == ["manifest.json", "seal.txt"]
        assert manifest == PASSED
        assert "核验" in archive.read("seal.txt").decode()
    assert faults(pack) == []


def test_the_same_evidence_is_the_same_bytes_whatever_python_packs_it() -> None:
    """Packs that people keep are checked years later: a change of this number calls them altered."""
    assert hashlib.sha256(packed()).hexdigest() == "70e58ab18a6ba4578bc77735cfed27bfb75e0bcf51c5b9ce036777387600d157"


def test_a_pack_larger_than_memory_should_hold_is_whole_too() -> None:
    assert faults(packed([("开箱.mp4", bytes(range(256)) * 20_000)])) == []


def test_a_file_that_is_no_longer_what_was_signed_is_not_packed() -> None:
    with pytest.raises(Altered) as refusal:
        build(PASSED, PAGES, [("报告.pdf", "0" * 64, partial(io.BytesIO, b"other"))], KEY)
    assert refusal.value.name == "报告.pdf"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["报告.pdf", "报告.pdf", "报告.PDF"], ["报告.pdf", "报告 (2).pdf", "报告 (3).PDF"]),
        (["a (2).txt", "a.txt", "a.txt"], ["a (2).txt", "a.txt", "a (3).txt"]),
        (["../../etc/passwd", "C:\\Windows\\hosts", "/root"], ["passwd", "hosts", "root"]),
        (["..", ".", "", " . "], ["_", "_ (2)", "_ (3)", "_ (4)"]),
        (["a\nb\0c.txt", "x\u202egpj.exe", 'what?"<|>*.md'], ["a_b_c.txt", "x_gpj.exe", "what______.md"]),
        (["a:b", "e\u0301.txt"], ["a_b", "é.txt"]),
    ],
)
def test_names_are_kept_but_made_harmless_and_unique(names: list[str], found: list[str]) -> None:
    assert places(names) == [f"files/{name}" for name in found]


def test_a_name_fits_into_any_file_system() -> None:
    one, other = places(["检" * 300 + ".pdf", "检" * 300 + ".pdf"])
    assert one != other
    assert all(len(place.encode()) < 255 and place.endswith(".pdf") for place in (one, other))


@pytest.mark.parametrize("gate", ["合规准备", "合规准备1"])  # a manifest of even length, and one of odd length
def test_each_single_altered_byte_is_found_and_named(gate: str) -> None:
    pack = packed(manifest={**PASSED, "gate": gate})
    for place in range(len(pack)):
        for flip in (0x01, 0x80):
            altered = bytearray(pack)
            altered[place] ^= flip
            assert_named(pack, place, faults(bytes(altered)))


def test_what_is_cut_off_or_appended_is_found() -> None:
    pack = packed()
    for place in range(len(pack)):
        assert faults(pack[:place])
    assert faults(pack + b"\0") == [Fault(None, "bytes", len(pack))]
    assert (REPORT, "missing") in faulty(pack[: owner(pack, pack.index(b"%PDF"))[1] - 50])


bodies = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=3000)), max_size=6)


@given(files=bodies, data=st.data())
def test_any_pack_is_whole_until_any_byte_changes(files: list[tuple[str, bytes]], data: st.DataObject) -> None:
    pack = packed(files)
    assert faults(pack) == []
    place = data.draw(st.integers(0, len(pack) - 1))
    altered = bytearray(pack)
    altered[place] ^= data.draw(st.integers(1, 255))
    assert_named(pack, place, faults(bytes(altered)))


@given(files=bodies, data=st.data())
def test_many_changes_are_a_fault_and_never_a_crash(files: list[tuple[str, bytes]], data: st.DataObject) -> None:
    pack = packed(files)
    start, end = sorted(data.draw(st.integers(0, len(pack))) for _ in range(2))
    altered = pack[:start] + data.draw(st.binary(max_size=60)) + pack[end:]
    assert bool(faults(altered)) == (altered != pack)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda contents: contents.update({REPORT: b"%PDF-1.7 failed"}), {(REPORT, "altered")}),
        (lambda contents: contents.pop(REPORT), {(REPORT, "missing")}),
        (lambda contents: contents.update({"files/extra.pdf": b""}), {("files/extra.pdf", "added")}),
        (lambda contents: contents.pop("manifest.json"), {(None, "foreign")}),
        (lambda contents: contents.pop("seal.txt"), {("seal.txt", "missing")}),
        (lambda contents: contents.update({"seal.txt": b"00\n"}), {("seal.txt", "seal")}),
    ],
    ids=["altered", "missing", "added", "no manifest", "no seal", "another seal"],
)
def test_a_pack_that_was_packed_anew_names_each_change(
    change: Callable[[dict[str, bytes]], object], expected: set[tuple[str | None, str]]
) -> None:
    assert faulty(repacked(packed(), change)) == expected


def test_a_member_that_is_there_twice_was_added() -> None:
    file = io.BytesIO(packed())
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(REPORT, b"%PDF-1.7 failed")
    assert faulty(file.getvalue()) == {(REPORT, "added")}


def test_a_damaged_member_of_a_pack_that_was_packed_anew_is_altered() -> None:
    damaged = bytearray(repacked(packed(), lambda contents: None))
    damaged[damaged.index(REPORT.encode()) + len(REPORT.encode())] = 0xFF  # no deflate stream begins like this
    assert (REPORT, "altered") in faulty(bytes(damaged))


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = repacked(packed(), lambda contents: contents.update({REPORT: bytes(50_000_000)}))
    unpacked, read = [], zipfile.ZipExtFile.read

    def reading(file: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        unpacked.append(read(file, size))
        return unpacked[-1]

    monkeypatch.setattr(zipfile.ZipExtFile, "read", reading)
    assert faulty(bomb) == {(REPORT, "altered")}
    assert sum(map(len, unpacked)) < 10_000


def test_a_directory_without_end_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZipFile", lambda stream: pytest.fail("read"))
    assert faulty(b"PK\1\2" * 200_000) == {(None, "foreign")}


def test_a_pack_that_was_packed_anew_is_not_as_it_was_sealed() -> None:
    assert faults(repacked(packed(), lambda contents: None))


def test_a_forger_without_the_key_breaks_the_seal() -> None:
    named = [("FCC.pdf", hashlib.sha256(b"forged").hexdigest(), partial(io.BytesIO, b"forged"))]
    with build(PASSED, PAGES, named, sealing_key("guessed")) as pack:
        assert {fault.reason for fault in verify(pack, KEY)} == {"seal"}


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"PK\5\6" + bytes(18), b"%PDF-1.7", b"PK\3\4" + bytes(300), b"\xff" * 70_000],
)
def test_what_is_no_pack_is_said_to_be_none(content: bytes) -> None:
    assert faults(content) == [Fault(None, "foreign", 0)]


@pytest.mark.parametrize(
    "head",
    [
        b"[" * 100_000,
        b"[]\n",
        b"{}\n",
        b'{\n  "files": [],\n  "passed_at": 5\n}\n',
        b'{\n  "files": [],\n  "passed_at": "2026-11-05T09:30:30"\n}\n',
        b'{\n  "files": [],\n  "passed_at": "9999-12-31T23:59:59-12:00"\n}\n',
        b'{\n  "files": [\n    {\n      "name": "a",\n      "sha256": "",\n      "size": 99999999999\n    }\n  ],\n'
        b'  "passed_at": "2026-11-05T09:30:30+00:00"\n}\n',
        b'{\n  "files": [\n    {\n      "name": "\\ud800",\n      "sha256": "",\n      "size": 1\n    }\n  ],\n'
        b'  "passed_at": "2026-11-05T09:30:30+00:00"\n}\n',
    ],
)
def test_a_hostile_manifest_is_a_fault(head: bytes) -> None:
    header = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0x800, 0, 0, 0, 0, len(head), len(head), 13, 0)
    assert faulty(header + b"manifest.json" + head) == {("manifest.json", "altered")}


def test_the_command_says_in_the_readers_language_what_was_altered(app: Flask, tmp_path: Path) -> None:
    def said(pack: bytes, language: str) -> tuple[int, str]:
        file.write_bytes(pack)
        result = app.test_cli_runner().invoke(args=["verify-pack", str(file)], env={"LC_ALL": language})
        return result.exit_code, result.output

    file = tmp_path / "佐证材料包.zip"
    with build(PASSED, PAGES, [], sealing_key(app.config["SECRET_KEY"])) as built:
        pack = built.read()
    assert said(pack, "en_US.UTF-8") == (0, "佐证材料包.zip is whole: every byte is as it was sealed.\n")
    altered = pack.replace(b"passed</p>", b"failed</p>")
    begins = owner(pack, pack.index(b"<p>"))[1]
    assert said(altered, "en_US.UTF-8") == (1, f"index.html was altered; it begins at byte {begins}.\n")
    code, sentence = said(altered, "zh_CN.UTF-8")
    assert code == 1
    assert "index.html 已被改动" in sentence
    added = repacked(pack, lambda contents: contents.update({"x\nThis is whole.": b""}))
    assert said(added, "C")[1].startswith("x?This is whole. was added at byte")
    assert said(b"", "C") == (1, "This is not an evidence pack.\n")
