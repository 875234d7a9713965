"""Every refusal of the API as a problem document (RFC 9457): which rule it was, and the facts."""

import logging
import secrets
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request
from flask_babel import LazyString
from flask_login import current_user
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from linkstar.extensions import db, login_manager, read_only
from linkstar.forms.attachment import refusal_words
from linkstar.i18n import _, _l
from linkstar.models import (
    CodesUsedUp,
    CycleRefused,
    DayPassed,
    EvidenceMissing,
    FileRefused,
    FlowBroken,
    KeyReused,
    MoveRefused,
    NotAllowed,
    Overtaken,
    PositionGone,
    StaleVersion,
    StillUsed,
    Task,
)
from linkstar.reports.briefs import refused
from linkstar.reports.obstacles import Obstacles
from linkstar.views.problem import problem as written

log = logging.getLogger("linkstar")

ROOT = "/api/v1"
KINDS: dict[str, LazyString] = {  # those with a name of their own; the page about the API lists them
    "insufficient-scope": _l("The token has no scope for this"),
    "held": _l("Something holds the task back"),
    "cycle": _l("They would wait for each other in a circle"),
    "evidence-missing": _l("The item is ticked only with the evidence that it asks for"),
    "still-used": _l("There are still tasks in it"),
    "flow-broken": _l("The first stage is one of kind “To do”, and the last one of kind “Done”."),
    "key-reused": _l("This Idempotency-Key stands for another request"),
    "codes-used-up": _l("The naming rule has no number left"),
    "day-passed": _l("This day has passed. Choose today or a later one."),
}


class Problem(HTTPException):
    """`facts` are further members of the document; `errors` says, field by field, what is not taken."""

    def __init__(
        self, status: int, detail: str | LazyString | None = None, *, kind: str | None = None,
        headers: dict[str, str] | None = None, **facts: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.code, self.words, self.kind, self.headers, self.facts = status, detail, kind, headers or {}, facts


def not_taken(**errors: str) -> Problem:
    """422: field → what is wrong with it."""
    return Problem(422, errors=[{"field": name, "detail": sentence} for name, sentence in errors.items()])


def document(problem: Problem) -> Response:
    db.session.rollback()
    read_only()
    status = problem.code or 500
    title = KINDS[problem.kind] if problem.kind else None
    place = f"{ROOT}/docs#{problem.kind}" if problem.kind else "about:blank"
    return written(status, problem.words, title=title, type=place, headers=problem.headers, **problem.facts)


def register(blueprint: Blueprint) -> None:
    blueprint.register_error_handler(HTTPException, _http_error)
    blueprint.register_error_handler(InternalServerError, _broken)
    blueprint.register_error_handler(OperationalError, _busy)
    for refusal, told in REFUSALS.items():
        blueprint.register_error_handler(refusal, lambda error, told=told: document(told(error)))


def init_app(app: Flask) -> None:
    app.before_request(_unknown_address)


def _unknown_address() -> Response | None:
    """An address that nobody answers belongs to no blueprint, but it is the API's all the same."""
    error = request.routing_exception
    if not (isinstance(error, HTTPException) and request.path.startswith(f"{ROOT}/") and (error.code or 0) >= 400):
        return None
    if isinstance(error, MethodNotAllowed) and not _takes_any_of(error.valid_methods or []):
        return document(Problem(404))
    return _http_error(error)


def _takes_any_of(methods: Iterable[str]) -> bool:
    """An id that is too large for any record fits no method, though the router takes it for a wrong one."""
    adapter = current_app.create_url_adapter(request)
    return adapter is not None and any(adapter.test(method=method) for method in methods)


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, Problem):
        return document(error)
    problem = Problem(error.code)
    if methods := getattr(error, "valid_methods", None):
        problem.headers["Allow"] = ", ".join(methods)
    return document(problem)


def _busy(error: OperationalError) -> Response:
    log.warning("the database did not answer: %s", error.orig)
    g._login_user = login_manager.anonymous_user()  # nothing may ask the database any more
    return document(Problem(503, headers={"Retry-After": "5"}))


def _broken(error: InternalServerError) -> Response:
    code = secrets.token_hex(4)
    log.error("error %s at %s %s", code, request.method, request.path, exc_info=error.original_exception)
    return document(Problem(500, code=code))


def _held(error: MoveRefused) -> Problem:
    """What holds a task, as far as the reader may know it."""
    with db.session.no_autoflush:
        if current_user.only_creates:
            return Problem(409, " ".join(refused(error, current_user)), kind="held")
        found = Obstacles(error.task, error.stage, error.phase, current_user, error.holds)
        holds: list[dict[str, Any]] = [{"kind": "due_on"}] if found.holds.due_on else []
        holds += [
            {"kind": "task", "task_id": task.id, "title_zh": task.title_zh, "title_en": task.title_en}
            for task in found.blockers
        ]
        holds += [
            {"kind": "item", "item_id": item.id, "text_zh": item.text_zh, "text_en": item.text_en}
            for _checklist, items in found.lists
            for item in items
        ]
        holds += [{"kind": "emergency", "emergency_id": each.id, "title": each.title} for each in found.emergencies]
        if found.restricted:
            holds.append({"kind": "restricted"})
        if found.holds.deliverable:
            holds.append({"kind": "deliverable"})
        return Problem(409, " ".join(found.sentences), kind="held", holds=holds)


def _circle(error: CycleRefused) -> Problem:
    ids = [each.id for each in error.tasks if isinstance(each, Task)]
    seen = set(db.session.scalars(Task.visible_to(current_user).with_only_columns(Task.id).where(Task.id.in_(ids))))
    return Problem(409, kind="cycle", task_ids=[key if key in seen else None for key in ids])


REFUSALS: dict[type[Exception], Any] = {
    NotAllowed: lambda error: Problem(403, _("Ask the project's owner or an administrator.")),
    MoveRefused: _held,
    CycleRefused: _circle,
    PositionGone: lambda error: Problem(409),
    StaleVersion: lambda error: Problem(412),
    StillUsed: lambda error: Problem(409, kind="still-used", count=error.count),
    FlowBroken: lambda error: Problem(409, kind="flow-broken"),
    EvidenceMissing: lambda error: Problem(422, kind="evidence-missing", evidence_kind=error.item.evidence_kind),
    DayPassed: lambda error: Problem(422, kind="day-passed"),
    CodesUsedUp: lambda error: Problem(422, kind="codes-used-up"),
    KeyReused: lambda error: Problem(409, kind="key-reused"),
    Overtaken: lambda error: Problem(409),
    FileRefused: lambda error: not_taken(file=refusal_words(error)),
    IntegrityError: lambda error: Problem(409),  # somebody was faster
}
