"""An audit event in the reader's words."""

from typing import Any

from linkstar.extensions import db
from linkstar.i18n import NATIVE_NAMES, both, day
from linkstar.models import AuditEvent, Phase, Stage, Task, User
from linkstar.words import field_name, platform_name, priority_name, yes_no

RECORDS = {"stage_id": Stage, "phase_id": Phase, "owner_id": User}
LONG = ("brief_zh", "brief_en")


def changes_of(event: AuditEvent) -> list[tuple[str, str, str]]:
    """(field, before, after) in words; the place in the order is left out, because its number says nothing."""
    return [
        (field_name(field), _shortened(field, old), _shortened(field, new))
        for field, (old, new) in event.changes.items()
        if field != "position"
    ]


def value_words(field: str, value: Any) -> str:
    """A field's value as people read it: a name instead of an id, a day in their language."""
    if value is None or value == "" or value == []:
        return ""
    if field in RECORDS:
        record = db.session.get(RECORDS[field], value)
        return (record.name if isinstance(record, User) else both(record, "name")) if record else ""
    if field in ("start_on", "due_on"):
        return day(Task.typed(field, value) if isinstance(value, str) else value)
    if field == "priority":
        return priority_name(value)
    if field == "platform":
        return platform_name(value)
    if field == "source_language":
        return NATIVE_NAMES[value]
    if field == "labels":
        return ", ".join(value)
    return yes_no(value) if isinstance(value, bool) else str(value)


def value_typed(field: str, value: Any) -> str:
    """The same value as a form field takes it."""
    if isinstance(value, bool):
        return "y" if value else ""
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)


def _shortened(field: str, value: Any) -> str:
    words = value_words(field, value)
    return f"{words[:60]}…" if field in LONG and len(words) > 60 else words
