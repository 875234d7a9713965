from typing import Any

from sqlalchemy import func, select, update

from linkstar import clock, packs
from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.launch import Launch
from linkstar.models.outline import Outline
from linkstar.models.project import Project
from linkstar.models.refusal import StaleVersion
from linkstar.models.task import Task
from linkstar.models.template import Template, TemplateVersion, library_of, packs_of
from linkstar.models.user import User

KEY = "DRAFT"


class TemplateDraft:
    """A template in people's hands: a project with its tasks and no dates, from which its next version is published.
    There is one at a time for each template."""

    def __init__(self, template: Template) -> None:
        self.template = template

    @property
    def project(self) -> Project | None:
        return db.session.scalar(
            select(Project).where(Project.draft_of_id == self.template.id, Project.trashed_at.is_(None))
        )

    def open(self, *, by: User) -> Project:
        """The draft that is there already, or a new one of the newest version."""
        template = self.template
        template.lock()
        if project := self.project:
            return project
        earlier = db.session.scalar(select(func.count()).where(Project.draft_of_id == template.id)) or 0
        values = {
            "name_zh": template.name_zh,
            "name_en": template.name_en,
            "code": f"{KEY}-{template.id}-{earlier + 1}",
            "key": KEY,
            "draft_of": template,
        }
        return Launch(
            template=template.newest.read(),
            workspace_id=template.workspace_id,
            owner=by,
            anchor=None,
            values=values,
            version=template.newest,
            library=library_of(template.workspace_id),
        ).create(by=by)

    def document(self, name_zh: str | None = None, name_en: str | None = None) -> dict[str, Any]:
        """The draft as a version of the template; raises packs.PackFault where it is none."""
        template = self.template
        told = Outline(self._open).document(
            key=template.key, name_zh=name_zh or template.name_zh, name_en=name_en or template.name_en
        )
        named = f"{name_zh or template.name_zh or template.name_en}"
        held: dict[str, Any] = packs.document(packs.template_from(told, named, packs_of(template.workspace_id)))
        return held

    def publish(
        self, *, by: User, seen: int, name_zh: str | None = None, name_en: str | None = None, note: str | None = None
    ) -> TemplateVersion | None:
        """Makes the draft the newest version and puts it away; None where nothing in it differs from that. `seen` is
        the number of the newest version that the publisher knew."""
        template = self.template
        template.lock()
        if seen != template.last_version or self.project is None:
            raise StaleVersion(seen, template.last_version)
        self.project.touch()
        content = self.document(name_zh, name_en)
        if is_same(template.newest.content, content):
            return None
        version = template.publish(content, by=by, note=note)
        self._put_away(self._open)
        return version

    def discard(self, *, by: User) -> None:
        self.template.lock()
        if project := self.project:
            self._put_away(project)
            changes = {"template": (self.template.name, self.template.name)}
            record("template.draft_discarded", by=by, workspace_id=project.workspace_id, changes=changes)

    @property
    def _open(self) -> Project:
        project = self.project
        if project is None:
            raise ValueError("the template is not being edited")
        return project

    @staticmethod
    def _put_away(project: Project) -> None:
        project.touch()
        project.trashed_at = clock.now()
        rows = update(Task).where(Task.project_id == project.id, Task.trashed_at.is_(None))
        db.session.execute(rows.values(trashed_at=clock.now()), execution_options={"synchronize_session": "fetch"})


def is_same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Do both versions say the same, in the same order?"""
    return not packs.difference(old, new) and _order(old) == _order(new)


def _order(document: dict[str, Any]) -> list[Any]:
    phases = [(phase["key"], [task["key"] for task in phase["tasks"]]) for phase in document["phases"]]
    return [phases, [stage["key"] for stage in document.get("stages", ())]]
