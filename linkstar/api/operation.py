"""One operation of the API, said once: what it is for, which scope it asks for, what it takes and what it answers. The
door, the reading of what was sent and the OpenAPI file all go by it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from typing import Any

from flask import Response, current_app, request, url_for
from flask_babel import LazyString
from marshmallow import Schema, ValidationError

from linkstar.api.paging import Page, PageQuery
from linkstar.api.problems import Problem
from linkstar.api.values import Body, sentence_of
from linkstar.i18n import _
from linkstar.views.admission import SAFE, public


@dataclass(frozen=True)
class Operation:
    scope: str
    summary: LazyString
    answer: type[Schema] | None = None  # None: nothing, or a file
    many: bool = False  # a page of them
    bare: bool = False  # a list of them and nothing around it; the members are as they come
    status: int = 200
    also: dict[int, type[Schema]] | None = None  # other answers than the usual one
    query: type[Schema] | None = None
    body: type[Body] | None = None
    file: bool = False  # takes one, as multipart/form-data
    gives_file: bool = False
    guarded: bool = False  # asks for If-Match
    heeds_state: bool = False  # looks at If-Match where it is sent
    place: str = ""  # of what was made: its endpoint
    for_creators: bool = False  # all others do not exist for them

    @property
    def is_tagged(self) -> bool:
        """One record is answered, with its ETag."""
        return self.answer is not None and not self.many and not self.bare

    def refusals(self, method: str) -> list[int]:
        """The statuses with which it may be refused, beside those of a server in trouble."""
        told = [401, 403, 404, 422, 429]
        if method not in SAFE:
            told += [400, 409, 413]
        if self.body:
            told.append(415)
        if self.guarded or self.heeds_state:
            told.append(412)
        if self.guarded:
            told.append(428)
        return sorted(told)

    def read(self) -> dict[str, Any]:
        """What came in the address and in the body, in the types that were asked for."""
        sent: dict[str, Any] = {}
        asked = _taken(self.query or Body, _address_says())
        if self.query:
            sent["asked"] = asked
        if self.body:
            sent["body"] = _taken(self.body, _form_says() if self.file else _body_says())
        elif request.content_length or request.headers.get("Transfer-Encoding"):
            raise Problem(422, _("This takes no body."))
        if self.guarded and not request.headers.get("If-Match"):
            raise Problem(428, _("Send the ETag of what you read as If-Match."))
        return sent

    def answered(self, found: Any) -> Response:
        if isinstance(found, Response):
            return found
        status = self.status
        if isinstance(found, tuple):
            found, status = found
        shape = (self.also or {}).get(status, self.answer)
        if shape is None:
            return Response(status=status)
        if self.many:
            return _page(shape, found)
        if self.bare:
            return Response(json.dumps(found, ensure_ascii=False), status, content_type="application/json")
        written = _written(shape, found)
        response = Response(written, status, content_type="application/json")
        if self.place:
            response.headers["Location"] = _address_of(self.place, found)
        if shape is self.answer:
            response.set_etag(tag := _tag(written))
            if request.method in ("GET", "HEAD") and _names(request.if_none_match, tag):
                response.status_code, response.data = 304, b""
        return response


def operation(scope: str, summary: LazyString, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Makes a view an operation: it is given `asked` (the query) and `body` where the operation takes them, and
    returns the record that is answered."""
    if more.get("many"):
        more.setdefault("query", PageQuery)
    said = Operation(scope, summary, **more)

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def operate(**ids: int) -> Response:
            return said.answered(view(**ids, **said.read()))

        operate.operation = said  # type: ignore[attr-defined]
        return public(operate)

    return decorate


def refuse_if_changed(record: Any, shape: type[Schema]) -> None:
    """The writer says by If-Match which state he saw; to be asked once the record is locked."""
    if not _names(request.if_match, _tag(_written(shape, record))):
        raise Problem(412)


def _address_of(endpoint: str, record: Any) -> str:
    """The address of a record, whose id is what its endpoint asks for beside what this address says already."""
    wanted = next(current_app.url_map.iter_rules(endpoint)).arguments
    here = {name: value for name, value in (request.view_args or {}).items() if name in wanted}
    return url_for(endpoint, **here, **{name: record.id for name in wanted - here.keys()})


def _written(shape: type[Schema], record: Any) -> bytes:
    return json.dumps(shape().dump(record), ensure_ascii=False).encode()


def _tag(written: bytes) -> str:
    return sha256(written).hexdigest()[:32]


def _names(tags: Any, tag: str) -> bool:
    """A packed answer has the packing behind its tag."""
    return tags.star_tag or any(each.partition(":")[0] == tag for each in tags.as_set())


def _page(shape: type[Schema], page: Page) -> Response:
    told = {"items": shape(many=True).dump(page.records), "next": page.next}
    response = Response(json.dumps(told, ensure_ascii=False), content_type="application/json")
    if page.next:
        response.headers["Link"] = f'<{page.next}>; rel="next"'
    return response


def _taken(shape: type[Schema], sent: Any) -> dict[str, Any]:
    try:
        return dict(shape().load(sent))
    except ValidationError as error:
        errors = [
            {"field": str(name), "detail": sentence_of(said)} for name, said in error.normalized_messages().items()
        ]
        raise Problem(422, errors=errors) from None


def _address_says() -> dict[str, str]:
    return _once(list(request.args.items(multi=True)))


def _form_says() -> dict[str, Any]:
    return _once([*request.form.items(multi=True), *request.files.items(multi=True)])


def _body_says() -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise Problem(415)
    try:
        sent = json.loads(request.get_data(), object_pairs_hook=_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Problem(400) from None
    if not isinstance(sent, dict):
        raise Problem(422, _("This has to be an object."))
    return sent


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What is said twice means nothing for sure."""
    sent = dict(pairs)
    if len(sent) != len(pairs):
        raise Problem(422, _("Something stands in it twice."))
    return sent


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
