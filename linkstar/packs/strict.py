"""Rows of a file made into parts of a pack, and parts into rows again."""

import re
import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from functools import cache
from graphlib import CycleError, TopologicalSorter
from math import isfinite
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import available_timezones

from linkstar.packs.bounds import AtMost, Between, Known, Quarters
from linkstar.packs.events import Event
from linkstar.packs.faults import Contradiction, PackFault
from linkstar.packs.parts import Phase, Template

KEY = re.compile(r"[\w-]+")
LARGEST = 10_000  # of an amount of days or hours
UNIONS = (Union, types.UnionType)
SCALARS: dict[type, tuple[tuple[type, ...], str]] = {
    str: ((str,), "not_text"),
    bool: ((bool,), "not_yes_or_no"),
    int: ((int,), "not_a_whole_number"),
    float: ((int, float), "not_a_number"),
    date: ((date,), "not_a_date"),
}
UNSTORABLE = re.compile("[\0-\b\v\f\x0e-\x1f\ud800-\udfff]")  # no database keeps these in a text


class Reading:
    """One file, and the keys that it may name: `known` maps "role", "checklist" … to them."""

    def __init__(self, file: str, known: Mapping[str, Collection[str]]) -> None:
        self.file, self.known = file, known

    def rows(self, part: Any, values: Any, field: str) -> tuple[Any, ...]:
        """A file's list of that name."""
        parts = self._tuple(part, values, "", field)
        if part is Event:
            self._check_days(parts)
        return parts

    def row(self, part: Any, row: Any, key: str) -> Any:
        """The row at that key; the keys of what is inside it are put behind."""
        if not isinstance(row, Mapping):
            raise self._fault(key, "not_a_mapping")
        part = self._told_by(_kinds(part), row, key)
        if part is not Template:
            return self._row(part, row, key)
        template: Template = self._knowing_lists_of(row)._row(Template, row, key)
        self._check(template, key)
        return template

    def day(self, value: Any, field: str) -> date | None:
        day: date | None = value and self._scalar(date, value, self.file, field)
        return day

    def in_both_languages(self, part: Any, key: str) -> None:
        """What is there in one language must be there in the other; an empty text says that it has none."""
        for name in _fields(part.__class__):
            value = getattr(part, name)
            if isinstance(value, tuple):
                for each in filter(is_dataclass, value):
                    self.in_both_languages(each, f"{key}.{_name(each)}")
            elif is_dataclass(value):
                self.in_both_languages(value, f"{key}.{name}")
            if name == "zh" or name.endswith("_zh"):
                other = f"{name[:-2]}en"
                if (value is None) != (getattr(part, other) is None):
                    missing = name if value is None else other
                    raise self._fault(key, _missing(missing), field=missing)

    def _fault(self, key: str, fault: str, **facts: Any) -> PackFault:
        return PackFault(self.file, key, fault, **facts)

    def _knowing_lists_of(self, template: Mapping[str, Any]) -> "Reading":
        own = keys_of(template.get("checklists"))
        return Reading(self.file, {**self.known, "checklist": {*self.known["checklist"], *own}}) if own else self

    def _row(self, part: Any, row: Mapping[str, Any], key: str) -> Any:
        known = _fields(part)
        for name in row:
            if name not in known:
                raise self._fault(key, "unknown_field", field=name)
        values = {}
        for name, (field, kind) in known.items():
            value, needed = row.get(name), field.default is MISSING
            if value is not None:
                values[name] = value = self._value(kind, value, key, name)
            if needed and (value is None or (isinstance(value, str) and not value.strip())):
                raise self._fault(key, _missing(name), field=name)
        try:
            return part(**values)
        except Contradiction as contradiction:
            raise self._fault(key, contradiction.fault, **contradiction.facts) from None

    def _told_by(self, parts: Sequence[Any], row: Mapping[str, Any], key: str) -> Any:
        """Which of the parts the row is: the one whose fields with one possible value have that value in the row."""
        for part in parts:
            if len(parts) == 1 or all(row.get(name) == value for name, value in _marks(part).items()):
                return part
        name = next(iter(_marks(parts[0])))
        if row.get(name) is None:
            raise self._fault(key, "no_field", field=name)
        choices = ", ".join(_marks(part)[name] for part in parts)
        raise self._fault(key, "unknown_choice", field=name, value=row[name], choices=choices)

    def _value(self, kind: Any, value: Any, key: str, field: str) -> Any:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Annotated:
            value = self._value(arguments[0], value, key, field)
            for rule in arguments[1:]:
                self._hold(rule, value, key, field)
            return value
        if _are_parts(kind):
            return self.row(kind, value, f"{key}.{field}")
        if origin in UNIONS:
            return self._value(_fitting(_kinds(kind), value), value, key, field)
        if origin is Literal:
            if value not in arguments or type(value) is not type(arguments[0]):  # True is equal to 1
                choices = ", ".join(map(str, arguments))
                raise self._fault(key, "unknown_choice", field=field, value=value, choices=choices)
            return value
        if origin is tuple:
            return self._tuple(arguments[0], value, key, field)
        if origin is Mapping:
            return self._mapping(arguments, value, f"{key}.{field}")
        return self._scalar(kind, value, key, field)

    def _tuple(self, kind: Any, values: Any, key: str, field: str) -> tuple[Any, ...]:
        if not isinstance(values, list):
            raise self._fault(key or field, "not_a_list", field=field)
        if _are_parts(kind):
            parts = [self.row(kind, value, _place(key, field, at, value)) for at, value in enumerate(values, 1)]
        else:
            parts = [self._value(kind, value, key, field) for value in values]
        self._once((_name(part) for part in parts), key or field)
        return tuple(parts)

    def _mapping(self, kinds: tuple[Any, ...], value: Any, key: str) -> dict[Any, Any]:
        name_kind, kind = kinds
        if not isinstance(value, Mapping):
            raise self._fault(key, "not_a_mapping")
        return {
            self._value(name_kind, name, key, str(name)): self._value(kind, each, key, str(name))
            for name, each in value.items()
        }

    def _scalar(self, kind: type, value: Any, key: str, field: str) -> Any:
        accepted, fault = SCALARS[kind]
        if kind is date and isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise self._fault(key, fault, field=field) from None
        posing = (isinstance(value, bool) and kind is not bool) or isinstance(value, datetime)
        if posing or not isinstance(value, accepted) or (isinstance(value, float) and not isfinite(value)):
            raise self._fault(key, fault, field=field)
        if isinstance(value, str) and UNSTORABLE.search(value):
            raise self._fault(key, fault, field=field)
        return value

    def _hold(self, rule: Any, value: Any, key: str, field: str) -> None:
        if isinstance(rule, Known):
            known = _time_zones() if rule.what == "time_zone" else self.known[rule.what]
            if value not in known:
                raise self._fault(key, f"unknown_{rule.what}", value=value)
        elif isinstance(rule, Between):
            if not rule.low <= value <= rule.high:
                raise self._fault(key, "not_between", field=field, low=rule.low, high=rule.high)
        elif isinstance(rule, AtMost) and isinstance(value, str):
            if len(value) > rule.limit:
                raise self._fault(key, "too_long", field=field, limit=rule.limit)
        elif isinstance(rule, AtMost | Quarters):
            limit, signed = (LARGEST, rule.signed) if isinstance(rule, Quarters) else (rule.limit, False)
            if abs(value) > limit:
                raise self._fault(key, "too_large", field=field, limit=limit)
            if value < 0 and not signed:
                raise self._fault(key, "negative", field=field)
            if isinstance(rule, Quarters) and value * 4 % 1:
                raise self._fault(key, "not_quarters", field=field)
        elif rule == "key" and not KEY.fullmatch(value):
            raise self._fault(key, "not_a_key", field=field)
        elif rule == "range" and (len(value) != 2 or value[0] > value[1]):
            raise self._fault(key, "not_a_range", field=field)
        elif rule == "days" and isinstance(value, tuple) and (len(value) != 2 or value[0] > value[1]):
            raise self._fault(key, "not_days", field=field)

    def _once(self, keys: Iterable[str | None], key: str) -> None:
        seen = set()
        for each in keys:
            if each is not None and each in seen:
                raise self._fault(key, "duplicate_key", value=each)
            seen.add(each)

    def _check(self, template: Template, key: str) -> None:
        phases = {phase.key: phase for phase in template.phases}
        self._once((task.key for phase in template.phases for task in phase.tasks), key)
        for phase in template.phases:
            for other in phase.waits_for:
                if other not in phases:
                    raise self._fault(f"{key}.{phase.key}", "unknown_phase", value=other)
            for task in phase.tasks:
                place = f"{key}.{phase.key}.{task.key}"
                for before, _lag in task.after:
                    if before not in template.tasks:
                        raise self._fault(place, "unknown_predecessor", value=before)
                if task.start == "fixed" and task.offset is None and task.offset_calendar_days is None:
                    raise self._fault(place, "fixed_without_offset")
        if template.anchor.task not in template.tasks:
            raise self._fault(key, "no_anchor", value=template.anchor.task)
        self._check_loops(key, {phase.key: phase.waits_for for phase in template.phases})
        self._check_loops(key, order(template))

    def _check_days(self, events: Iterable[Event]) -> None:
        try:
            TopologicalSorter({event.key: event.counts_from for event in events}).prepare()
        except CycleError as cycle:
            loop = cycle.args[1][::-1]  # each is told from the next
            raise self._fault(loop[0], "day_of_itself", loop=" → ".join(loop)) from None

    def _check_loops(self, key: str, after: Mapping[Any, Collection[Any]]) -> None:
        """Keys are text; what is not stands between them and is not told."""
        try:
            TopologicalSorter(after).prepare()
        except CycleError as cycle:
            told = list(dict.fromkeys(each for each in cycle.args[1] if isinstance(each, str)))
            raise self._fault(key, "cycle", loop=" → ".join([*told, told[0]])) from None


