"""The lists that a workspace has at hand for a project, those first that fit it."""

from functools import cached_property

from linkstar import packs
from linkstar.models import Checklist, Project, library_of


class Library:
    def __init__(self, project: Project, taken: list[Checklist], region: str | None = None) -> None:
        self.project, self.region = project, region
        self._taken = {checklist.key for checklist in taken}

    @cached_property
    def rules(self) -> dict[str, packs.Checklist]:
        """By their keys, without those that stand there already."""
        whole = library_of(self.project.workspace_id)
        return {key: rule for key, rule in whole.items() if key not in self._taken}

    @cached_property
    def regions(self) -> list[str]:
        return sorted({rule.region for rule in self.rules.values() if rule.region})

    @property
    def suggested(self) -> list[packs.Checklist]:
        return [rule for rule in self._here if self._fits(rule)]

    @property
    def others(self) -> list[packs.Checklist]:
        return [rule for rule in self._here if not self._fits(rule)]

    @property
    def _here(self) -> list[packs.Checklist]:
        return [rule for rule in self.rules.values() if self.region in (None, rule.region)]

    def _fits(self, rule: packs.Checklist) -> bool:
        project = self.project
        return rule.applies(
            categories=project.categories, platforms=project.platforms, content_types=project.content_types
        )
