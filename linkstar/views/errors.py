"""What people read when something went wrong: a sentence, what to do, and what they had typed."""

import logging
import re
import secrets
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_babel import LazyString
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError

from linkstar.extensions import db, login_manager, read_only
from linkstar.forms.evidence import LARGEST_FILE
from linkstar.i18n import _l
from linkstar.models import CodesUsedUp, KeyReused, MemberChanged, NotAllowed, Overtaken, PositionGone, UndoRefused
from linkstar.views.admission import send_to_sign_in
from linkstar.words import FIELD_NAMES

log = logging.getLogger("linkstar")

SENTENCES: dict[int, tuple[LazyString, LazyString]] = {
    400: (_l("That did not arrive as it should"), _l("Go back, load the page again and repeat it.")),
    401: (_l("You are signed out"), _l("Sign in again; then repeat it.")),
    403: (_l("You may see this, but not change it"), _l("Ask the project's owner or an administrator.")),
    404: (_l("There is nothing here for you"), _l("It does not exist, or it was not shared with you.")),
    405: (_l("This address does not take that"), _l("Go back and use the buttons of the page.")),
    409: (_l("Someone changed it first"), _l("The page now shows the newest state. Try again.")),
    413: (_l("That is too large"), _l("Send less at once: at most 2 MB, texts of 20,000 characters.")),
    429: (_l("Too many tries"), _l("Wait a few minutes, then try again.")),
    500: (_l("Something broke on our side"), _l("Nothing was changed. If it happens again, send us this code.")),
    503: (_l("Linkstar is busy for a moment"), _l("Nothing was changed. Try again in a few seconds.")),
}
TYPED = {
    **{name: words for name, words in FIELD_NAMES.items() if name != "code"},  # which may be that of a second factor
    "title": _l("Task title"),
    "body": _l("Comment"),
    "text": _l("Checklist item"),
    "email": _l("E-mail"),
    "note": _l("Note"),
    "why": _l("Why it is not over"),
}
TYPED_IN_ROWS = {"text": _l("Words"), "text_en": _l("Title in English")}  # of an automation
ROW = re.compile(r"(?:trigger|conditions-\d{1,2}|actions-\d{1,2})-(text|text_en)")
FILE_TOO_LARGE = (SENTENCES[413][0], _l("A file has at most 20 MB."))
KEY_REUSED = (_l("This was sent before as something else"), _l("Nothing was changed. Load the page again."))
CODES_USED_UP = (
    _l("The naming rule has no number left"),
    _l("Nothing was changed. Use another word, or let an administrator change the rule."),
)
UNDO_LATE = (_l("It is too late to take that back"), _l("A change can be undone within 24 hours."))
CSRF_EXPIRED = (_l("This page had become too old"), _l("Nothing was changed. Load the page again and send it again."))


def init_app(app: Flask) -> None:
    app.log_exception = lambda exc_info: None  # type: ignore[method-assign]  # _broken() does
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(NotAllowed, lambda error: _answer(403, SENTENCES[403]))
    app.register_error_handler(KeyReused, lambda error: _answer(409, KEY_REUSED))
    app.register_error_handler(CodesUsedUp, lambda error: _answer(422, CODES_USED_UP))
    app.register_error_handler(PositionGone, lambda error: _answer(409, SENTENCES[409]))
    app.register_error_handler(MemberChanged, lambda error: _answer(409, SENTENCES[409]))
    app.register_error_handler(UndoRefused, _undo_refused)
    app.register_error_handler(Overtaken, lambda error: _answer(409, SENTENCES[409]))
    app.register_error_handler(IntegrityError, lambda error: _answer(409, SENTENCES[409]))  # somebody was faster
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InternalServerError, _broken)


def _csrf_error(error: CSRFError) -> Any:
    """Where the sign-in has run out, its token has too: then it is the sign-in that is missing."""
    read_only()
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, "public", False) and not current_user.is_authenticated:
        return send_to_sign_in()
    return _answer(400, CSRF_EXPIRED)


def _undo_refused(error: UndoRefused) -> Response:
    return _answer(409, UNDO_LATE if error.reason == "late" else SENTENCES[409])


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    words = SENTENCES.get(error.code, SENTENCES[400])
    if error.code == 413 and (request.max_content_length or 0) > LARGEST_FILE:
        words = FILE_TOO_LARGE
    return _answer(error.code, words, error)


def _busy(error: OperationalError) -> Response:
    log.warning("the database did not answer: %s", error.orig)
    g._login_user = login_manager.anonymous_user()  # the page must not ask the database who reads it
    response = _answer(503, SENTENCES[503])
    response.headers["Retry-After"] = "5"
    return response


def _broken(error: InternalServerError) -> Response:
    code = secrets.token_hex(4)
    log.error("error %s at %s %s", code, request.method, _place(), exc_info=error.original_exception)
    return _answer(500, SENTENCES[500], code=code)


def _place() -> str:
    """The path; but no secret stands in a log."""
    secret = (request.view_args or {}).get("token")
    return request.path.replace(secret, "…") if secret else request.path


def _answer(
    status: int, words: tuple[LazyString, LazyString], error: HTTPException | None = None, code: str | None = None
) -> Response:
    """A page, or for htmx an alert above the page, which leaves the form and what was typed in it where it is."""
    db.session.rollback()
    read_only()
    title, message = words
    template = "errors/_alert.html" if request.htmx else "errors/error.html"  # type: ignore[attr-defined]
    response = make_response(
        render_template(template, status=status, title=title, message=message, code=code, kept=_typed(status)), status
    )
    if request.htmx:  # type: ignore[attr-defined]
        response.headers["HX-Reswap"] = "none"
    if error is not None and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def _typed(status: int) -> list[tuple[str, str]]:
    """What came with the refused request, to be copied; never a secret."""
    if request.method == "GET" or status == 413:
        return []
    named = ((_label(name), text) for name, text in request.form.items() if text.strip())
    return [(str(label), text) for label, text in named if label]


def _label(name: str) -> LazyString | None:
    row = ROW.fullmatch(name)
    return TYPED_IN_ROWS[row[1]] if row else TYPED.get(name)