def document(part: Any) -> Any:
    """The part as JSON has it: what is as it would be anyway is left out, so that reading it gives the same part."""
    if is_dataclass(part) and not isinstance(part, type):
        values = ((name, getattr(part, name), field) for name, (field, _kind) in _fields(part.__class__).items())
        return {name: document(value) for name, value, field in values if value != field.default}
    if isinstance(part, tuple):
        return [document(each) for each in part]
    if isinstance(part, Mapping):
        return {name: document(value) for name, value in part.items()}
    return part.isoformat() if isinstance(part, date) else part


def order(template: Template) -> dict[Any, list[Any]]:
    """What each task comes after. A phase's gate, named by the phase in a tuple, stands between those that it holds
    and those that it waits for."""
    phases = {phase.key: phase for phase in template.phases}
    gates: dict[Any, list[Any]] = {(phase.key,): _held_by(phases, phase) for phase in template.phases}
    return gates | {
        task.key: [(phase.key,), *(before for before, _lag in task.after)]
        for phase in template.phases
        for task in phase.tasks
    }


def keys_of(rows: Any) -> set[str]:
    """The keys of a list's rows, which nobody has looked at yet."""
    keys = [row.get("key") for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return {key for key in keys if isinstance(key, str)}


@cache
def _fields(part: Any) -> dict[str, tuple[Field[Any], Any]]:
    kinds = get_type_hints(part, include_extras=True)
    return {field.name: (field, kinds[field.name]) for field in fields(part)}


@cache
def _marks(part: Any) -> dict[str, Any]:
    """Its fields that have one possible value."""
    choices = {name: get_args(kind) for name, (_field, kind) in _fields(part).items() if get_origin(kind) is Literal}
    return {name: values[0] for name, values in choices.items() if len(values) == 1}


@cache
def _time_zones() -> set[str]:
    return available_timezones()


def _held_by(phases: Mapping[str, Phase], phase: Phase) -> list[str]:
    """The tasks that the gate in front of this phase waits for."""
    return [task.key for other in phase.waits_for for task in phases[other].tasks if task.blocking]


def _missing(field: str) -> str:
    return {"zh": "no_chinese", "en": "no_english"}.get(field.rpartition("_")[2], "no_field")


@cache
def _kinds(kind: Any) -> tuple[Any, ...]:
    """What the value can be when it is there."""
    kinds = get_args(kind) if get_origin(kind) in UNIONS else (kind,)
    return tuple(each for each in kinds if each is not types.NoneType)


@cache
def _are_parts(kind: Any) -> bool:
    return all(map(is_dataclass, _kinds(kind)))


def _fitting(kinds: tuple[Any, ...], value: Any) -> Any:
    """Which of several kinds is meant; the first one where none fits, so that the fault speaks of it."""
    if isinstance(value, Mapping):
        return next((kind for kind in kinds if is_dataclass(kind)), kinds[0])
    if isinstance(value, list):
        return next((kind for kind in kinds if get_origin(kind) is tuple), kinds[0])
    return next((kind for kind in kinds if kind in SCALARS and isinstance(value, kind)), kinds[0])


def _name(part: Any) -> str | None:
    return part if isinstance(part, str) else getattr(part, "key", getattr(part, "task", None))


def _place(key: str, field: str, at: int, row: Any) -> str:
    own = row.get("key") if isinstance(row, Mapping) else None
    named = own if isinstance(own, str) and own.strip() else f"{field}[{at}]"
    return f"{key}.{named}" if key else named
