"""Uploaded bytes: kept under random keys in a folder or in an S3 bucket, as STORAGE_URL says, and judged by what they
hold, never by what they claim.

A file comes whole (`put`), or grows piece by piece while its connection may break off: `begin` gives its key,
`append` adds what arrives, `grown` says how far it is, and `finish` makes it a file under the same key, or `abandon`
nothing. What grows is known by its bytes alone: whoever has the key may go on, in any process, after any crash.
"""

from collections.abc import Collection
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from flask import current_app

from linkstar.storage.folder import Folder
from linkstar.storage.kinds import KINDS, OFFICE, PHOTOS, kind_of
from linkstar.storage.streams import CHUNK, KEY, Missing, Stored, TooLarge, WrongOffset

if TYPE_CHECKING:
    from linkstar.storage.bucket import Bucket

__all__ = [
    "CHUNK",
    "KEY",
    "KINDS",
    "OFFICE",
    "PHOTOS",
    "Missing",
    "Stored",
    "TooLarge",
    "WrongOffset",
    "abandon",
    "append",
    "begin",
    "delete",
    "finish",
    "forgotten",
    "grown",
    "kind_of",
    "open",
    "put",
    "trouble",
]


def put(stream: IO[bytes], *, limit: int) -> Stored:
    """Keeps what the stream still holds. Until all of it is safely kept no key leads to it."""
    return _store().put(stream, limit)


def open(key: str) -> BinaryIO:
    """To be read from any place on."""
    return _store().open(key)


def delete(key: str) -> None:
    """Afterwards nothing is kept under the key, whether something was or not."""
    if KEY.fullmatch(key):
        _store().delete(key)


def forgotten(known_keys: Collection[str], older_than: timedelta) -> int:
    """Deletes what no row names and what is older than that by the storage's own clock, which no test and no
    `flask tick --at` sets; says how many files that were, whole ones and growing ones.

    An upload whose transaction failed leaves such a file, a process that was killed while writing another.
    """
    return _store().forgotten(known_keys, older_than)


def begin() -> str:
    """The key of a new file that grows, still empty. Its row names it, or `forgotten` takes it away."""
    return _store().begin()


def append(key: str, offset: int, stream: IO[bytes], *, limit: int) -> int:
    """Adds what the stream brings, and returns the new length of the file, of which nothing is lost any more.

    Where the connection breaks off, what arrived is kept, and the length is smaller than the stream promised.
    WrongOffset: the file does not end at this offset; or somebody else added to it meanwhile, and of two who send at
    once one is refused. TooLarge: the whole file would become larger than the limit; what fits may be kept.
    Missing: it was never begun, or is finished or abandoned.
    """
    return _store().append(key, offset, stream, limit)


def grown(key: str) -> int:
    """The length of the file that grows, or that has grown under this key."""
    return _store().grown(key)


def finish(key: str) -> Stored:
    """What has grown is a file now, under the same key. Reads all of it. May be repeated, also after a crash."""
    return _store().finish(key)


def abandon(key: str) -> None:
    """Afterwards nothing grows under the key; a file that has grown under it stays."""
    if KEY.fullmatch(key):
        _store().abandon(key)


def trouble() -> str | None:
    """What keeps bytes from being stored, found out by storing one."""
    store = _store()
    try:
        key = store.begin()
        store.append(key, 0, BytesIO(b"?"), limit=1)
        store.abandon(key)
    except store.FAULTS as error:
        return str(error)
    return None


def _store() -> "Folder | Bucket":
    url = current_app.config["STORAGE_URL"]
    if url.startswith("s3://"):
        from linkstar.storage.bucket import Bucket  # takes half a second

        return Bucket(url)
    return Folder(Path(unquote(urlsplit(url).path)))
