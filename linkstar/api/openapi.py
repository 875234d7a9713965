"""The OpenAPI file, written from the operations themselves when somebody asks for it."""

import json
import re
from typing import Any

from flask import Blueprint, Flask, Response, current_app
from marshmallow import Schema

from linkstar.api.operation import Operation
from linkstar.api.problems import ROOT
from linkstar.extensions import LARGEST_ID
from linkstar.i18n import _l, force_locale
from linkstar.models import SCOPES
from linkstar.views.admission import SAFE, public
from linkstar.views.problem import MEDIA_TYPE, TITLES

blueprint = Blueprint("openapi", __name__, url_prefix="/openapi.json")

INTRODUCTION = _l(
    "What the pages do, for programs, with the rights of the person whose token it is. Lists come in pages: follow "
    "“next”. A PATCH says by If-Match which state it changes. A refusal is a problem document (RFC 9457)."
)
SUCCESSES = {
    200: _l("As it stands now"),
    201: _l("Made"),
    202: _l("Asked for; somebody else has to agree"),
    204: _l("Gone"),
}
UNCHANGED = _l("Unchanged")
HEADERS = {
    "ETag": _l("Stands for this state; send it back as If-None-Match or If-Match."),
    "Link": _l("The address of the next page."),
    "Location": _l("The address of what was made."),
    "X-RateLimit-Limit": _l("How many requests a minute the token has."),
    "X-RateLimit-Remaining": _l("How many are left."),
    "X-RateLimit-Reset": _l("When there are all of them again, in seconds since 1970."),
}
PARAMETERS = {
    "If-Match": _l("The ETag of the state that you saw; where there is a newer one, the answer is 412."),
    "If-None-Match": _l("The ETag that you have; where nothing has changed, the answer is 304."),
    "Idempotency-Key": _l("Any text of your own: what comes with the same key again is not done twice."),
}
PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["field", "detail"],
            },
        },
    },
    "required": ["type", "title", "status"],
}


@blueprint.get("")
@public
def show() -> Response:
    with force_locale("en"):
        return Response(json.dumps(describe(current_app)), content_type="application/json")


def describe(app: Flask) -> dict[str, Any]:
    """The whole file, in the language of the reader."""
    from apispec import APISpec
    from apispec.ext.marshmallow import MarshmallowPlugin

    plugin = MarshmallowPlugin(schema_name_resolver=_name_of)
    about = {"description": str(INTRODUCTION)}
    spec = APISpec("Linkstar", "1", "3.1.0", plugins=[plugin], info=about, servers=[{"url": ROOT}])
    spec.components.schema("Problem", PROBLEM)
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "description": ", ".join(SCOPES)})
    for address, method, name, operation in operations(app):
        spec.path(path=address, operations={method.lower(): _told(address, method, name, operation)})
    return spec.to_dict()


def operations(app: Flask) -> list[tuple[str, str, str, Operation]]:
    """(address, method, endpoint, operation), in the order in which they stand in the program."""
    found = []
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation:
            address = re.sub(r"<id:(\w+)>", r"{\1}", rule.rule).removeprefix(ROOT)
            found.append((address, next(iter((rule.methods or set()) - SAFE), "GET"), rule.endpoint, operation))
    return found


def _name_of(schema: type[Schema] | Schema) -> str:
    return (schema if isinstance(schema, type) else type(schema)).__name__.removesuffix("Answer")


def _told(address: str, method: str, name: str, operation: Operation) -> dict[str, Any]:
    resource, *rest = name.removeprefix("api.").split(".")
    told: dict[str, Any] = {
        "operationId": ".".join((resource, *rest)),
        "summary": str(operation.summary),
        "tags": [resource],
        "security": [{"token": [operation.scope]}],
        "parameters": _parameters(address, method, operation),
        "responses": _answers(method, operation),
    }
    if operation.body:
        kind = "multipart/form-data" if operation.file else "application/json"
        told["requestBody"] = {"required": True, "content": {kind: {"schema": operation.body}}}
    return told


def _parameters(address: str, method: str, operation: Operation) -> list[Any]:
    number = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
    names = re.findall(r"{(\w+)}", address)
    told: list[Any] = [{"in": "path", "name": name, "required": True, "schema": number} for name in names]
    if operation.query:
        told.append({"in": "query", "schema": operation.query})
    if operation.guarded or operation.heeds_state:
        told.append(_header("If-Match", required=operation.guarded))
    if method == "GET" and operation.is_tagged:
        told.append(_header("If-None-Match"))
    if method not in SAFE:
        told.append(_header("Idempotency-Key"))
    return told


def _header(name: str, required: bool = False) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": 128}
    return {"in": "header", "name": name, "required": required, "schema": text, "description": str(PARAMETERS[name])}


def _answers(method: str, operation: Operation) -> dict[str, Any]:
    told = {str(operation.status): _success(operation)}
    for status, shape in (operation.also or {}).items():
        told[str(status)] = _answer(SUCCESSES[status], "application/json", shape)
    if method == "GET" and operation.is_tagged:
        told["304"] = _answer(UNCHANGED, None, None, "ETag")
    for status in operation.refusals(method):
        told[str(status)] = _answer(TITLES[status], MEDIA_TYPE, "Problem")
    return told


def _success(operation: Operation) -> dict[str, Any]:
    words = SUCCESSES[operation.status]
    if operation.gives_file:
        return _answer(
            words, "application/octet-stream", {"type": "string", "contentMediaType": "application/octet-stream"}
        )
    if operation.answer is None:
        return _answer(words, None, None)
    if operation.bare:
        return _answer(words, "application/json", {"type": "array", "items": operation.answer})
    if not operation.many:
        return _answer(words, "application/json", operation.answer, "ETag", *(["Location"] if operation.place else []))
    page = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": operation.answer},
            "next": {"type": ["string", "null"]},
        },
        "required": ["items", "next"],
        "additionalProperties": False,
    }
    return _answer(words, "application/json", page)


def _answer(words: Any, media_type: str | None, shape: Any, *headers: str) -> dict[str, Any]:
    told: dict[str, Any] = {"description": str(words)}
    if shape != "Problem":
        limits = [name for name in HEADERS if name.startswith("X-")]
        told["headers"] = {
            name: {"description": str(HEADERS[name]), "schema": {"type": "string"}} for name in (*headers, *limits)
        }
    if media_type:
        told["content"] = {media_type: {"schema": shape}}
    return told
