"""The audit trail: which events somebody looks at, and what is said of them, in the reader's words."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import get_timezone
from sqlalchemy import ColumnElement, Text, and_, cast, or_, select
from sqlalchemy.orm import joinedload, lazyload, load_only

from linkstar.extensions import db, record_id
from linkstar.i18n import NATIVE_NAMES, _, both, city_of, day, full_moment, in_language
from linkstar.models import PERMISSIONS, AuditEvent, MailedLink, Partner, Phase, Project, Stage, Task, User
from linkstar.words import (
    COUNTRY_NAMES,
    KIND_NAMES,
    OPERATION_NAMES,
    REACH_NAMES,
    ROLE_NAMES,
    SCOPE_NAMES,
    START_RULE_NAMES,
    TROUBLES,
    field_name,
    platform_name,
    priority_name,
    severity_name,
    yes_no,
)

PAGE = 50
CHUNK = 500
DATES = ("start_on", "due_on", "start_at", "due_at", "locked", "anchor")
DATE_ACTIONS = ("project.anchor_moved",)
OWNERS = ("owner_id", "unassigned")
KINDS: dict[str, tuple[str, ...]] = {  # what one can look for, and how the actions of it begin
    "task": ("task.", "participant.", "comment.", "attachment.", "handover_note."),
    "date": (),
    "owner": (),
    "checklist": ("checklist.", "checklist_item.", "evidence.", "gate.", "phase_gate."),
    "dependency": ("dependency.",),
    "waiver": ("waiver.",),
    "approval": ("approval.",),
    "template": ("template.", "pack."),
    "calendar": ("calendar_day.", "calendar_event.", "calendar_feed."),
    "emergency": ("emergency.", "inlet."),
    "members": ("project_member.", "member.", "invitation.", "role.", "api_token.", "absence."),
    "project": ("project.", "workspace.", "history.", "baseline.", "partner.", "automation.", "channel."),
}
CALLED = re.compile(r"@#([0-9]{1,9})\b")  # as the trail keeps an @mention
CODE = re.compile(r"([A-Za-z][A-Za-z0-9]{1,7})-([0-9]{1,9})")
RECORDS: dict[str, type[Any]] = {
    "stage_id": Stage, "phase_id": Phase, "awaited_id": Phase, "owner_id": User, "user_id": User,
    "collaborator": User, "watcher": User, "predecessor_id": Task, "blocker_id": Task,
    "successor_id": User, "invitation_id": MailedLink, "counterpart_id": User, "partner_id": Partner,
}  # fmt: skip
LONG = ("brief_zh", "brief_en", "wanted_zh", "wanted_en", "unwanted_zh", "unwanted_en", "body", "retrospective")
IN_THE_SENTENCE = {  # never told a second time below it
    "position", "checklist", "item", "predecessor_id", "blocker_id", "template", "pack", "version", "country", "day",
    "works", "user_id", "collaborator", "watcher", "comment",
    "attachment", "file", "number", "invitation_id",
    "operation", "subject", "name", "title", "kept", "emergency", "inlet", "channel", "why",
    "automation", "active",
}  # fmt: skip


@dataclass(frozen=True)
class HistoryFilter:
    """What of the address means anything; the rest of it is left out."""

    person: int | None = None
    kind: str | None = None
    since: date | None = None
    until: date | None = None
    q: str | None = None

    @classmethod
    def read(cls, args: Mapping[str, str]) -> "HistoryFilter":
        def a_day(name: str) -> date | None:
            try:
                return date.fromisoformat(args.get(name, ""))
            except ValueError:
                return None

        return cls(
            person=record_id(args.get("person", "")),
            kind=args["kind"] if args.get("kind") in KINDS else None,
            since=a_day("since"),
            until=a_day("until"),
            q=args.get("q", "").replace("\x00", "").strip()[:100] or None,
        )

    def query(self, **more: object) -> dict[str, str]:
        """The address's arguments for this filter, and more of them."""
        now = {name: getattr(self, name) for name in self.__dataclass_fields__} | more
        return {name: str(value) for name, value in now.items() if value}

    def conditions(self, reader: User) -> list[ColumnElement[bool]]:
        zone = ZoneInfo(reader.timezone)
        found: list[ColumnElement[bool]] = []
        if self.person:
            found.append(AuditEvent.actor_id == self.person)
        if self.kind:
            found.append(_of_kind(self.kind))
        if self.since:
            found.append(AuditEvent.created_at >= datetime.combine(self.since, time(), zone))
        if self.until and self.until < date.max:
            found.append(AuditEvent.created_at < datetime.combine(self.until + timedelta(days=1), time(), zone))
        if self.q:
            found.append(AuditEvent.task_id.in_(select(Task.id).where(_called(self.q))))
        return found


