"""What a passed gate leaves behind, as a ZIP that shows every later change: pages, files, a manifest and its seal.

The container is written here and not by zipfile: uncompressed, and each byte decided by the manifest, so that what
one machine sealed another one can still compare byte by byte.
"""

import hashlib
import hmac
import io
import json
import os
import re
import shutil
import struct
import sys
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, TypeAlias

Moment: TypeAlias = tuple[int, int]

MANIFEST = "manifest.json"
SEAL = "seal.txt"
SEAL_LABEL = (
    "HMAC-SHA256 of manifest.json under a key of this Linkstar; flask verify-pack checks it. "
    "本行上方是联星用自有密钥对 manifest.json 计算的 HMAC-SHA256，可用 flask verify-pack 核验。"
)
LOCAL = struct.Struct("<4s5H3I2H")
ENTRY = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
UTF8, STORED, VERSION, UNIX, PLAIN_FILE = 0x800, 0, 20, 3 << 8, 0o100644 << 16
CRC = slice(14, 18)  # of a local header
SIZE = slice(18, 22)

LONGEST_NAME = 200  # bytes; file systems take 255
LARGEST_MANIFEST = 20_000_000
MOST_ENTRIES = 100_000
CHUNK = 1 << 16
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError)
MALFORMED = (struct.error, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


class Altered(Exception):
    """A file no longer has the SHA-256 that was signed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True)
class Fault:
    """The member (None: the directory of the ZIP), what is the matter, and the byte of the archive where it begins.

    The reason is altered, missing, added, seal, bytes (of the container; the content is as it was) or foreign: no pack.
    """

    member: str | None
    reason: str
    offset: int


@dataclass(frozen=True)
class Member:
    name: str
    size: int
    sha256: str
    crc: int = 0


def sealing_key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"evidence-pack", "sha256")


def places(names: Iterable[str]) -> list[str]:
    """Where files with these names lie in the pack, in the same order: no paths, no two alike on any system."""
    taken: set[str] = set()
    found = []
    for name in names:
        path = PurePosixPath(_plain(name))
        stem, suffix, number = path.stem, path.suffix[:20], 1
        stem = stem.encode()[: LONGEST_NAME - len(suffix.encode())].decode(errors="ignore")
        place = f"files/{stem}{suffix}"
        while place.casefold() in taken:
            number += 1
            place = f"files/{stem} ({number}){suffix}"
        taken.add(place.casefold())
        found.append(place)
    return found


def _plain(name: str) -> str:
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    letters = (letter if letter.isprintable() and letter not in '<>:"|?*' else "_" for letter in last)
    return "".join(letters).strip(". ") or "_"


# building


def build(
    manifest: dict[str, Any],
    pages: dict[str, bytes],
    files: Iterable[tuple[str, str, Callable[[], BinaryIO]]],
    seal_key: bytes,
) -> IO[bytes]:
    """The ZIP (less than 4 GiB), at its beginning.

    `passed_at` in the manifest is an ISO moment with its zone; a file is its name, its SHA-256 and how to open it,
    which is done twice.
    """
    files = list(files)
    sources: dict[str, Callable[[], BinaryIO]] = {name: partial(io.BytesIO, page) for name, page in pages.items()}
    signed = dict(zip(places(name for name, *_ in files), files, strict=True))
    sources |= {place: open_file for place, (_, _, open_file) in signed.items()}
    listed = [_measured(name, source) for name, source in sources.items()]
    for member in listed:
        if member.name in signed and member.sha256 != signed[member.name][1]:
            raise Altered(signed[member.name][0])
    head = _canonical(
        {**manifest, "files": [{"name": each.name, "sha256": each.sha256, "size": each.size} for each in listed]}
    )
    first = {MANIFEST: partial(io.BytesIO, head), SEAL: partial(io.BytesIO, _seal(head, seal_key))}
    members = [*(_measured(name, source) for name, source in first.items()), *listed]
    return _written(members, {**first, **sources}, _moment(manifest))


def _written(members: list[Member], sources: dict[str, Callable[[], BinaryIO]], moment: Moment) -> IO[bytes]:
    with ExitStack() as until_written:
        pack: IO[bytes] = until_written.enter_context(tempfile.SpooledTemporaryFile(max_size=4_000_000))
        for member in members:
            pack.write(_local_header(member, moment))
            with sources[member.name]() as file:
                shutil.copyfileobj(file, pack)
        pack.write(_directory(members, moment))
        until_written.pop_all()
    pack.seek(0)
    return pack


def _measured(name: str, source: Callable[[], BinaryIO]) -> Member:
    with source() as file:
        return _measure(name, _chunks(file))


def _measure(name: str, chunks: Iterable[bytes]) -> Member:
    digest, size, crc = hashlib.sha256(), 0, 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
    return Member(name, size, digest.hexdigest(), crc)


def _canonical(manifest: dict[str, Any]) -> bytes:
    return f"{json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False)}\n".encode()


def _seal(manifest: bytes, seal_key: bytes) -> bytes:
    return f"{hmac.digest(seal_key, manifest, 'sha256').hex()}\n{SEAL_LABEL}\n".encode()


def _moment(manifest: dict[str, Any]) -> Moment:
    """Time and day as a ZIP writes them, in UTC."""
    passed_at = datetime.fromisoformat(manifest["passed_at"])
    if passed_at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    year, month, day, hour, minute, second, *_ = passed_at.astimezone(UTC).timetuple()
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def _local_header(member: Member, moment: Moment) -> bytes:
    name = member.name.encode()
    sizes = member.crc, member.size, member.size
    return LOCAL.pack(b"PK\3\4", VERSION, UTF8, STORED, *moment, *sizes, len(name), 0) + name


def _directory(members: list[Member], moment: Moment) -> bytes:
    entries, offset = [], 0
    for member in members:
        name = member.name.encode()
        shared = VERSION, UTF8, STORED, *moment, member.crc, member.size, member.size, len(name)
        entries.append(ENTRY.pack(b"PK\1\2", UNIX | VERSION, *shared, 0, 0, 0, 0, PLAIN_FILE, offset) + name)
        offset += len(_local_header(member, moment)) + member.size
    directory = b"".join(entries)
    return directory + END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), offset, 0)


# verifying


def verify(stream: IO[bytes], seal_key: bytes) -> list[Fault]:
    """What is not as it was built, of a seekable stream; nothing where each byte is.

    In a pack of the right length each byte has its place. One of another length was packed anew or cut off: there the
    members are found by name, if they can be.
    """
    archive = _opened(stream)
    plan = next(filter(None, (_plan(head, seal_key) for head in _heads(stream, archive))), None)
    if plan is None:
        start = LOCAL.size + len(MANIFEST)
        ours = _read(stream, LOCAL.size, len(MANIFEST)) == MANIFEST.encode()
        return [Fault(MANIFEST, "altered", start) if ours else Fault(None, "foreign", 0)]
    members, moment = plan
    length = sum(len(_local_header(member, moment)) + member.size for member in members)
    length += len(_directory(members, moment))
    faults = list(_by_name(archive, members)) if archive and stream.seek(0, os.SEEK_END) != length else []
    return faults or list(_by_place(stream, members, moment))


def _opened(stream: IO[bytes]) -> zipfile.ZipFile | None:
    stream.seek(0)
    # Counted before the directory is read: each entry begins with these bytes, and costs memory.
    if sum(chunk.count(b"PK\1\2") for chunk in _chunks(stream)) > MOST_ENTRIES:
        return None
    try:
        return zipfile.ZipFile(stream)
    except UNREADABLE:
        return None


def _heads(stream: IO[bytes], archive: zipfile.ZipFile | None) -> Iterator[bytes]:
    """What may be the manifest: the first member, or the one of that name."""
    size = int.from_bytes(_read(stream, 0, LOCAL.size)[SIZE], "little")
    yield _read(stream, LOCAL.size + len(MANIFEST), min(size, LARGEST_MANIFEST))
    if archive:
        with suppress(KeyError, *UNREADABLE):
            yield b"".join(_unpacked(archive, archive.getinfo(MANIFEST), LARGEST_MANIFEST))


def _plan(head: bytes, seal_key: bytes) -> tuple[list[Member], Moment] | None:
    """The members of which this manifest speaks, without the CRCs of the files; None where it is none of ours."""
    try:
        manifest = json.loads(head)
        first = [_measure(MANIFEST, [head]), _measure(SEAL, [_seal(head, seal_key)])]
        members = [*first, *(Member(each["name"], each["size"], each["sha256"]) for each in manifest["files"])]
        _directory(members, _moment(manifest))
    except MALFORMED:
        return None
    return (members, _moment(manifest)) if _canonical(manifest) == head else None


def _by_name(archive: zipfile.ZipFile, members: list[Member]) -> Iterator[Fault]:
    found: dict[str, zipfile.ZipInfo] = {}
    listed = {member.name for member in members}
    for entry in archive.infolist():
        if entry.orig_filename in found or entry.orig_filename not in listed:
            yield Fault(entry.orig_filename, "added", entry.header_offset)
        else:
            found[entry.orig_filename] = entry
    for member in members:
        if member.name not in found:
            yield Fault(member.name, "missing", archive.start_dir)
        elif not _holds(archive, found[member.name], member):
            start = found[member.name].header_offset + LOCAL.size + len(member.name.encode())
            yield _changed(member, start)


def _holds(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, member: Member) -> bool:
    try:
        return _measure(member.name, _unpacked(archive, entry, member.size + 1)).sha256 == member.sha256
    except UNREADABLE:
        return False


def _by_place(stream: IO[bytes], members: list[Member], moment: Moment) -> Iterator[Fault]:
    end = stream.seek(0, os.SEEK_END)
    offset, found, sealed = 0, [], _is_sealed(stream, *members[:2])
    for member in members:
        written = _read(stream, offset, len(_local_header(member, moment)))
        start = offset + len(_local_header(member, moment))
        crc = int.from_bytes(written[CRC], "little")
        read = _measure(member.name, _chunks(stream, member.size))
        if start > end:
            yield Fault(member.name, "missing", end)
        elif read.sha256 != member.sha256 or (member.name == MANIFEST and not sealed and read.crc != crc):
            yield _changed(member, start)
        else:
            crc = read.crc
        found.append(replace(member, crc=crc))
        yield from _compared(member.name, written, _local_header(found[-1], moment), offset)
        offset = start + member.size
    directory = _directory(found, moment)
    yield from _compared(None, _read(stream, offset, len(directory) + 1), directory, offset)


def _is_sealed(stream: IO[bytes], manifest: Member, seal: Member) -> bool:
    start = sum(LOCAL.size + len(member.name) for member in (manifest, seal)) + manifest.size
    stream.seek(start)
    return _measure(SEAL, _chunks(stream, seal.size)).sha256 == seal.sha256


def _changed(member: Member, offset: int) -> Fault:
    return Fault(member.name, "seal" if member.name == SEAL else "altered", offset)


def _compared(member: str | None, written: bytes, expected: bytes, offset: int) -> Iterator[Fault]:
    if written != expected:
        pairs = enumerate(zip(written, expected, strict=False))
        same = next((place for place, (one, other) in pairs if one != other), min(len(written), len(expected)))
        yield Fault(member, "bytes", offset + same)


def _read(stream: IO[bytes], offset: int, size: int) -> bytes:
    stream.seek(offset)
    return stream.read(size)


def _chunks(stream: IO[bytes], size: int = sys.maxsize) -> Iterator[bytes]:
    while chunk := stream.read(min(CHUNK, size)):
        size -= len(chunk)
        yield chunk


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> Iterator[bytes]:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError(entry.compress_type)  # others take as much memory as the member asks for
    with archive.open(entry) as file:
        yield from _chunks(file, size)
