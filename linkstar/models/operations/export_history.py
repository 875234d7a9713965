from typing import Any, Self

from linkstar.extensions import db
from linkstar.models.audit_event import in_both
from linkstar.models.operations.operation import Operation
from linkstar.models.project import Project
from linkstar.models.role import MASKED
from linkstar.models.user import User
from linkstar.models.workspace import Workspace


class ExportHistory(Operation):
    """What happened in a project or in the workspace may be taken out as a file, with the fields that the person sees
    there anyway. Agreed, it is fetched by who asked for it, for some days."""

    key = "export_sensitive"

    @classmethod
    def of(cls, workspace_id: int, project: Project | None, chosen: dict[str, str]) -> Self:
        """`chosen` is the filter of the page, as its address has it."""
        return cls(workspace_id, {"chosen": chosen}, project=project)

    @property
    def subject(self) -> str:
        return f"history {self.project.id}" if self.project else "history"

    @property
    def about(self) -> dict[str, str | None]:
        workspace = db.session.get_one(Workspace, self.workspace_id)
        about_one = self.project or "about" in self.arguments
        return super().about if about_one else in_both(workspace.name_zh, workspace.name_en)

    def may_be_asked_by(self, user: User) -> bool:
        membership = user.membership_in(self.workspace_id)
        if membership is None or membership.external:
            return False
        if self.project:
            return self.project.known_to(user) and self.project.scope(user, "export") == "approval"
        return membership.scope("view") == "all" and membership.scope("export") == "approval"

    def difference(self, *, by: User) -> list[list[Any]]:
        return [["fields", None, [name for name in MASKED if self._shows(by, name)]]]

    def _shows(self, user: User, name: str) -> bool:
        if self.project:
            return self.project.shows(user, name)
        membership = user.membership_in(self.workspace_id)
        return membership is not None and membership.scope(MASKED[name]) == "all"

    def run(self, *, by: User, asked_by: User) -> str | None:
        return None
