"""What the United States ask of a launch, as data: project templates and compliance checklists."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

FOLDER = Path(__file__).parent
TEMPLATES, CHECKLISTS = Path("us/templates.yaml"), Path("us/checklists.yaml")


class PackError(Exception):
    """A pack's file does not hold what was looked for."""

    def __init__(self, file: Path, key: str, trouble: str) -> None:
        super().__init__(f"{file}: {key} {trouble}")
        self.file, self.key = file, key


@dataclass(frozen=True, kw_only=True)
class Task:
    """Durations, offsets and lags count in the template's unit, in halves; `conventions` in the file say more."""

    key: str
    title_zh: str
    title_en: str
    role: str
    duration: float
    offset: float
    depends_on: list[str]
    blocking: bool
    milestone: bool = False
    optional: bool = False
    lag: float = 0
    elapsed_calendar_days: int | None = None
    offset_calendar_days: int | None = None
    checklists: tuple[str, ...] = ()
    note_zh: str | None = None
    note_en: str | None = None
    deliverable_zh: str | None = None
    deliverable_en: str | None = None


@dataclass(frozen=True, kw_only=True)
class Phase:
    key: str
    name_zh: str
    name_en: str
    tasks: list[Task]


@dataclass(frozen=True, kw_only=True)
class Template:
    key: str
    name_zh: str
    name_en: str
    unit: str
    anchor: dict[str, str]
    owner_role: str
    phases: list[Phase]


@dataclass(frozen=True, kw_only=True)
class Item:
    key: str
    zh: str
    en: str
    level: str  # required or advisory


@dataclass(frozen=True, kw_only=True)
class Checklist:
    key: str
    title_zh: str
    title_en: str
    applies_to: dict[str, list[str]]
    items: list[Item]

    def applies(self, *, categories: set[str], platforms: set[str]) -> bool:
        """Does a project of these categories on these platforms need it?"""
        return all(
            "all" in self.applies_to[name] or given & set(self.applies_to[name])
            for name, given in (("categories", categories), ("platforms", platforms))
        )


@cache
def template(key: str) -> Template:
    row = _find(TEMPLATES, "templates", key)
    phases = [
        _make(Phase, TEMPLATES, key, phase | {"tasks": _all(Task, TEMPLATES, key, phase, "tasks")})
        for phase in _list(TEMPLATES, key, row, "phases")
    ]
    return _make(Template, TEMPLATES, key, row | {"phases": phases})


@cache
def checklist(key: str) -> Checklist:
    row = _find(CHECKLISTS, "checklists", key)
    return _make(Checklist, CHECKLISTS, key, row | {"items": _all(Item, CHECKLISTS, key, row, "items")})


@cache
def read(file: Path) -> Any:
    """What a YAML file holds; a relative path is one inside this folder."""
    import yaml

    with (FOLDER / file).open("rb") as text:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _find(file: Path, name: str, key: str) -> dict[str, Any]:
    for row in _list(file, name, read(file), name):
        if row.get("key") == key:
            return dict(row)
    raise PackError(file, key, "is not there.")


def _list(file: Path, key: str, row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    if not isinstance(row.get(name), list):
        raise PackError(file, key, f"has no list {name}.")
    return list(row[name])


Part = TypeVar("Part", Task, Phase, Template, Item, Checklist)


def _all(part: type[Part], file: Path, key: str, row: Mapping[str, Any], name: str) -> list[Part]:
    return [_make(part, file, f"{key}.{each.get('key')}", each) for each in _list(file, key, row, name)]


def _make(part: type[Part], file: Path, key: str, row: Mapping[str, Any]) -> Part:
    for field in fields(part):
        if field.name not in row and field.default is MISSING:
            raise PackError(file, key, f"has no {field.name}.")
    return part(**{field.name: row[field.name] for field in fields(part) if field.name in row})
