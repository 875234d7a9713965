"""At the door of the API: whose token is it, and does it reach so far? Nothing is loaded before that is known. A
cookie opens nothing here."""

import logging
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request
from flask_limiter.util import get_remote_address
from sqlalchemy.exc import OperationalError

from linkstar.api.operation import Operation
from linkstar.api.problems import Problem, not_taken
from linkstar.extensions import csrf, db, limiter, read_only, write
from linkstar.forms.evidence import LARGEST_FILE
from linkstar.i18n import _
from linkstar.models import ApiToken
from linkstar.views.admission import SAFE
from linkstar.views.uploads import AROUND_IT

log = logging.getLogger("linkstar")


def guard(blueprint: Blueprint) -> None:
    blueprint.url_value_preprocessor(_enter)  # before the pages' own looks at who it is and what was sent
    blueprint.after_request(_leave)
    limiter.shared_limit("300 per minute", scope="api", key_func=_key)(blueprint)


def init_app(app: Flask, blueprint: Blueprint) -> None:
    """No cookie is accepted, so there is nothing to forge."""
    for name, each in app.blueprints.items():
        if name.partition(".")[0] == blueprint.name:
            csrf.exempt(each)


def _key() -> str:
    token = g.get("api_token")
    return f"api token {token.id}" if token else get_remote_address()


def _enter(endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.via = "api"
    operation: Operation | None = getattr(current_app.view_functions[endpoint or ""], "operation", None)
    if operation is None:  # the file that describes the API, and its page
        return
    read_only()
    _admit(operation)
    if request.method not in SAFE:
        _read_all(operation)
        if not operation.file:  # which is stored and judged first
            enter_to_write()


def enter_to_write() -> None:
    """Under the lock, where nobody takes the token away any more; for what was judged first, once that is done."""
    write()
    view: Any = current_app.view_functions[request.endpoint or ""]
    _admit(view.operation)


def _admit(operation: Operation) -> None:
    token = _token()
    g._login_user = token.user  # what Flask-Login would have found in a cookie
    if operation.scope not in token.scopes:
        challenge = f'Bearer error="insufficient_scope", scope="{operation.scope}"'
        raise Problem(403, kind="insufficient-scope", scope=operation.scope, headers={"WWW-Authenticate": challenge})
    if token.user.only_creates and not operation.for_creators:
        raise Problem(404)
    if token.user.lacks_second_factor:
        raise Problem(403, _("The owner of the token has to set up a second factor first."))
    g.api_token = token


def _token() -> ApiToken:
    sent = request.authorization
    if sent is None or sent.type != "bearer" or not sent.token:
        detail = _("Send the header “Authorization: Bearer” with a token.")
        raise Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="Linkstar"'})
    token = ApiToken.bearing(sent.token)
    if token is None:
        challenge = 'Bearer realm="Linkstar", error="invalid_token"'
        raise Problem(401, _("It is unknown, has run out or was revoked."), headers={"WWW-Authenticate": challenge})
    return token


def _read_all(operation: Operation) -> None:
    """The whole body, before anybody has to wait for the lock that a slow line would hold."""
    if operation.file:
        request.max_content_length = LARGEST_FILE + AROUND_IT
        if not request.files:
            raise not_taken(file=_("Send it as multipart/form-data."))
    request.get_data()


def _leave(response: Response) -> Response:
    response.vary.add("Authorization")
    response.vary.discard("Cookie")
    if limit := limiter.current_limit:
        response.headers["X-RateLimit-Limit"] = str(limit.limit.amount)
        response.headers["X-RateLimit-Remaining"] = str(limit.remaining)
        response.headers["X-RateLimit-Reset"] = str(limit.reset_at)
        if response.status_code == 429:
            response.headers["Retry-After"] = str(max(1, limit.limit.get_expiry()))
    token = g.get("api_token")
    if token and response.status_code < 400 and token.is_to_be_marked:
        app, key = current_app._get_current_object(), token.id  # type: ignore[attr-defined]
        response.call_on_close(lambda: _mark(app, key))
    return response


def _mark(app: Flask, key: int) -> None:
    """When it was used last, in a transaction of its own once the answer is out: no answer waits for it."""
    with app.app_context():
        try:
            ApiToken.mark_used(key)
            db.session.commit()
        except OperationalError as error:
            log.warning("a token's last use was not noted: %s", error.orig)
