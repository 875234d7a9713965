"""What other programs post to an inlet's address; what is done with it, the inlet's purpose says."""

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, g, jsonify, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, InternalServerError

from linkstar import clock
from linkstar.extensions import commit, csrf, db, limiter, write
from linkstar.forms import CONTROL
from linkstar.forms.emergency import EmergencyForm
from linkstar.i18n import _, listed
from linkstar.models import Emergency, Inlet, NotAllowed, Occasions
from linkstar.views import throttle
from linkstar.views.admission import public, reads_first
from linkstar.views.emergencies.emergencies import declaration
from linkstar.views.problem import problem

log = logging.getLogger("linkstar")

blueprint = Blueprint("incoming", __name__, url_prefix="/in")
csrf.exempt(blueprint)  # no cookie is looked at: the address is the key

LARGEST = 256 * 1024  # bytes of a message
LONGEST_KEY = 128
AGAIN_AFTER = 60  # seconds
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
YES, NO = ("1", "true", "yes", "y", "on"), ("", "0", "false", "no", "n", "off")
KNOWN = ("title", "trigger", "severity", "note", "project", "posts", "drill", "id", "task")


class Refused(Exception):
    """What came in is not taken: a status, a sentence, and by field what is wrong with it."""

    def __init__(self, status: int, detail: str | None = None, **errors: str) -> None:
        super().__init__(status, errors)
        self.status, self.detail, self.errors = status, detail, errors


@blueprint.errorhandler(Refused)
def _refused(error: Refused) -> Any:
    db.session.rollback()
    if not error.errors:
        return problem(error.status, error.detail)
    errors = [{"field": name, "detail": sentence} for name, sentence in error.errors.items()]
    return problem(error.status, error.detail, errors=errors)


@blueprint.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> Any:
    """Programs read no pages, whoever refuses them."""
    if error.code is None or error.code < 400:
        return error
    db.session.rollback()
    headers = {"Retry-After": str(AGAIN_AFTER)} if error.code == 429 else {}
    return problem(error.code, headers=headers)


@blueprint.errorhandler(IntegrityError)
def _beaten(error: IntegrityError) -> Any:
    db.session.rollback()
    return problem(409)


@blueprint.errorhandler(OperationalError)
def _busy(error: OperationalError) -> Any:
    log.warning("the database did not answer: %s", error.orig)
    db.session.rollback()
    return problem(503, headers={"Retry-After": "5"})


@blueprint.errorhandler(InternalServerError)
def _broken(error: InternalServerError) -> Any:
    code = secrets.token_hex(4)
    log.error("error %s at %s", code, request.endpoint, exc_info=error.original_exception)
    db.session.rollback()
    return problem(500, code=code)


@blueprint.post("/<token>")
@public
@reads_first
@limiter.limit("60 per minute", key_func=throttle.address)
def create(token: str) -> Any:
    """JSON or a form: title, trigger, severity, note, project (a code), id. The same id, or the same header
    Idempotency-Key, counts once."""
    g.via = "webhook"
    inlet = Inlet.bearing(token)
    if inlet is None or inlet.purpose not in TAKEN:
        raise Refused(404)
    told = _told()
    write()
    inlet = Inlet.bearing(token)  # under the lock, where nobody revokes it any more
    if inlet is None:
        raise Refused(404)
    return TAKEN[inlet.purpose](inlet, told)


def _told() -> dict[str, str]:
    """What the message says, as text; of more than these names nobody asks."""
    if (request.content_length or 0) > LARGEST or len(body := _body()) > LARGEST:
        raise Refused(413, _("At most %(most)s bytes.", most=LARGEST))
    sent: Any = request.form
    if request.mimetype not in FORMS:
        if not request.is_json and body:
            raise Refused(415, _("Send an object in JSON, or a form."))
        try:
            sent = json.loads(body)
        except (ValueError, RecursionError):
            sent = None
    if not isinstance(sent, Mapping):
        raise Refused(400, _("Send an object in JSON, or a form."))
    told = {name: sent[name] for name in KNOWN if sent.get(name) not in (None, "")}
    for name, value in told.items():
        if isinstance(value, dict | list):
            raise Refused(422, **{name: _("Send this as text.")})
        if CONTROL.search(str(value)):
            raise Refused(422, **{name: _("There are invisible control characters in it. Type it again by hand.")})
    return {name: str(value) for name, value in told.items()}


