"""What a program reads when something was refused: a problem document (RFC 9457)."""

import json
from typing import Any

from flask import Response
from flask_babel import LazyString

from linkstar.i18n import _l

MEDIA_TYPE = "application/problem+json"
TITLES: dict[int, LazyString] = {
    400: _l("That cannot be read"),
    401: _l("No valid token came with it"),
    403: _l("You may see this, but not change it"),
    404: _l("There is nothing here for you"),
    405: _l("This address does not take that"),
    409: _l("Someone changed it first"),
    412: _l("Someone changed it since you read it"),
    413: _l("That is too large"),
    415: _l("It has to be JSON"),
    422: _l("Some of what was sent is not taken"),
    428: _l("Say which state you saw"),
    429: _l("Too many requests"),
    500: _l("Something broke on our side"),
    503: _l("Linkstar is busy for a moment"),
}


def problem(
    status: int,
    detail: str | LazyString | None = None,
    *,
    title: str | LazyString | None = None,
    type: str = "about:blank",
    headers: dict[str, str] | None = None,
    **facts: Any,
) -> Response:
    """`facts` are further members of the document."""
    told = {
        "type": type,
        "title": str(title or TITLES.get(status, TITLES[400])),
        "status": status,
        **({"detail": str(detail)} if detail else {}),
        **facts,
    }
    return Response(json.dumps(told), status, headers or {}, content_type=MEDIA_TYPE)
