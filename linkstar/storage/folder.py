"""Uploaded bytes in a folder of this machine, or one that several machines share."""

import fcntl
import os
import secrets
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, BinaryIO

from linkstar.storage.streams import KEY, Counted, Missing, Stored, TooLarge, WrongOffset, arriving, chunks, digested


class Folder:
    """`ab/cd/<key>` is a file; `growing/<key>` one that still grows, whose length is all there is to know of it."""

    FAULTS = (OSError,)

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, stream: IO[bytes], limit: int) -> Stored:
        key = secrets.token_hex(16)
        place = self._place(key)
        counted = Counted(chunks(stream), limit)
        self._make_folders(place)
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix="unfinished-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(counted)
                file.flush()
                os.fsync(file.fileno())
            os.rename(name, place)
        except BaseException:
            os.unlink(name)
            raise
        self._sync_folders(place)
        return counted.stored_as(key)

    def open(self, key: str) -> BinaryIO:
        with _missing(key):
            return self._place(key).open("rb")

    def delete(self, key: str) -> None:
        self._place(key).unlink(missing_ok=True)

    def forgotten(self, known_keys: Collection[str], older_than: timedelta) -> int:
        deleted = 0
        for pattern in ("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*", "growing/*"):
            for path in self.root.glob(pattern):
                with suppress(FileNotFoundError):
                    if path.name not in known_keys and time.time() - path.stat().st_mtime > older_than.total_seconds():
                        path.unlink()
                        deleted += 1
        return deleted

    def begin(self) -> str:
        key = secrets.token_hex(16)
        place = self._growing(key)
        self._make_folders(place)
        place.touch(mode=0o600, exist_ok=False)
        return key

    def append(self, key: str, offset: int, stream: IO[bytes], limit: int) -> int:
        with self._held(key) as file:
            _go_to_end(file, offset)
        for chunk in arriving(stream):
            with self._held(key) as file:
                _go_to_end(file, offset)
                if offset + len(chunk) > limit:
                    raise TooLarge(limit)
                file.write(chunk)
            offset += len(chunk)
        with self._held(key) as file:
            os.fsync(file.fileno())
        return offset

    def grown(self, key: str) -> int:
        with _missing(key):
            try:
                return self._growing(key).stat().st_size
            except FileNotFoundError:
                return self._place(key).stat().st_size

    def finish(self, key: str) -> Stored:
        place = self._place(key)
        self._make_folders(place)
        try:
            with self._held(key) as file:
                stored = digested(file, key)
                os.fsync(file.fileno())
                os.utime(file.fileno())  # for the sweep it is new now, however long it grew
                os.rename(self._growing(key), place)
        except Missing:
            with self.open(key) as file:
                stored = digested(file, key)
        self._sync_folders(place)
        return stored

    def abandon(self, key: str) -> None:
        self._growing(key).unlink(missing_ok=True)

    @contextmanager
    def _held(self, key: str) -> Iterator[IO[bytes]]:
        """The growing file, which nobody else holds now.

        It is held for a moment each time and never while bytes are on their way, so that a client whose connection
        died unseen does not lock itself out.
        """
        place = self._growing(key)
        with _missing(key), place.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not place.exists():  # it was finished or abandoned while we waited
                raise Missing(key)
            yield file

    def _place(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise Missing(key)
        return self.root / key[:2] / key[2:4] / key

    def _growing(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise Missing(key)
        return self.root / "growing" / key

    def _make_folders(self, place: Path) -> None:
        for folder in reversed(self._folders(place)):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _sync_folders(self, place: Path) -> None:
        for folder in self._folders(place):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _folders(self, place: Path) -> list[Path]:
        return [folder for folder in place.parents if folder.is_relative_to(self.root)]


def _go_to_end(file: IO[bytes], offset: int) -> None:
    actual = file.seek(0, os.SEEK_END)
    if actual != offset:
        raise WrongOffset(actual)


@contextmanager
def _missing(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Missing(key) from error
