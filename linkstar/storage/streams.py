"""What both kinds of storage say and count with."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Self

from werkzeug.exceptions import ClientDisconnected

KEY = re.compile(r"[0-9a-f]{32}")
CHUNK = 1 << 16


class TooLarge(Exception):
    """More bytes came than may be kept; none beyond the limit are."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class Missing(Exception):
    """Nothing is kept, or grows, under this key."""


class WrongOffset(Exception):
    """Bytes were to go on where the growing file does not end; it ends at `actual`."""

    def __init__(self, actual: int) -> None:
        super().__init__(f"the file ends at byte {actual}")
        self.actual = actual


@dataclass(frozen=True)
class Stored:
    key: str
    size: int
    sha256: str


class Counted:
    """Bytes on their way, counted and hashed; stops with TooLarge before it hands on more than the limit."""

    def __init__(self, source: Iterator[bytes], limit: int | None = None) -> None:
        self.source, self.limit = source, limit
        self.size, self.digest = 0, hashlib.sha256()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        chunk = next(self.source)
        self.size += len(chunk)
        if self.limit is not None and self.size > self.limit:
            raise TooLarge(self.limit)
        self.digest.update(chunk)
        return chunk

    def stored_as(self, key: str) -> Stored:
        return Stored(key, self.size, self.digest.hexdigest())


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(stream.read, CHUNK), b"")


def arriving(stream: IO[bytes]) -> Iterator[bytes]:
    """What a client sends, until it ends or the connection breaks off."""
    arrivals = chunks(stream)
    while True:
        try:
            chunk = next(arrivals, b"")
        except (OSError, ClientDisconnected):
            return
        if not chunk:
            return
        yield chunk


def digested(file: IO[bytes], key: str) -> Stored:
    counted = Counted(chunks(file))
    for _chunk in counted:
        pass
    return counted.stored_as(key)
