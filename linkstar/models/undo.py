from typing import Any

from sqlalchemy import select

from linkstar.extensions import db
from linkstar.models.audit_event import AuditEvent, new_change
from linkstar.models.label import Label
from linkstar.models.phase import Phase
from linkstar.models.refusal import NotAllowed, UndoRefused
from linkstar.models.stage import Stage
from linkstar.models.task import Task
from linkstar.models.user import User

PERMISSIONS = {"task.moved": "move", "task.edited": "edit", "task.trashed": "delete"}  # "view" for one's own "Added"
PLACES = {"stage_id": ("stage", Stage), "phase_id": ("phase", Phase), "owner_id": ("owner", User)}


class Undo:
    """Takes back one change of one person as a whole, if nobody has changed the same things since."""

    def __init__(self, change: str, *, by: User) -> None:
        self.by = by
        self.undone = change
        self.change = new_change()
        self.events = [event for event in AuditEvent.of_change(change) if event.task_id]
        if not self.events:
            raise UndoRefused("gone")
        if any(event.actor_id != by.id for event in self.events):
            raise UndoRefused("not_yours")

    def run(self) -> list[Task]:
        """Undoes event after event, the last first, and returns the tasks; refuses the whole where one cannot be."""
        tasks: dict[int, Task] = {}
        for event in reversed(self.events):
            task = db.session.get(Task, event.task_id)
            if task is None:
                raise UndoRefused("gone")
            self._undo(event, task)
            tasks[task.id] = task
        return list(tasks.values())

    def _undo(self, event: AuditEvent, task: Task) -> None:
        task.redraw()  # under the lock, so that nobody changes it between the look and the undoing
        permission = PERMISSIONS.get(event.action, "view")
        if not task.allows(self.by, permission):
            raise NotAllowed(permission)
        if event.action == "task.created":
            self._refuse_if_lived_in(event, task)
            task.trash(by=self.by, undoes=self.undone)
        elif event.action == "task.trashed":
            task.restore(by=self.by, undoes=self.undone)
        elif task.trashed_at:
            raise UndoRefused("gone")
        elif event.action == "task.moved":
            self._move_back(event, task)
        elif event.action == "task.edited":
            self._write_back(event, task)

    @staticmethod
    def _refuse_if_lived_in(event: AuditEvent, task: Task) -> None:
        """Taking back that a task was added would take away what others have put into it since."""
        later = select(AuditEvent.id).where(AuditEvent.task_id == task.id, AuditEvent.change != event.change).limit(1)
        if task.trashed_at or db.session.scalar(later):
            raise UndoRefused("changed_since")

    def _move_back(self, event: AuditEvent, task: Task) -> None:
        old, new = self._sides(event)
        if any(getattr(task, field) != value for field, value in new.items() if field != "position"):
            raise UndoRefused("changed_since")
        to: dict[str, Any] = {}
        for field, value in old.items():
            if field in PLACES:
                name, model = PLACES[field]
                to[name] = db.session.get(model, value) if value is not None else None
            elif field == "platform":
                to["platform"] = value
        task.move_to(by=self.by, to=to, position=old.get("position"), change=self.change, undoes=self.undone)

    def _write_back(self, event: AuditEvent, task: Task) -> None:
        old, new = self._sides(event)
        labels = None
        if "labels" in new:
            if sorted(label.name for label in task.labels) != new.pop("labels"):
                raise UndoRefused("changed_since")
            labels = list(
                db.session.scalars(
                    select(Label).where(Label.workspace_id == task.workspace_id, Label.name.in_(old.pop("labels")))
                )
            )
        values = {field: task.typed(field, value) for field, value in old.items()}
        if any(getattr(task, field) != task.typed(field, value) for field, value in new.items()):
            raise UndoRefused("changed_since")
        task.edit(values, by=self.by, labels=labels, change=self.change, undoes=self.undone)

    @staticmethod
    def _sides(event: AuditEvent) -> tuple[dict[str, Any], dict[str, Any]]:
        return (
            {field: pair[0] for field, pair in event.changes.items()},
            {field: pair[1] for field, pair in event.changes.items()},
        )
