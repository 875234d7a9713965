"""What other programs post to an inlet's address; what is done with it, the inlet's purpose says."""

import secrets
from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, jsonify, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from linkstar import clock
from linkstar.extensions import commit, csrf, db, limiter, write
from linkstar.forms.emergency import EmergencyForm
from linkstar.i18n import _
from linkstar.models import Emergency, Inlet, NotAllowed, Occasions, Project
from linkstar.views import throttle
from linkstar.views.admission import public, reads_first
from linkstar.views.emergencies.emergencies import declaration

blueprint = Blueprint("incoming", __name__, url_prefix="/in")
csrf.exempt(blueprint)  # no cookie is looked at: the address is the key

LARGEST = 256 * 1024  # bytes of a message
LONGEST_KEY = 128
YES = ("1", "true", "yes", "on")


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
        return _answer(404, status="not_found")
    try:
        told = _told()
    except RequestEntityTooLarge:
        return _answer(413, status="too_large", most=LARGEST)
    if told is None:
        return _answer(400, status="error", errors={"body": [_("Send an object in JSON, or a form.")]})
    write()
    inlet = Inlet.bearing(token)  # under the lock, where nobody revokes it any more
    return TAKEN[inlet.purpose](inlet, told) if inlet else _answer(404, status="not_found")


def _told() -> dict[str, str] | None:
    """What the message says, as text; None where it is neither."""
    request.max_content_length = LARGEST
    if (request.content_length or 0) > LARGEST:  # whoever looked at the form before has let more pass
        raise RequestEntityTooLarge
    if not request.is_json:
        return {name: value for name, value in request.form.items() if value}
    held = request.get_json(silent=True)
    if not isinstance(held, dict):
        return None
    return {str(name): str(value) for name, value in held.items() if value is not None and value != ""}


def _declare(inlet: Inlet, told: dict[str, str]) -> Any:
    """In its owner's name, and with the owner's rights."""
    key = request.headers.get("Idempotency-Key") or told.get("id", "")
    origin = inlet.origin_of(key) if key else None
    if len(key) > LONGEST_KEY or not key.isprintable():
        return _answer(400, status="error", errors={"id": [_("At most %(most)s characters.", most=LONGEST_KEY)]})
    if origin and (earlier := _declared_by(origin)):
        return _answer(200, status="ok", id=earlier)
    form = _form(inlet, told)
    if not form.validate():
        return _answer(
            400, status="error", errors={name: [str(each) for each in said] for name, said in form.errors.items()}
        )
    inlet.used_at = clock.now()
    try:
        emergency = declaration(form, inlet.workspace_id, source="webhook", origin=origin).declare(by=inlet.owner)
    except NotAllowed:
        db.session.rollback()
        return _answer(403, status="not_allowed")
    except IntegrityError:  # PostgreSQL: the twin has just committed
        db.session.rollback()
        earlier = _declared_by(origin) if origin else None
        return _answer(200, status="ok", id=earlier) if earlier else _answer(409, status="again")
    declared = emergency.id
    commit()
    return _answer(200, status="ok", id=declared)


def _form(inlet: Inlet, told: dict[str, str]) -> EmergencyForm:
    """The page's own form; the project by its code, or the inlet's; more keys mean nothing."""
    here = Project.workspace_id == inlet.workspace_id, Project.id.not_in(Project.drafts())
    projects = list(db.session.scalars(Project.visible_to(inlet.owner).where(*here).order_by(Project.id)))
    chosen = inlet.project_id or ""
    if code := told.get("project"):
        chosen = next((each.id for each in projects if each.code == code), -1)
    typed: dict[str, Any] = {"project": str(chosen), "trigger": told.get("trigger", "").partition("(")[0].lower()}
    typed |= {name: told.get(name, "") for name in ("severity", "title", "note")}
    typed |= {name: "y" for name in ("posts", "drill") if told.get(name, "").lower() in YES}
    return EmergencyForm(MultiDict(typed)).offer(projects)


def _declared_by(origin: str) -> int | None:
    return db.session.scalar(select(Emergency.id).where(Emergency.origin == origin))


def _answer(code: int, **said: Any) -> Any:
    return jsonify(said), code


def _set_going(inlet: Inlet, told: dict[str, str]) -> Any:
    """{"task": "LAMP-8", "id": "…"}: how many automations it sets going. Without an id every message counts."""
    key = request.headers.get("Idempotency-Key") or told.get("id", "")
    if len(key) > LONGEST_KEY or not key.isprintable():
        return _answer(400, status="error", errors={"id": [_("At most %(most)s characters.", most=LONGEST_KEY)]})
    inlet.used_at = clock.now()
    count = Occasions(inlet.workspace_id).take(inlet, told, inlet.origin_of(key or secrets.token_urlsafe(16)))
    commit()
    return _answer(200, status="ok", automations=count)


TAKEN: dict[str, Callable[[Inlet, dict[str, str]], Any]] = {  # by the inlet's purpose
    "emergency": _declare,
    "automation": _set_going,
}
