import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from flask import Flask

from linkstar import doctor, storage
from linkstar.storage import bucket
from linkstar.storage.bucket import Bucket
from tests import buckets
from tests.conftest import make_app

ANY_AGE = timedelta(hours=-1)
FILM = os.urandom(20_000_000)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with buckets.serving() as endpoint:
        yield endpoint


class Corner:
    """A part of the bucket that only one test sees."""

    def __init__(self, endpoint: str) -> None:
        self.client: Any = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
        self.prefix = secrets.token_hex(4)
        self.url = buckets.url(endpoint, self.prefix)

    def names(self) -> list[str]:
        objects = self.client.list_objects_v2(Bucket=buckets.BUCKET, Prefix=f"{self.prefix}/").get("Contents", [])
        return [item["Key"].removeprefix(f"{self.prefix}/") for item in objects]

    def unfinished(self) -> int:
        return len(self.client.list_multipart_uploads(Bucket=buckets.BUCKET, Prefix=self.prefix).get("Uploads", []))


@pytest.fixture
def corner(endpoint: str) -> Iterator[Corner]:
    app = Flask("storage")
    corner = Corner(endpoint)
    app.config["STORAGE_URL"] = corner.url
    with app.app_context():
        yield corner


def test_a_large_file_goes_in_parts_and_can_be_read_from_any_place(
    corner: Corner, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = storage.put(io.BytesIO(FILM), limit=len(FILM))
    assert (stored.size, stored.sha256) == (len(FILM), hashlib.sha256(FILM).hexdigest())
    assert (corner.names(), corner.unfinished()) == ([stored.key], 0)
    fetched: list[int] = []
    get = Bucket.get
    monkeypatch.setattr(Bucket, "get", lambda self, place, start=0: (fetched.append(start), get(self, place, start))[1])
    with storage.open(stored.key) as file:
        assert file.read(10) == FILM[:10]
        assert file.seek(-5, os.SEEK_END) == len(FILM) - 5
        assert (file.read(), file.read()) == (FILM[-5:], b"")
        assert file.seek(0, os.SEEK_END) == len(FILM)
        file.seek(12_345_678)
        assert (file.read(100), file.tell()) == (FILM[12_345_678:12_345_778], 12_345_778)
        file.seek(12_345_700)
        assert file.read(10) == FILM[12_345_700:12_345_710]
    assert fetched == [0, len(FILM) - 5, 12_345_678]


def test_too_much_leaves_neither_a_file_nor_parts_of_one(corner: Corner) -> None:
    with pytest.raises(storage.TooLarge):
        storage.put(io.BytesIO(FILM), limit=len(FILM) - 1)
    assert (corner.names(), corner.unfinished()) == ([], 0)


def test_a_film_that_grew_in_pieces_of_every_size_becomes_one_file(corner: Corner) -> None:
    key = storage.begin()
    for size in (1, 3_000_000, 8 << 20, 10, 0, 20_000_000):
        offset = storage.grown(key)
        storage.append(key, offset, io.BytesIO(FILM[offset : offset + size]), limit=len(FILM))
    assert storage.grown(key) == len(FILM)
    pieces = [name.rpartition("/")[2] for name in corner.names()]
    assert sorted(pieces) == ["0", "1", "11388609", "11388619", "19777227", "3000001", "begun"]
    assert storage.finish(key) == storage.Stored(key, len(FILM), hashlib.sha256(FILM).hexdigest())
    assert (corner.names(), corner.unfinished()) == ([key], 0)
    with storage.open(key) as file:
        assert file.read() == FILM


@pytest.mark.parametrize("deletions", range(4))
def test_a_process_that_dies_while_it_finishes_leaves_the_file_whole(
    corner: Corner, monkeypatch: pytest.MonkeyPatch, deletions: int
) -> None:
    monkeypatch.setattr(bucket, "PART", 100)
    key = storage.begin()
    storage.append(key, 0, io.BytesIO(FILM[:250]), limit=250)
    with monkeypatch.context() as patch:
        delete, deleted = Bucket._delete, []

        def die(self: Bucket, place: str) -> None:
            if len(deleted) == deletions:
                raise KeyboardInterrupt
            deleted.append(place)
            delete(self, place)

        patch.setattr(Bucket, "_delete", die)
        with pytest.raises(KeyboardInterrupt):
            storage.finish(key)
    assert storage.grown(key) == 250
    assert storage.finish(key) == storage.Stored(key, 250, hashlib.sha256(FILM[:250]).hexdigest())
    storage.forgotten({key}, ANY_AGE)
    assert corner.names() == [key]


def test_a_piece_that_belongs_to_no_chain_changes_nothing(corner: Corner) -> None:
    """What somebody left who was refused, or came after the end."""
    key = storage.begin()
    storage.append(key, 0, io.BytesIO(b"0123456789"), limit=100)
    corner.client.put_object(Bucket=buckets.BUCKET, Key=f"{corner.prefix}/growing/{key}/15", Body=b"stray")
    assert storage.grown(key) == 10
    assert storage.finish(key).size == 10
    corner.client.put_object(Bucket=buckets.BUCKET, Key=f"{corner.prefix}/growing/{key}/10", Body=b"late")
    assert storage.grown(key) == 10
    assert storage.finish(key).size == 10
    assert storage.forgotten({key}, timedelta(hours=1)) == 0
    assert storage.forgotten({key}, ANY_AGE) == 1
    assert corner.names() == [key]


def test_the_sweep_ends_what_was_never_finished_and_leaves_what_is_not_ours(corner: Corner) -> None:
    place = {"Bucket": buckets.BUCKET}
    for name in ("notes.txt", "growing/notes.txt", f"{'a' * 31}"):
        corner.client.put_object(**place, Key=f"{corner.prefix}/{name}", Body=b"ours")
    corner.client.put_object(**place, Key=f"{corner.prefix}0/{'a' * 32}", Body=b"a neighbor's")
    ours = corner.client.create_multipart_upload(**place, Key=f"{corner.prefix}/{'b' * 32}")
    corner.client.create_multipart_upload(**place, Key=f"{corner.prefix}/film.mp4")
    assert corner.unfinished() == 2  # by moto's clock all are from 2010
    assert storage.forgotten(set(), ANY_AGE) == 0
    assert len(corner.names()) == 3
    left = corner.client.list_multipart_uploads(**place, Prefix=corner.prefix)["Uploads"]
    assert ours["UploadId"] not in [upload["UploadId"] for upload in left] and len(left) == 1


def test_a_bucket_without_a_prefix_is_used_as_it_is(endpoint: str) -> None:
    app = Flask("storage")
    app.config["STORAGE_URL"] = f"s3://{buckets.BUCKET}?endpoint={endpoint}"
    with app.app_context():
        key = storage.put(io.BytesIO(b"here"), limit=10).key
        with storage.open(key) as file:
            assert file.read() == b"here"
        storage.delete(key)
        with pytest.raises(storage.Missing):
            storage.open(key)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("s3://nobody-has-this?region=us-east-1&endpoint={endpoint}", "NoSuchBucket"),
        ("s3://linkstar-files?region=us-east-1&endpoint=http://127.0.0.1:1", "127.0.0.1:1"),
    ],
)
def test_the_doctor_says_that_the_bucket_cannot_be_reached(
    endpoint: str, tmp_path: Path, url: str, complaint: str
) -> None:
    app = make_app("sqlite://", tmp_path, STORAGE_URL=url.format(endpoint=endpoint))
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert complaint in (dict(doctor.examine(app))["Uploaded files"] or "")


def test_a_bucket_that_cannot_be_reached_is_no_missing_file(endpoint: str) -> None:
    app = Flask("storage")
    app.config["STORAGE_URL"] = f"s3://nobody-has-this?region=us-east-1&endpoint={endpoint}"
    with app.app_context():
        with pytest.raises(ClientError, match="NoSuchBucket"):
            storage.open("a" * 32)
        with pytest.raises(ClientError, match="NoSuchBucket"):
            storage.append("a" * 32, 0, io.BytesIO(b"x"), limit=1)
