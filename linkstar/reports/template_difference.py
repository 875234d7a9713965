"""What differs between two versions of a template or of a pack, in the reader's words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from linkstar.i18n import _l, in_language
from linkstar.packs import Change
from linkstar.words import (
    CONFIDENCE_NAMES,
    EVIDENCE_NAMES,
    FIELD_NAMES,
    ROLE_NAMES,
    STAGE_KINDS,
    START_RULE_NAMES,
    platform_name,
    yes_no,
)

Document = Mapping[str, Any]

SECTIONS = {
    "pack": _l("The pack itself"),
    "template": _l("The template itself"),
    "phase": _l("Phases"),
    "stage": _l("Stages"),
    "task": _l("Tasks"),
    "dependency": _l("Dependencies"),
    "checklist": _l("Checklists"),
    "item": _l("Checklist items"),
    "category": _l("Categories"),
    "content_type": _l("Content types"),
    "recipe": _l("Recipes for splitting"),
}
FIELDS = {
    "name_zh": _l("Name in Chinese"),
    "name_en": _l("Name in English"),
    "zh": _l("Text in Chinese"),
    "en": _l("Text in English"),
    "description_zh": _l("Description in Chinese"),
    "description_en": _l("Description in English"),
    "note_zh": _l("Brief in Chinese"),
    "note_en": _l("Brief in English"),
    "disclaimer_zh": _l("Disclaimer in Chinese"),
    "disclaimer_en": _l("Disclaimer in English"),
    "applies_to": _l("Made for"),
    "unit": _l("Unit"),
    "anchor": _l("Anchor day"),
    "owner_role": _l("Owner's role"),
    "closing_kpis": _l("Key figures at the end"),
    "subprojects": _l("Sub-projects"),
    "scheduling": _l("Direction of the plan"),
    "variables": _l("Usual lead times"),
    "variant_of": _l("Variant of"),
    "waits_for": _l("Waits for the phases"),
    "phase": _l("Phase"),
    "start": _l("How the start is set"),
    "elapsed_calendar_days": _l("Calendar days that run through weekends"),
    "offset_calendar_days": _l("Deadline in calendar days from the anchor"),
    "checklists": _l("Checklists"),
    "creates_subproject_from": _l("Makes a sub-project from"),
    "counterpart_tz": _l("Time zone on the other side"),
    "authority": _l("Authority"),
    "citation": _l("Source"),
    "region": _l("Region"),
    "confidence": _l("Confidence"),
    "checked_on": _l("Checked on"),
    "lead_time_days": _l("Lead time in days"),
    "validity_zh": _l("Validity in Chinese"),
    "validity_en": _l("Validity in English"),
    "level": _l("Level"),
    "evidence": _l("Evidence"),
    "evidence_zh": _l("Evidence in Chinese"),
    "evidence_en": _l("Evidence in English"),
    "kind": _l("Kind"),
    "version": _l("Version"),
}
CHOICES: dict[str, Mapping[str, Any]] = {
    "role": ROLE_NAMES,
    "owner_role": ROLE_NAMES,
    "start": START_RULE_NAMES,
    "confidence": CONFIDENCE_NAMES,
    "evidence": EVIDENCE_NAMES,
    "kind": STAGE_KINDS,
    "unit": {"working_day": _l("working days"), "hour": _l("hours")},
    "scheduling": {"backward": _l("back from the anchor"), "forward": _l("on from the anchor")},
    "level": {"required": _l("required"), "advisory": _l("advisory")},
}


@dataclass
class Part:
    """One part with what became of it: added, removed, or fields with their values before and after; `within` is
    the list or, in a pack, the template that it belongs to."""

    name: str
    kind: str
    within: str = ""
    fields: list[tuple[str, str, str]] = field(default_factory=list)


class TemplateDifference:
    """`documents` are both versions: what a key in a value is called stands in them."""

    def __init__(self, changes: Iterable[Change], documents: Iterable[Document]) -> None:
        self.names: dict[str, str] = {}
        for document in documents:
            self._learn(document)
        found: dict[str, dict[str, Part]] = {}
        for change in changes:
            parts = found.setdefault(change.what, {})
            name = in_language(change.name_zh, change.name_en)
            outer = change.key.rpartition(".")[0].partition(".")[0]
            part = parts.setdefault(change.key, Part(name, change.kind, self.names.get(outer, "")))
            if change.field and (change.kind == "changed" or change.before or change.after):
                part.fields.append(self._field(change))
        self.sections = [(str(SECTIONS[what]), list(found[what].values())) for what in SECTIONS if what in found]

    def __bool__(self) -> bool:
        return bool(self.sections)

    def _learn(self, part: Any) -> None:
        if isinstance(part, Mapping):
            for to in ("name", "title"):
                if "key" in part and f"{to}_zh" in part:
                    self.names[part["key"]] = in_language(part[f"{to}_zh"], part[f"{to}_en"])
            for value in part.values():
                self._learn(value)
        elif isinstance(part, list):
            for each in part:
                self._learn(each)

    def _field(self, change: Change) -> tuple[str, str, str]:
        name = change.field or ""
        label = FIELDS.get(name) or FIELD_NAMES.get(name) or name
        return str(label), self._words(name, change.before), self._words(name, change.after)

    def _words(self, name: str, value: Any) -> str:
        if value is None or value in ("", [], {}):
            return ""
        if isinstance(value, bool):
            return yes_no(value)
        if isinstance(value, list):
            return ", ".join(self._words(name, each) for each in value)
        if isinstance(value, Mapping):
            return self._of_mapping(name, value)
        if isinstance(value, float):
            return f"{value:g}"
        choices = CHOICES.get(name, {})
        return str(choices.get(value) or self.names.get(value) or platform_name(str(value)) or value)

    def _of_mapping(self, name: str, value: Document) -> str:
        for to in ("name_", "title_", ""):
            if f"{to}zh" in value:
                return in_language(value[f"{to}zh"], value[f"{to}en"])
        return ", ".join(self._words(name, each) for each in value.values() if each)
