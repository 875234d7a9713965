from typing import Any, Self

from sqlalchemy import func, select

from linkstar.extensions import db
from linkstar.models.operations.operation import Operation
from linkstar.models.project import Project
from linkstar.models.refusal import Overtaken
from linkstar.models.task import Task
from linkstar.models.user import User


class DeleteProject(Operation):
    """A project goes to the trash with all its tasks."""

    key = "delete_project"
    project: Project

    @classmethod
    def of(cls, project: Project) -> Self:
        return cls(project.workspace_id, project=project)

    def may_be_asked_by(self, user: User) -> bool:
        project = self.project
        return not project.draft_of_id and project.scope(user, "delete") == "approval" and project.known_to(user)

    def is_let_go_by(self, user: User) -> bool:
        """That other projects need not wait any more is the word of who asks: who decides need not keep the gates."""
        return self.project.allows(user, "release") or not self.project.holds_others

    def difference(self, *, by: User) -> list[list[Any]]:
        here = Task.project_id == self.project.id, Task.trashed_at.is_(None)
        row = db.session.execute(
            select(
                func.count().label("tasks"),
                func.count().filter(Task.completed_at.is_(None)).label("open_tasks"),
                func.coalesce(func.sum(Task.comment_count), 0).label("comments"),
                func.coalesce(func.sum(Task.file_count), 0).label("files"),
            ).where(*here)
        ).one()
        project = self.project
        told: list[tuple[str, Any]] = [("code", project.code), ("owner_id", project.owner_id)]
        told += [(name, int(count)) for name, count in row._mapping.items()]
        return [[name, value, None] for name, value in told if value]

    def run(self, *, by: User, asked_by: User) -> str | None:
        if not self.is_let_go_by(asked_by):
            raise Overtaken("changed_since")
        return self.project.trash(by=by, let_go_by=asked_by)
