from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Mapped

from linkstar import clock
from linkstar.models.audit_event import record
from linkstar.models.project import Project
from linkstar.models.user import User


class Trashable:
    """Deleting is moving to the trash, with everything attached; restoring brings all of it back."""

    if TYPE_CHECKING:
        trashed_at: Mapped[datetime | None]
        redraw: Any
        redraw_linked: Any
        project: Mapped[Project]

        @property
        def holds_somebody(self) -> bool: ...

    def trash(self, *, by: User, undoes: str | None = None) -> str:
        self.redraw()
        if self.holds_somebody:
            self.project.refuse_release(by)
        self.trashed_at = clock.now()
        self.redraw_linked()
        return record("task.trashed", by=by, task=self, undoes=undoes)  # type: ignore[arg-type]

    def restore(self, *, by: User, undoes: str | None = None) -> str:
        self.redraw()
        self.trashed_at = None
        self.redraw_linked()
        return record("task.restored", by=by, task=self, undoes=undoes)  # type: ignore[arg-type]
