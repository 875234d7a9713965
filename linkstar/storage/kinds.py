"""What an upload is: judged by what it holds, never by what it claims."""

import codecs
import re
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO

import puremagic

from linkstar.storage.streams import chunks

HEAD = 2048  # more than any browser looks at when it guesses

PHOTOS = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
    "image/heic": (".heic", ".heif"),
}
FILMS = {"video/mp4": (".mp4", ".m4v", ".mov"), "video/quicktime": (".mov", ".qt")}
OFFICE = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": (".pptx",),
}
TEXTS = {"text/plain": (".txt",), "text/csv": (".csv",)}
KINDS = PHOTOS | FILMS | OFFICE | TEXTS | {"application/pdf": (".pdf",)}

MAIN_PARTS = dict(zip(OFFICE, ("word/document.xml", "xl/workbook.xml", "ppt/presentation.xml"), strict=True))
BRANDS = {  # of the containers that share one beginning, which puremagic knows in part
    "image/heic": {b"heic", b"heix", b"heim", b"heis"},
    "video/quicktime": {b"qt  "},
    "video/mp4": {
        b"mp41",
        b"mp42",
        b"avc1",
        b"M4V ",
        b"MSNV",
        b"isom",
        *(b"iso%d" % edition for edition in range(2, 10)),
    },
}
MARKUP = re.compile(rb"<(!doctype|html|head|body|script|iframe|svg|\?php)", re.IGNORECASE)
UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f]")

MOST_MEMBERS = 5000
LARGEST_UNPACKED = 200_000_000
HIGHEST_RATIO = 100


def kind_of(file: IO[bytes], name: str) -> str | None:
    """The media type that the content shows; None where it is not allowed or the name says something else.

    Reads all of a seekable file, and leaves it at its beginning.
    """
    suffix = PurePosixPath(name).suffix.lower()
    kind = next((kind for kind in KINDS if suffix in KINDS[kind] and _holds(file, kind)), None)
    file.seek(0)
    return kind


def _holds(file: IO[bytes], kind: str) -> bool:
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if not head or MARKUP.search(head):
        return False
    if kind in TEXTS:
        return not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"#!")) and _is_text(file)
    if kind in OFFICE:
        return head.startswith(b"PK\3\4") and _is_office(file, MAIN_PARTS[kind])
    if head[4:8] == b"ftyp":
        return _is_of_brand(head, BRANDS.get(kind, set()))
    return any(match.mime_type == kind for match in _matches(head))


def _matches(head: bytes) -> list[puremagic.PureMagicWithConfidence]:
    try:
        return puremagic.magic_string(head)
    except puremagic.PureError:
        return []


def _is_of_brand(head: bytes, brands: set[bytes]) -> bool:
    """By the first brand; the general image format says what it holds among those that follow."""
    first, others = head[8:12], head[16 : int.from_bytes(head[:4], "big")]
    if first in (b"mif1", b"msf1"):
        return any(others[start : start + 4] in brands for start in range(0, len(others), 4))
    return first in brands


def _is_text(file: IO[bytes]) -> bool:
    return any(_is_written_in(encoding, file) for encoding in ("utf-8", "gb18030"))


def _is_written_in(encoding: str, file: IO[bytes]) -> bool:
    file.seek(0)
    try:
        return not any(UNPRINTABLE.search(text) for text in codecs.iterdecode(chunks(file), encoding))
    except UnicodeDecodeError:
        return False


def _is_office(file: IO[bytes], main_part: str) -> bool:
    # Counted before the directory is read: each entry begins with these bytes, and costs memory.
    if sum(chunk.count(b"PK\1\2") for chunk in chunks(file)) > MOST_MEMBERS:
        return False
    size = file.tell()
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = {member.orig_filename for member in members}
            return (
                {"[Content_Types].xml", main_part} <= names
                and len(names) == len(members) <= MOST_MEMBERS
                and all(_is_harmless(member) for member in members)
                and sum(member.file_size for member in members) <= min(LARGEST_UNPACKED, HIGHEST_RATIO * size)
                and archive.testzip() is None  # not where one is encrypted, or claims another size than it has
            )
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, zlib.error):
        return False


def _is_harmless(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.orig_filename)
    return (
        member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        and not path.is_absolute()
        and ".." not in path.parts
        and not any(character in member.orig_filename for character in "\\:\0")
        and path.name.lower() != "vbaproject.bin"
    )
