"""Uploaded bytes in a bucket that speaks S3."""

import io
import re
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import IO, Any, BinaryIO, cast
from urllib.parse import parse_qs, unquote, urlsplit

from boto3.s3.transfer import TransferConfig
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from linkstar.storage.streams import KEY, Counted, Missing, Stored, TooLarge, WrongOffset, arriving, chunks, digested

PART = 8 << 20  # bytes that are sent at once, and held in memory until then
IN_PARTS = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)
GONE = {"NoSuchKey", "404"}
TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}


class Bucket:
    """`<prefix>/<key>` is a file. One that grows is `growing/<key>/begun` and a chain of pieces, each named after the
    byte where it begins, which no two can take: an object is created under a name that is free, or not at all. So
    wherever a process dies, the pieces that fit together from byte 0 on are a true beginning of the file."""

    FAULTS = (BotoCoreError, ClientError)

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        place = {name: value for name, [value] in parse_qs(parts.query).items()}
        self.name, self.region, self.endpoint = parts.netloc, place.get("region"), place.get("endpoint")
        self.prefix = f"{unquote(parts.path).strip('/')}/".lstrip("/")

    def put(self, stream: IO[bytes], limit: int) -> Stored:
        return self._keep(secrets.token_hex(16), chunks(stream), limit)

    def open(self, key: str) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Object(self, self._place(key))))

    def delete(self, key: str) -> None:
        self._delete(self._place(key))

    def forgotten(self, known_keys: Collection[str], older_than: timedelta) -> int:
        latest = time.time() - older_than.total_seconds()
        shape = re.compile(rf"{re.escape(self.prefix)}(growing/)?({KEY.pattern})(/.*)?")
        found = [
            (match[2], match[1], item) for item in self._list(self.prefix) if (match := shape.fullmatch(item["Key"]))
        ]
        finished = {key for key, growing, _item in found if not growing}
        deleted = set()
        for key, growing, item in found:
            unnamed = key not in known_keys or (growing and key in finished)
            if unnamed and item["LastModified"].timestamp() < latest:
                self._delete(item["Key"])
                deleted.add(key)
        for page in self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name, Prefix=self.prefix):
            for upload in page.get("Uploads", []):
                if shape.fullmatch(upload["Key"]) and upload["Initiated"].timestamp() < latest:
                    self.client.abort_multipart_upload(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])
        return len(deleted)

    def begin(self) -> str:
        key = secrets.token_hex(16)
        self.client.put_object(Bucket=self.name, Key=f"{self._growing(key)}begun", Body=b"")
        return key

    def append(self, key: str, offset: int, stream: IO[bytes], limit: int) -> int:
        if (actual := sum(self._pieces(key).values())) != offset:
            raise WrongOffset(actual)
        arrived = _Joined(arriving(stream))
        while piece := arrived.read(PART):
            if offset + len(piece) > limit:
                raise TooLarge(limit)
            try:
                self.client.put_object(
                    Bucket=self.name, Key=f"{self._growing(key)}{offset}", Body=piece, IfNoneMatch="*"
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in TAKEN:
                    raise
                raise WrongOffset(self.grown(key)) from error
            offset += len(piece)
        return offset

    def grown(self, key: str) -> int:
        try:
            return sum(self._pieces(key).values())
        except Missing:
            with _missing(key):
                return self.client.head_object(Bucket=self.name, Key=self._place(key))["ContentLength"]

    def finish(self, key: str) -> Stored:
        try:
            places = [f"{self._growing(key)}{start}" for start in self._pieces(key)]
            stored = self._keep(key, (self.get(place)["Body"].read() for place in places))
        except Missing:
            with self.open(key) as file:
                return digested(file, key)
        self.abandon(key)
        return stored

    def abandon(self, key: str) -> None:
        self._delete(f"{self._growing(key)}begun")  # first of all: without it the pieces are no chain any more
        for item in self._list(self._growing(key)):
            self._delete(item["Key"])

    def get(self, place: str, start: int = 0) -> dict[str, Any]:
        with _missing(place):
            return self.client.get_object(
                Bucket=self.name, Key=place, **({"Range": f"bytes={start}-"} if start else {})
            )

    @property
    def client(self) -> Any:
        return _client(self.region, self.endpoint)

    def _keep(self, key: str, source: Iterator[bytes], limit: int | None = None) -> Stored:
        counted = Counted(source, limit)
        self.client.upload_fileobj(_Joined(counted), self.name, self._place(key), Config=IN_PARTS)
        return counted.stored_as(key)

    def _pieces(self, key: str) -> dict[int, int]:
        """Where each piece of the chain begins, in order, and how long it is."""
        folder = self._growing(key)
        sizes = {item["Key"].removeprefix(folder): item["Size"] for item in self._list(folder)}
        if "begun" not in sizes:
            raise Missing(key)
        chain: dict[int, int] = {}
        end = 0
        while size := sizes.get(str(end)):
            chain[end] = size
            end += size
        return chain

    def _list(self, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
            yield from page.get("Contents", [])

    def _delete(self, place: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=place)

    def _place(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise Missing(key)
        return f"{self.prefix}{key}"

    def _growing(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise Missing(key)
        return f"{self.prefix}growing/{key}/"


@lru_cache
def _client(region: str | None, endpoint: str | None) -> Any:
    """With the credentials of the environment. Clients may be shared by threads, and take a while to make."""
    return Session().client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
            request_checksum_calculation="when_required",  # others than Amazon refuse or misread the new ones
            response_checksum_validation="when_required",
        ),
    )


class _Joined:
    """A file to read from over chunks of any size: each read fills what was asked for, but the last."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self.source, self.held = source, bytearray()

    def read(self, size: int = -1) -> bytes:
        while (size < 0 or len(self.held) < size) and (chunk := next(self.source, b"")):
            self.held += chunk
        size = len(self.held) if size < 0 else size
        taken = bytes(self.held[:size])
        del self.held[:size]
        return taken


class _Object(io.RawIOBase):
    """A stored file, fetched as it is read, from wherever it is read: a film is not copied here to be looked at."""

    def __init__(self, bucket: Bucket, place: str) -> None:
        self.bucket, self.place = bucket, place
        answer = bucket.get(place)
        self.size, self.body = answer["ContentLength"], answer["Body"]
        self.position = self.reached = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = max(0, offset + (0, self.position, self.size)[whence])
        return self.position

    def readinto(self, buffer: Any) -> int:
        if self.position >= self.size:
            return 0
        if self.position != self.reached:
            self.body.close()
            self.body = self.bucket.get(self.place, self.position)["Body"]
        data = self.body.read(len(buffer))
        buffer[: len(data)] = data
        self.position = self.reached = self.position + len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self.body.close()
        super().close()


@contextmanager
def _missing(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            raise Missing(key) from error
        raise
