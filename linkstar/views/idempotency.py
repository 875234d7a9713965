"""A request that says Idempotency-Key, or a form with the field idempotency_key, is carried out once; whoever sends it
again gets the same answer."""

import time
from functools import partial
from hashlib import sha256
from typing import Any

from flask import Flask, Response, abort, g, request, url_for
from flask_login import current_user
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from linkstar.extensions import db
from linkstar.models import IdempotentRequest, KeyReused
from linkstar.views.answers import came_from, leave

KEPT_HEADERS = (
    "Content-Type",
    "Location",
    "ETag",
    "HX-Redirect",
    "HX-Retarget",
    "HX-Reswap",
    "HX-Trigger",
    "HX-Push-Url",
)


def init_app(app: Flask) -> None:
    app.before_request(_replay)
    app.after_request(_keep)


def _replay() -> Any:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return None
    said = request.headers.get("Idempotency-Key")
    key = said or request.form.get("idempotency_key", "")
    if (said is None and not key) or not current_user.is_authenticated:
        return None
    if not 0 < len(key) <= 128 or not key.isprintable():
        abort(400)
    request.get_data(cache=True)
    earlier = _find(key)
    if earlier is None:
        g.idempotent, g.claim = (current_user.id, key), partial(_claim, current_user.id, key, _fingerprint())
        if g.get("read_only"):
            return None  # write() claims it
        try:
            g.claim()
        except IntegrityError:  # PostgreSQL: the twin has just committed
            db.session.rollback()
            keep_no_answer()
            earlier = _find(key)
        else:
            return None
    return _answer_again(earlier)


def _claim(user_id: int, key: str, fingerprint: str) -> None:
    db.session.add(IdempotentRequest(user_id=user_id, key=key, fingerprint=fingerprint))
    db.session.flush()


def keep_no_answer() -> None:
    """What the answer shows, it shows once, and not to whoever sends the request again."""
    g.pop("idempotent", None)


def _find(key: str) -> IdempotentRequest | None:
    return db.session.scalar(
        select(IdempotentRequest).where(IdempotentRequest.user_id == current_user.id, IdempotentRequest.key == key)
    )


def _fingerprint() -> str:
    """Stands for what is asked; a form has been read by now, and its bytes are gone."""
    form = sorted(pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token")
    token = request.headers.get("Authorization", "")  # each opens another workspace
    asked = f"{request.method} {request.full_path} {token} {form}".encode("utf-8", "surrogatepass")
    return sha256(asked + request.get_data()).hexdigest()


def _answer_again(earlier: IdempotentRequest | None) -> Any:
    """The first request's answer, waiting for it where it is still being drawn."""
    if earlier is None or earlier.fingerprint != _fingerprint():
        raise KeyReused()
    for _attempt in range(40):
        if earlier.status is not None:
            headers = {**earlier.headers, "Idempotency-Replayed": "true"}
            return Response(earlier.body or b"", earlier.status, headers)
        db.session.rollback()
        time.sleep(0.05)
        db.session.refresh(earlier)
    if g.get("via") == "api":
        abort(409)
    return leave(came_from() or url_for("my_work.show"))  # done, but nobody lived to draw it: the page shows it


def _keep(response: Response) -> Response:
    """Adds the answer to the row. A request that was refused has rolled its row back, and may be sent again."""
    user_id, key = g.pop("idempotent", (None, None))
    if key is None or response.status_code >= 400 or response.direct_passthrough:
        return response
    db.session.rollback()
    g.read_only = False
    db.session.execute(
        update(IdempotentRequest)
        .where(IdempotentRequest.user_id == user_id, IdempotentRequest.key == key)
        .values(
            status=response.status_code,
            headers={name: response.headers[name] for name in KEPT_HEADERS if name in response.headers},
            body=response.get_data(),
        )
    )
    db.session.commit()
    return response
