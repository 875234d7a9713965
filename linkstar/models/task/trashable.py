from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Mapped

from linkstar import clock
from linkstar.models.audit_event import AuditEvent, record
from linkstar.models.project import Project
from linkstar.models.refusal import Overtaken
from linkstar.models.user import User


class Trashable:
    """Deleting is moving to the trash, with everything attached; restoring brings all of it back."""

    if TYPE_CHECKING:
        trashed_at: Mapped[datetime | None]
        redraw: Any
        redraw_linked: Any
        allows: Any
        id: Mapped[int]
        project: Mapped[Project]

        @property
        def holds_somebody(self) -> bool: ...

    def may_be_trashed_by(self, user: User) -> bool:
        """Alone and at once; others ask for it."""
        if not self.allows(user, "delete"):
            return False
        return self.project.allows(user, "release") or not self.holds_somebody

    def trash(self, *, by: User, undoes: str | None = None) -> str:
        self.redraw()
        if self.holds_somebody:
            self.project.refuse_release(by)
        self.trashed_at = clock.now()
        self.redraw_linked()
        return record("task.trashed", by=by, task=self, undoes=undoes)  # type: ignore[arg-type]

    def restore(self, *, by: User, undoes: str | None = None) -> str:
        """Back to where it was; not out of a project that is in the trash itself."""
        self.redraw()
        if self.project.trashed_at:
            raise Overtaken("gone")
        self.trashed_at = None
        self.redraw_linked()
        return record("task.restored", by=by, task=self, undoes=undoes)  # type: ignore[arg-type]

    def may_be_restored_by(self, user: User) -> bool:
        """By who may delete in the project, be it after an approval; and by who threw it away."""
        if not self.trashed_at or self.project.trashed_at:
            return False
        scope = self.project.scope(user, "delete")
        may_delete = self.allows(user, "delete") or (scope == "approval" and self.project.known_to(user))
        of_task = AuditEvent.of_task(self)  # type: ignore[arg-type]
        return may_delete or AuditEvent.last_actor_id("task.trashed", of_task) == user.id
