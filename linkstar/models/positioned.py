from typing import TYPE_CHECKING, Any, ClassVar, Self

from sqlalchemy.orm import Mapped

from linkstar.models.audit_event import in_both, record
from linkstar.models.project import Project
from linkstar.models.refusal import PositionGone
from linkstar.models.user import User


class Positioned:
    """A named part of a project that has its place among its like."""

    LIKE: ClassVar[str]  # the project's list of them

    if TYPE_CHECKING:
        name_zh: Mapped[str | None]
        name_en: Mapped[str | None]
        project: Mapped[Project]

    @property
    def name(self) -> dict[str, str | None]:
        return in_both(self.name_zh, self.name_en)

    def _locked(self) -> tuple[Project, list[Self]]:
        """The project and its parts of this kind as they are once nobody else may change them."""
        project = self.project
        project.lock()
        like = list(getattr(project, self.LIKE))
        if self not in like:
            raise PositionGone
        return project, like

    def _record(self, by: User, changes: dict[str, tuple[Any, Any]]) -> None:
        project = self.project
        record("project.edited", by=by, workspace_id=project.workspace_id, project_id=project.id, changes=changes)
