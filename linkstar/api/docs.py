from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, render_template

from linkstar.api.openapi import describe
from linkstar.api.problems import KINDS
from linkstar.i18n import _
from linkstar.views.admission import public

blueprint = Blueprint("docs", __name__, url_prefix="/docs")


@blueprint.get("")
@public
def show() -> Any:
    """The OpenAPI file, to be read."""
    told = describe(current_app)
    return render_template(
        "api/docs/show.html", told=told, groups=_groups(told), kinds=KINDS, fields_of=fields_of, kind_of=kind_of
    )


@dataclass(frozen=True)
class Described:
    """One operation as the page draws it."""

    method: str
    address: str
    told: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.told["operationId"])

    @property
    def scope(self) -> str:
        return str(self.told["security"][0]["token"][0])

    @property
    def body(self) -> tuple[str, dict[str, Any]] | None:
        """(kind of the body, its schema)"""
        content = self.told.get("requestBody", {}).get("content", {})
        return next(((kind, each["schema"]) for kind, each in content.items()), None)

    @property
    def answers(self) -> list[tuple[str, str, str]]:
        """(status, words, what comes with it)"""
        return [
            (status, each["description"], " ".join(kind_of(of["schema"]) for of in each.get("content", {}).values()))
            for status, each in self.told["responses"].items()
        ]


def _groups(told: dict[str, Any]) -> dict[str, list[Described]]:
    groups: dict[str, list[Described]] = {}
    for address, methods in told["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(Described(method.upper(), address, operation))
    return groups


def fields_of(schema: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """(name, kind, is it always there)"""
    needed = schema.get("required", [])
    return [(name, kind_of(each), name in needed) for name, each in schema.get("properties", {}).items()]


def kind_of(schema: dict[str, Any]) -> str:
    """A schema in a line: string ≤ 200 · integer · Task[] · high | low"""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(kind_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join("null" if each is None else str(each) for each in schema["enum"])
    kinds = schema.get("type", "")
    name = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if name.startswith("array"):
        return f"{kind_of(schema['items'])}[]"
    if "items" in schema.get("properties", {}):
        return _("a page of %(what)s", what=kind_of(schema["properties"]["items"]))
    if "maxLength" in schema:
        name = f"{name} ≤ {schema['maxLength']}"
    return f"{name} ({schema['format']})" if "format" in schema else name