def _of_kind(kind: str) -> ColumnElement[bool]:
    if kind == "date":
        return or_(AuditEvent.action.in_(DATE_ACTIONS), *map(_touches, DATES))
    if kind == "owner":
        return or_(*map(_touches, OWNERS))
    return or_(*(AuditEvent.action.startswith(start) for start in KINDS[kind]))


def _touches(field: str) -> ColumnElement[bool]:
    """A quote inside a value is written with a backslash, so only a field's own name is found by this."""
    return cast(AuditEvent.changes, Text).contains(f'"{field}":', autoescape=True)


def _called(text: str) -> ColumnElement[bool]:
    """Tasks whose title has the text in it, or whose code it is."""
    titled = or_(*(title.icontains(text, autoescape=True) for title in (Task.title_zh, Task.title_en)))
    code = CODE.fullmatch(text)
    if code is None:
        return titled
    projects = select(Project.id).where(Project.key == code[1].upper())
    return or_(titled, and_(Task.number == int(code[2]), Task.project_id.in_(projects)))


class History:
    """One page of what happened in a task, a project or a workspace, the newest first."""

    def __init__(
        self, scope: ColumnElement[bool], reader: User, chosen: HistoryFilter, before: int | None = None
    ) -> None:
        self.scope, self.reader, self.chosen, self.before = scope, reader, chosen, before

    @cached_property
    def _found(self) -> list[AuditEvent]:
        return self._read(self.before, PAGE + 1)

    @property
    def events(self) -> list[AuditEvent]:
        return self._found[:PAGE]

    @property
    def older(self) -> int | None:
        """Where the next page begins, if there is one."""
        return self._found[PAGE - 1].id if len(self._found) > PAGE else None

    @cached_property
    def names(self) -> "Names":
        return Names(self.events, self.reader)

    def chunks(self) -> Iterator[tuple[list[AuditEvent], "Names"]]:
        """All of it, some hundred events at a time."""
        before = None
        while events := self._read(before, CHUNK):
            yield events, Names(events, self.reader)
            before = events[-1].id

    def _read(self, before: int | None, most: int) -> list[AuditEvent]:
        task = joinedload(AuditEvent.task).load_only(
            Task.id, Task.number, Task.title_zh, Task.title_en, Task.trashed_at, Task.project_id, Task.workspace_id
        )
        project = joinedload(AuditEvent.project).load_only(
            Project.key, Project.name_zh, Project.name_en, Project.trashed_at
        )
        query = (
            select(AuditEvent)
            .where(self.scope, *self.chosen.conditions(self.reader))
            .options(
                joinedload(AuditEvent.actor).options(load_only(User.name), lazyload(User.memberships)),
                task.lazyload(Task.project),
                project,
            )
            .order_by(AuditEvent.id.desc())
            .limit(most)
        )
        if before is not None:
            query = query.where(AuditEvent.id < before)
        return list(db.session.scalars(query))


