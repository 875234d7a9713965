from typing import Any, Self

from linkstar import packs
from linkstar.extensions import db
from linkstar.models.operations.operation import Operation
from linkstar.models.refusal import Overtaken
from linkstar.models.template import Template, keeps_templates
from linkstar.models.template_draft import TemplateDraft
from linkstar.models.user import User


class PublishTemplate(Operation):
    """The draft of a template becomes its next version."""

    key = "template_change"

    @classmethod
    def of(cls, template: Template, content: dict[str, Any], *, note: str | None) -> Self:
        """`content` is the draft's document as it was looked at."""
        seen = template.last_version
        return cls(template.workspace_id, {"template_id": template.id, "after": seen, "content": content, "note": note})

    @property
    def template(self) -> Template:
        return db.session.get_one(Template, self.arguments["template_id"])

    @property
    def subject(self) -> str:
        return f"template {self.arguments['template_id']}"

    @property
    def about(self) -> dict[str, str | None]:
        return self.template.name

    @property
    def documents(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The version before, and the one that is asked for."""
        before = self.template.version(self.arguments["after"])
        return before.content if before else {}, self.arguments["content"]

    def may_be_asked_by(self, user: User) -> bool:
        membership = user.membership_in(self.workspace_id)
        return membership is not None and keeps_templates(membership)

    def difference(self, *, by: User) -> list[list[Any]]:
        return [["version", self.arguments["after"], self.arguments["after"] + 1]]

    def lock(self) -> None:
        self.template.lock()

    def run(self, *, by: User, asked_by: User) -> str | None:
        """In the name of who wrote it; only as it was read by who agreed."""
        content = self.arguments["content"]
        names = {"name_zh": content["name_zh"], "name_en": content["name_en"]}
        draft = TemplateDraft(self.template)
        if self.template.trashed_at or draft.project is None or self.arguments["after"] != self.template.last_version:
            raise Overtaken("changed_since")
        try:
            if draft.document(**names) != content:
                raise Overtaken("changed_since")
        except packs.PackFault:
            raise Overtaken("changed_since") from None
        if not draft.publish(by=asked_by, seen=self.arguments["after"], note=self.arguments["note"], **names):
            raise Overtaken("changed_since")
        return None
