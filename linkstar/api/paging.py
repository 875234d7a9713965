"""Lists come in pages: the next one begins behind the last record of this one, whatever was added meanwhile."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import fields
from sqlalchemy import ColumnElement, Select

from linkstar.api.values import Asked, Body, Strict
from linkstar.extensions import db, record_id
from linkstar.i18n import _l

MOST = 100


class Cursor(Strict, fields.String):
    """Opaque: what stands in it is our business."""

    WANTED = _l("Take the cursor from the answer before.")

    def taken(self, value: Any) -> int:
        try:
            last = record_id(urlsafe_b64decode(value.encode("ascii")).decode("ascii"))
        except (binascii.Error, UnicodeError):
            last = None
        if last is None:
            raise ValueError
        return last


class PageQuery(Body):
    cursor = Cursor()
    limit = Asked(1, MOST, load_default=50)


@dataclass
class Page:
    records: list[Any]
    next: str | None


def page(query: Select[Any], key: ColumnElement[int] | Any, asked: dict[str, Any]) -> Page:
    """The records behind the cursor, in the order of their ids."""
    query = query.where(key > asked.get("cursor", 0)).order_by(key).limit(asked["limit"] + 1)
    return _cut(list(db.session.scalars(query).unique()), asked["limit"])


def page_of(records: list[Any], asked: dict[str, Any]) -> Page:
    """The same for what has been read already."""
    behind = sorted((each for each in records if each.id > asked.get("cursor", 0)), key=lambda each: each.id)
    return _cut(behind[: asked["limit"] + 1], asked["limit"])


def _cut(found: list[Any], limit: int) -> Page:
    if len(found) <= limit:
        return Page(found, None)
    last = urlsafe_b64encode(str(found[limit - 1].id).encode()).decode()
    return Page(found[:limit], f"{request.path}?{urlencode(request.args.to_dict() | {'cursor': last})}")