class Names:
    """What the ids in some events stand for, looked up once for all of them; of a task that the reader does not see,
    not even its title, and of a field that the reader may not know, nothing."""

    def __init__(self, events: Iterable[AuditEvent], reader: User) -> None:
        self._reader = reader
        self._records: dict[tuple[type[Any], int], Any] = {}
        wanted: dict[type[Any], set[int]] = {}
        for event in events:
            for field, pair in event.changes.items():
                if field == "body":
                    called = {int(key) for text in pair for key in CALLED.findall(text or "")}
                    wanted.setdefault(User, set()).update(called)
                if field in RECORDS:
                    wanted.setdefault(RECORDS[field], set()).update(value for value in pair if value is not None)
        for model, ids in wanted.items():
            query = select(model).where(model.id.in_(ids))
            if model is Task:
                known = Project.visible_to(reader).with_only_columns(Project.id)  # those in the trash as well
                query = query.where(or_(Task.seen_by(reader), Task.project_id.in_(known)))
                query = query.options(lazyload(Task.project))
            if model is User:
                query = query.options(lazyload(User.memberships))
            self._records |= {(model, record.id): record for record in db.session.scalars(query)}
        unseen = {key for key in wanted.get(Task, ()) if (Task, key) not in self._records}
        self._purged = unseen - set(db.session.scalars(select(Task.id).where(Task.id.in_(unseen)))) if unseen else set()

    def words(self, field: str, value: Any) -> str:
        if RECORDS.get(field) is Task and value in self._purged:
            return _("a deleted task")
        return _words(field, value, lambda model, key: self._records.get((model, key)))

    def said(self, event: AuditEvent, field: str) -> tuple[str, str]:
        """A field of the event, before and after, in words."""
        old, new = event.changes.get(field, (None, None)) if event.shows(self._reader, field) else (None, None)
        return self._shortened(field, old), self._shortened(field, new)

    def changes_of(self, event: AuditEvent) -> list[tuple[str, str, str]]:
        """(field, before, after) in words, of all that the sentence itself does not say."""
        told = [
            (field_name(field), *self.said(event, field)) for field in event.changes if field not in IN_THE_SENTENCE
        ]
        return [(name, old, new) for name, old, new in told if old or new]

    def _shortened(self, field: str, value: Any) -> str:
        words = self.words(field, value)
        return f"{words[:60]}…" if field in LONG and len(words) > 60 else words


def value_words(field: str, value: Any) -> str:
    """A field's value as people read it: a name instead of an id, a day in their language."""
    return _words(field, value, db.session.get)


def _words(field: str, value: Any, find: Callable[[type[Any], int], Any]) -> str:
    if value is None or value == "" or value == [] or (field == "lag" and value == 0):
        return ""
    if field == "body":
        return CALLED.sub(lambda found: f"@{_name_of(User, find(User, int(found[1])))}", value)
    if field in RECORDS:
        return _name_of(RECORDS[field], find(RECORDS[field], value))
    if field in NAMES:
        return str(NAMES[field](value))
    if field in ("start_at", "due_at", "anchor", "start_on", "due_on", "day", "first_on", "last_on", "publish_at"):
        return _moment_or_day(value)
    if isinstance(value, dict):
        return in_language(value.get("zh"), value.get("en"))
    if isinstance(value, list):
        return ", ".join(_words(field, one, find) for one in value)
    if isinstance(value, float):
        return f"{value:g}"
    return yes_no(value) if isinstance(value, bool) else str(value)


NAMES: dict[str, Callable[[Any], Any]] = {
    "priority": priority_name,
    "platform": platform_name,
    "role": lambda value: ROLE_NAMES.get(value, value),
    "start_rule": lambda value: START_RULE_NAMES.get(value, value),
    "source_language": lambda value: NATIVE_NAMES[value],
    "country": lambda value: COUNTRY_NAMES[value],
    "kind": lambda value: KIND_NAMES.get(value, value),
    **dict.fromkeys(("timezone", "audience_timezone", "counterpart_timezone"), city_of),
    "reach": lambda value: REACH_NAMES[value],
    "severity": severity_name,
    "operation": lambda value: OPERATION_NAMES.get(value, value),
    "trouble": lambda value: TROUBLES.get(value, value),
    "fields": lambda value: ", ".join(map(field_name, value)),
    **dict.fromkeys(PERMISSIONS, lambda value: SCOPE_NAMES[value]),
}


def _name_of(model: type[Any], record: Any) -> str:
    if record is None:
        return _("a restricted task") if model is Task else ""
    if isinstance(record, User | MailedLink | Partner):
        return record.name
    return both(record, "title" if model is Task else "name")


def _moment_or_day(value: str | date | datetime) -> str:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    return full_moment(value, str(get_timezone())) if isinstance(value, datetime) else day(value)


def value_typed(field: str, value: Any) -> str:
    """The same value as a form field takes it."""
    if isinstance(value, bool):
        return "y" if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
