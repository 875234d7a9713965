"""What has changed between two templates or two packs, part by part."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from linkstar.packs.parts import Template
from linkstar.packs.strict import document

Document = dict[str, Any]
NESTED = {"phases", "tasks", "items", "stages", "depends_on", "lag"}  # told part by part, or as dependencies
COMPUTED = {"total_before_anchor", "total_after_anchor"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """`key` is the way to the part, outer keys first. A changed part has a field with its values before and after; a
    dependency's key and names are "predecessor → successor", and its only field is its lag."""

    kind: Literal["added", "removed", "changed"]
    what: str  # pack, template, phase, stage, task, dependency, checklist, item, category, content_type, recipe
    key: str
    name_zh: str
    name_en: str
    field: str | None = None
    before: Any = None
    after: Any = None


def difference(old: Template | Document, new: Template | Document) -> list[Change]:
    """From one template to the other. The parts of an added or removed phase or list are told as well."""
    then, now = _document(old), _document(new)
    changes = _changed("template", str(now["key"]), then, now)
    changes += _parts("phase", then["phases"], now["phases"], "")
    changes += _parts("task", _tasks(then), _tasks(now), "")
    changes += _dependencies(_tasks(then), _tasks(now))
    changes += _parts("stage", then.get("stages", ()), now.get("stages", ()), "")
    return changes + _checklists(then, now)


def pack_difference(old: Document, new: Document) -> list[Change]:
    """From one pack_document to the other; what changed inside a template has that template's key in front."""
    changes = _changed("pack", str(new["pack"]["key"]), old["pack"], new["pack"])
    for what, section in (("category", "categories"), ("content_type", "content_types"), ("recipe", "recipes")):
        changes += _parts(what, old.get(section, ()), new.get(section, ()), "")
    then, now = _by_key(old.get("templates", ())), _by_key(new.get("templates", ()))
    for key in then | now:
        if key in then and key in now:
            inside = difference(then[key], now[key])
            changes += [each if each.what == "template" else replace(each, key=f"{key}.{each.key}") for each in inside]
        else:
            changes.append(_whole("template", key, then.get(key), now.get(key)))
    return changes + _checklists(old, new)


def _document(template: Template | Document) -> Document:
    return document(template) if isinstance(template, Template) else template


def _checklists(old: Document, new: Document) -> list[Change]:
    then, now = _by_key(old.get("checklists", ())), _by_key(new.get("checklists", ()))
    changes = _parts("checklist", then.values(), now.values(), "")
    for key in then | now:
        if key in then and key in now:
            changes += _parts("item", then[key]["items"], now[key]["items"], f"{key}.")
    return changes


def _parts(what: str, old: Iterable[Document], new: Iterable[Document], prefix: str) -> list[Change]:
    then, now = _by_key(old), _by_key(new)
    changes = []
    for key in then | now:
        if key in then and key in now:
            changes += _changed(what, prefix + key, then[key], now[key])
        else:
            changes.append(_whole(what, prefix + key, then.get(key), now.get(key)))
    return changes


def _whole(what: str, key: str, then: Document | None, now: Document | None) -> Change:
    zh, en = _names(now or then or {})
    return Change(kind="added" if now else "removed", what=what, key=key, name_zh=zh, name_en=en)


def _changed(what: str, key: str, then: Document, now: Document) -> list[Change]:
    zh, en = _names(now)
    left_out = NESTED | COMPUTED
    if what in ("template", "pack"):
        left_out.add("checklists")
    if what == "task" and "fixed" not in (then.get("start"), now.get("start")):
        left_out.add("offset")  # follows from the others
    return [
        Change(
            kind="changed", what=what, key=key, name_zh=zh, name_en=en,
            field=field, before=then.get(field), after=now.get(field),
        )
        for field in then | now
        if field not in left_out and then.get(field) != now.get(field)
    ]  # fmt: skip


def _dependencies(old: list[Document], new: list[Document]) -> list[Change]:
    then, now = _edges(old), _edges(new)
    names = {task["key"]: _names(task) for task in (*old, *new)}
    changes = []
    for edge in then | now:
        if then.get(edge) != now.get(edge):
            kind: Literal["added", "removed", "changed"] = (
                "added" if edge not in then else "removed" if edge not in now else "changed"
            )
            (before_zh, before_en), (after_zh, after_en) = (names.get(key, (key, key)) for key in edge)
            changes.append(
                Change(
                    kind=kind,
                    what="dependency",
                    key=" → ".join(edge),
                    name_zh=f"{before_zh} → {after_zh}",
                    name_en=f"{before_en} → {after_en}",
                    field="lag",
                    before=then.get(edge),
                    after=now.get(edge),
                )
            )
    return changes


def _edges(tasks: list[Document]) -> dict[tuple[str, str], float]:
    edges = {}
    for task in tasks:
        for each in task["depends_on"]:
            own = isinstance(each, dict)
            edges[each["task"] if own else each, task["key"]] = each["lag"] if own else task.get("lag", 0)
    return edges


def _tasks(template: Document) -> list[Document]:
    return [task | {"phase": phase["key"]} for phase in template["phases"] for task in phase["tasks"]]


def _by_key(rows: Iterable[Document]) -> dict[str, Document]:
    return {row["key"]: row for row in rows}


def _names(row: Document) -> tuple[str, str]:
    zh, en = (next((row[name] for name in (f"title_{to}", f"name_{to}", to) if name in row), "") for to in ("zh", "en"))
    return zh, en
