"""Whole packs: the shipped ones and uploaded ones, and templates that stand alone."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from linkstar.packs import files
from linkstar.packs.events import DaysFromEvent, Event, Season
from linkstar.packs.faults import PackFault
from linkstar.packs.parts import Category, Checklist, EmergencyFlow, Operation, Pack, Recipe, Role, Template
from linkstar.packs.strict import Reading, document, keys_of

TEMPLATES, CHECKLISTS = Path("us/templates.yaml"), Path("us/checklists.yaml")
CALENDAR, WORKFLOWS = Path("us/calendar.yaml"), Path("us/workflows.yaml")

# section of a pack → what its rows are, what others call a key of one, the file in which it is shipped
SECTIONS: dict[str, tuple[Any, str, str]] = {
    "categories": (Category, "category", "categories.yaml"),
    "content_types": (Category, "content_type", "categories.yaml"),
    "platforms": (Category, "platform", "categories.yaml"),
    "regions": (Category, "region", "categories.yaml"),
    "stages": (Category, "stage", "categories.yaml"),
    "roles": (Role, "role", "workflows.yaml"),
    "sensitive_operations": (Operation, "operation", "workflows.yaml"),
    "checklists": (Checklist, "checklist", "checklists.yaml"),
    "templates": (Template, "template", "templates.yaml"),
    "recipes": (Recipe, "recipe", "recipes.yaml"),
    "events": (Event, "event", "calendar.yaml"),
    "cutoff_rules": (DaysFromEvent | Season, "cutoff_rule", "calendar.yaml"),
}
UPLOADABLE = ("categories", "content_types", "checklists", "templates", "recipes")


def shipped() -> list[str]:
    return sorted(path.parent.name for path in files.FOLDER.glob("*/pack.yaml"))


@cache
def pack(key: str = "us") -> Pack:
    if key not in shipped():
        raise PackFault(key, key, "not_there")
    head = files.read(Path(key, "pack.yaml"))
    where = {section: f"{key}/{file}" for section, (_part, _what, file) in SECTIONS.items()}
    held = {file: _top(files.read(Path(file)), file) for file in where.values()}
    lists = held[f"{key}/checklists.yaml"]
    head = _top(head, f"{key}/pack.yaml") | {name: lists.get(name) for name in ("disclaimer_zh", "disclaimer_en")}
    rows = {section: held[file].get(section) for section, file in where.items()}
    for section, values in rows.items():
        if values is None:
            raise PackFault(where[section], where[section], "no_field", field=section)
    return _made(head, rows, where | {"pack": f"{key}/pack.yaml"}, lists.get("as_of"))


def template(key: str) -> Template:
    """A template of the shipped pack."""
    return pack().template(key)


def checklist(key: str) -> Checklist:
    """A checklist of the shipped pack."""
    return pack().checklist(key)


@cache
def emergency_flow() -> EmergencyFlow:
    """What the shipped pack says of emergencies: what sets them off, how bad they are, which playbook is laid."""
    held = _top(files.read(WORKFLOWS), WORKFLOWS.name).get("emergency_flow")
    made: EmergencyFlow = Reading(WORKFLOWS.name, _known([pack()], {})).row(EmergencyFlow, held, "emergency_flow")
    return made


def parse(data: bytes | str, file_name: str) -> Pack:
    """An uploaded file."""
    from linkstar.packs import yaml_text

    return pack_from(yaml_text.load_untrusted(data, file_name), file_name)


def pack_from(document: Any, file_name: str) -> Pack:
    """What an uploaded file holds, or a pack_document(): the mapping `pack` with key, version and names, and any of
    the lists in UPLOADABLE; `as_of` is the day on which its checklists were checked. It may name whatever the shipped
    packs hold."""
    told = _top(document, file_name)
    for name in told:
        if name not in ("pack", "schema_version", "as_of", *UPLOADABLE):
            raise PackFault(file_name, file_name, "unknown_field", field=name)
    if not isinstance(told.get("pack"), Mapping):
        raise PackFault(file_name, file_name, "no_field", field="pack")
    rows = {section: told.get(section) for section in UPLOADABLE}
    return _made(told["pack"], rows, dict.fromkeys((*rows, "pack"), file_name), told.get("as_of"), _all_shipped())


def template_from(document: Mapping[str, Any], file: str, known: Iterable[Pack] = ()) -> Template:
    """A template that stands alone. It may name what is in itself, in the known packs and in the shipped ones."""
    reading = Reading(file, _known([*_all_shipped(), *known], {}))
    key = document.get("key") if isinstance(document, Mapping) else None
    return reading.row(Template, document, key if isinstance(key, str) and key.strip() else "template")


def self_contained(template: Template, pack: Pack) -> dict[str, Any]:
    """The template's document with all checklists inside that its tasks and stages name."""
    lists = {each.key: each for source in (*_all_shipped(), pack) for each in source.checklists}
    lists |= {each.key: each for each in template.checklists}
    named = [key for task in template.tasks.values() for key in task.checklists]
    named += [key for stage in template.stages for key in stage.checklists]
    wanted = dict.fromkeys([*(each.key for each in template.checklists), *named])
    held: dict[str, Any] = document(replace(template, checklists=tuple(lists[key] for key in wanted)))
    return held


def pack_document(pack: Pack) -> dict[str, Any]:
    """The pack in the shape of an uploaded file; JSON of it can be parsed again."""
    held = document(pack)
    head = {name: value for name, value in held.items() if name not in SECTIONS}
    return {"pack": head} | {section: held[section] for section in UPLOADABLE if section in held}


def _all_shipped() -> list[Pack]:
    return [pack(key) for key in shipped()]


def _made(
    head: Mapping[str, Any], rows: Mapping[str, Any], where: Mapping[str, str], as_of: Any, base: Iterable[Pack] = ()
) -> Pack:
    """`rows` and `where` say for each section what its list holds and which file that is in."""
    known = _known(base, rows)
    reading = Reading(where["pack"], known)
    for name in head:
        if name in SECTIONS:
            raise PackFault(where["pack"], "pack", "unknown_field", field=name)
    made = reading.row(Pack, head, "pack")
    reading.in_both_languages(made, "pack")
    sections: dict[str, Any] = {}
    for section, values in rows.items():
        reading = Reading(where[section], known)
        sections[section] = reading.rows(SECTIONS[section][0], values, section) if values is not None else ()
        for part in sections[section]:
            reading.in_both_languages(part, part.key)
    day = Reading(where["checklists"], known).day(as_of, "as_of")
    sections["checklists"] = tuple(replace(each, checked_on=each.checked_on or day) for each in sections["checklists"])
    return replace(made, **sections)


def _known(packs: Iterable[Pack], rows: Mapping[str, Any]) -> dict[str, set[str]]:
    """The keys that may be named: those in the packs and those in the raw rows."""
    known: dict[str, set[str]] = {what: set() for _part, what, _file in SECTIONS.values()}
    for what in ("category", "platform", "content_type"):
        known[what].add("all")
    for section, (_part, what, _file) in SECTIONS.items():
        known[what].update(part.key for each in packs for part in getattr(each, section))
        known[what].update(keys_of(rows.get(section)))
    return known


def _top(held: Any, file: str) -> dict[str, Any]:
    if not isinstance(held, dict):
        raise PackFault(file, file, "not_a_mapping")
    return held
