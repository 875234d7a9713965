"""The templates to begin a project with, by what they are for."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy.orm import undefer

from linkstar import packs
from linkstar.extensions import db
from linkstar.i18n import _l, both, in_language
from linkstar.models import TemplateVersion

KINDS = {
    "launch_day": _l("Product launches"),
    "publish_day": _l("Content"),
    "event_day": _l("Campaigns and deadlines"),
    "quarter_start": _l("Quarterly plans"),
    "incident_time": _l("Emergencies"),
}


@dataclass
class TemplateChoice:
    version: TemplateVersion
    content: dict[str, Any]

    @property
    def kind(self) -> str:
        kind: str = self.content["anchor"]["type"]
        return kind

    @property
    def name(self) -> str:
        return both(self.version.template, "name")

    @property
    def about(self) -> str:
        return in_language(self.content.get("description_zh"), self.content.get("description_en"))

    @property
    def platforms(self) -> list[packs.Category]:
        named = self.content.get("applies_to", {}).get("platforms", ())
        return [part for part in packs.pack().platforms if part.key in named]

    @property
    def count(self) -> int:
        return sum(len(phase["tasks"]) for phase in self.content["phases"])

    @property
    def weeks(self) -> int | None:
        """From the first day to the anchor; None where the template counts hours or does not say."""
        days = self.content.get("total_before_anchor")
        return max(1, round(days / 5)) if days and self.content["unit"] == "working_day" else None

    def has(self, words: str) -> bool:
        told = [self.version.template.name_zh, self.version.template.name_en, self.about]
        told += [name for part in self.platforms for name in (part.name_zh, part.name_en)]
        told += [self.content.get("description_zh"), self.content.get("description_en")]
        text = " ".join(filter(None, told)).casefold()
        return all(word in text for word in words.casefold().split())


def template_choices(workspace_id: int, words: str, *, by_day: bool = False) -> list[tuple[str, list[TemplateChoice]]]:
    versions = db.session.scalars(TemplateVersion.newest_of(workspace_id).options(undefer(TemplateVersion.content)))
    choices = [TemplateChoice(version, version.content) for version in versions]
    if by_day:
        choices = [each for each in choices if each.content["unit"] == "working_day"]
    order = list(KINDS)
    found = sorted((each for each in choices if each.has(words)), key=lambda each: order.index(each.kind))
    return [(str(KINDS[kind]), list(group)) for kind, group in groupby(found, key=lambda each: each.kind)]
