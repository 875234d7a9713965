from dataclasses import dataclass
from datetime import date, datetime

from linkstar import packs
from linkstar.models.launch import Launch
from linkstar.models.outline import Outline
from linkstar.models.project import Project
from linkstar.models.project_code import next_code
from linkstar.models.template import library_of, packs_of
from linkstar.models.user import User

KEPT = ("platforms", "categories", "content_types", "store", "brand")


@dataclass(kw_only=True)
class ProjectCopy:
    """The same plan once more, laid anew from another anchor; without comments, ticks and what really happened."""

    source: Project
    name_zh: str | None
    name_en: str | None
    word: str  # the product's in the code, and the key of its tasks
    anchor: date | datetime
    keeps_people: bool

    def create(self, *, by: User) -> Project:
        source, workspace_id = self.source, self.source.workspace_id
        outline = Outline(source)
        document = outline.document(key=f"copy_{source.id}", name_zh=self.name_zh, name_en=self.name_en)
        launch = Launch(
            template=packs.template_from(document, source.code, packs_of(workspace_id)),
            workspace_id=workspace_id,
            owner=by,
            anchor=self.anchor,
            values={name: getattr(source, name) for name in KEPT} | self._names(by),
            owners=self._owners(outline) if self.keeps_people else {},
            version=source.template_version,
            library=library_of(workspace_id),
        )
        copy = launch.create(by=by)
        if self.keeps_people:
            self._add_members(copy, by)
        return copy

    def _names(self, by: User) -> dict[str, str | None]:
        source = self.source
        day = self.anchor.date() if isinstance(self.anchor, datetime) else self.anchor
        code = next_code(source.workspace_id, platforms=source.platforms, anchor=day, word=self.word)
        return {"name_zh": self.name_zh, "name_en": self.name_en, "code": code, "key": self.word}

    def _owners(self, outline: Outline) -> dict[str, User]:
        """Task → owner. Where nobody filled the role, or who did has left, it is to be assigned again."""
        waiting = {outline.keys[task.id] for task in outline.tasks.values() if task.unassigned}
        return {key: person for key, person in outline.owners.items() if key not in waiting and self._is_here(person)}

    def _add_members(self, copy: Project, by: User) -> None:
        joined = {member.user_id for member in copy.members}
        for member in self.source.members:
            if member.user_id not in joined and self._is_here(member.user):
                copy.add_member(member.user, by=by)

    def _is_here(self, person: User) -> bool:
        return person.active and person.membership_in(self.source.workspace_id) is not None
