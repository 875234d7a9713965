from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped

from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.gate_passage import GatePassage
from linkstar.models.project import Project
from linkstar.models.refusal import Overtaken
from linkstar.models.stage import Stage
from linkstar.models.task.movable import GAP
from linkstar.models.user import User


class Creatable:
    if TYPE_CHECKING:
        id: Mapped[int]
        workspace_id: Mapped[int]
        project_id: Mapped[int]
        position: Mapped[int]
        stage: Mapped[Stage]
        assign: Any

    @classmethod
    def create(
        cls, project: Project, *, by: User, stage: Stage, owner: User, change: str | None = None, **values: Any
    ) -> Self:
        """Adds a task at the end of its column. Outside the backlog it needs its due day at once."""
        cls._refuse_stranger_to(project.workspace_id, owner)
        revision = project.lock()
        if project.trashed_at:
            raise Overtaken("gone")
        last = db.session.scalar(select(func.max(cls.position)).where(cls.project_id == project.id))
        task = cls(  # type: ignore[call-arg]
            workspace_id=project.workspace_id,
            project=project,
            number=project.next_number(),
            stage=stage,
            owner=owner,
            author=by,
            position=(last or 0) + GAP,
            revision=revision,
            version=1,
            **values,
        )
        db.session.add(task)
        with db.session.no_autoflush:
            passed = task.refuse_if_held(stage, values.get("phase"), by=by)  # type: ignore[attr-defined]
        task.set_deadline()  # type: ignore[attr-defined]
        db.session.flush()
        task.heed_emergencies(by=by, started=stage.kind != "backlog")  # type: ignore[attr-defined]
        if passed:
            GatePassage.freeze(task, passed, by=by)  # type: ignore[arg-type]
        task.completed_or_not(by)  # type: ignore[attr-defined]
        record("task.created", by=by, task=task, change=change)  # type: ignore[arg-type]
        task.tell_owner(by)  # type: ignore[attr-defined]
        return task

    def refuse_stranger(self, owner: User) -> None:
        self._refuse_stranger_to(self.workspace_id, owner)

    @staticmethod
    def _refuse_stranger_to(workspace_id: int, owner: User) -> None:
        if owner.membership_in(workspace_id) is None:
            raise ValueError("the owner of a task is a person of its workspace")