def _body() -> bytes:
    """All of it, or one byte more than is taken, whether its length was said or not. A form's was read by now."""
    return b"" if request.mimetype in FORMS else request.stream.read(LARGEST + 1)


def _key(told: dict[str, str]) -> str:
    """What stands for the message, however often it comes."""
    key = request.headers.get("Idempotency-Key") or told.get("id", "")
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise Refused(422, id=_("At most %(most)s characters, and none that nobody sees.", most=LONGEST_KEY))
    return key


def _declare(inlet: Inlet, told: dict[str, str]) -> Any:
    """In its owner's name, and with the owner's rights."""
    key = _key(told)
    origin = inlet.origin_of(key) if key else None
    if origin and (earlier := _declared_by(origin)):
        return jsonify(status="ok", id=earlier)
    form = _form(inlet, told)
    if not form.validate():
        raise Refused(422, **_faults(form))
    inlet.used_at = clock.now()
    try:
        emergency = declaration(form, inlet.workspace_id, source="webhook", origin=origin).declare(by=inlet.owner)
    except NotAllowed as error:
        raise Refused(403, _("Whoever made this address may not declare that.")) from error
    except IntegrityError as error:  # PostgreSQL: the twin has just committed
        db.session.rollback()
        if earlier := _declared_by(origin) if origin else None:
            return jsonify(status="ok", id=earlier)
        raise Refused(409) from error
    declared = emergency.id
    commit()
    return jsonify(status="ok", id=declared)


def _faults(form: EmergencyForm) -> dict[str, str]:
    """By field, for a program: where there are words to choose from, which."""
    words = {
        "trigger": [each.value for each in form.trigger.choices or []],
        "severity": [value for value, _name in form.severity.choices or []],
    }
    return {
        str(name): _("It has to be one of these: %(words)s.", words=listed(map(str, words[name]), "or"))
        if name in words
        else " ".join(map(str, said))
        for name, said in form.errors.items()
    }


def _form(inlet: Inlet, told: dict[str, str]) -> EmergencyForm:
    """The page's own form; the project by its code, or the inlet's; more keys mean nothing."""
    projects = list(db.session.scalars(Emergency.launches_in(inlet.workspace_id, inlet.owner)))
    chosen = inlet.project_id or ""
    if code := told.get("project"):
        chosen = next((each.id for each in projects if each.code == code), -1)
    typed: dict[str, Any] = {"project": str(chosen), "trigger": told.get("trigger", "").partition("(")[0].lower()}
    typed |= {name: told.get(name, "") for name in ("severity", "title", "note")}
    typed |= {name: "y" for name in ("posts", "drill") if _is_yes(name, told.get(name, ""))}
    return EmergencyForm(MultiDict(typed)).offer(projects)


def _is_yes(name: str, word: str) -> bool:
    """What is neither yes nor no is not taken for either: a drill is not declared as the real thing."""
    if word.strip().lower() not in YES + NO:
        raise Refused(422, **{name: _("It has to be one of these: %(words)s.", words=listed(("true", "false"), "or"))})
    return word.strip().lower() in YES


def _declared_by(origin: str) -> int | None:
    return db.session.scalar(select(Emergency.id).where(Emergency.origin == origin))


def _set_going(inlet: Inlet, told: dict[str, str]) -> Any:
    """{"task": "LAMP-8", "id": "…"}: how many automations it sets going. Without an id every message counts."""
    key = _key(told)
    inlet.used_at = clock.now()
    count = Occasions(inlet.workspace_id).take(inlet, told, inlet.origin_of(key or secrets.token_urlsafe(16)))
    commit()
    return jsonify(status="ok", automations=count)


TAKEN: dict[str, Callable[[Inlet, dict[str, str]], Any]] = {  # by the inlet's purpose
    "emergency": _declare,
    "automation": _set_going,
}
