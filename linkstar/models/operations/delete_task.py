from typing import Any, Self

from linkstar.models.operations.operation import Operation
from linkstar.models.refusal import Overtaken
from linkstar.models.task import Task
from linkstar.models.user import User


class DeleteTask(Operation):
    """A task that has a history, or any that the person may not delete alone, goes to the trash."""

    key = "delete_task_with_history"
    task: Task

    @classmethod
    def of(cls, task: Task) -> Self:
        return cls(task.workspace_id, task=task)

    def may_be_asked_by(self, user: User) -> bool:
        project = self.task.project
        if project.draft_of_id or not self.task.seen_whole_by(user):
            return False
        return self.task.allows(user, "edit") or (
            project.scope(user, "delete") == "approval" and project.known_to(user)
        )

    def may_be_decided_by(self, user: User) -> bool:
        return self.task.project.allows(user, "release") or not self.task.holds_somebody

    def difference(self, *, by: User) -> list[list[Any]]:
        task = self.task
        told: list[tuple[str, Any]] = [
            ("stage_id", task.stage_id), ("owner_id", task.owner_id),
            ("due_on", task.due_on and task.due_on.isoformat()), ("comments", task.comment_count),
            ("files", task.file_count), ("items", task.check_count), ("dependencies", self._link_count),
        ]  # fmt: skip
        return [[name, value, None] for name, value in told if value]

    @property
    def _link_count(self) -> int:
        return len(self.task.predecessors) + len(self.task.successors)

    def seen(self) -> Any:
        return [self.task.version, self.task.stage_id, self.task.comment_count, self.task.file_count]

    def run(self, *, by: User, asked_by: User) -> str | None:
        if self.task.trashed_at:
            raise Overtaken("gone")
        return self.task.trash(by=by)
