from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from linkstar.extensions import db
from linkstar.models.audit_event import new_change
from linkstar.models.label import Label
from linkstar.models.phase import Phase
from linkstar.models.stage import Stage
from linkstar.models.task import Task
from linkstar.models.task.gated import Holds
from linkstar.models.user import User


@dataclass
class Row:
    """What a bulk edit does to one task: field → (before, after), or the reason why it is left out."""

    task: Task
    changes: dict[str, tuple[Any, Any]]
    left_out: str | None = None  # 'not_allowed', 'changed_since', 'needs_due_day', 'dates_crossed', 'held'
    holds: Holds | None = None


class BulkEdit:
    """The same values for many tasks, first shown and then written as one change."""

    def __init__(
        self,
        tasks: list[Task],
        values: dict[str, Any],
        *,
        by: User,
        stage: Stage | None = None,
        shift_days: int | None = None,
        label: Label | None = None,
        versions: dict[int, int] | None = None,
    ) -> None:
        self.tasks, self.values, self.by = tasks, values, by
        self.stage, self.shift_days, self.label = stage, shift_days, label
        self.versions = versions or {}  # task id → the version that the preview showed

    def rows(self) -> list[Row]:
        return [self._row(task) for task in self.tasks]

    def _row(self, task: Task) -> Row:
        changes = {
            field: (getattr(task, field), value)
            for field, value in self._values_for(task).items()
            if getattr(task, field) != value
        }
        if self.label and self.label not in task.labels:
            names = sorted(label.name for label in task.labels)
            changes["labels"] = (names, sorted([*names, self.label.name]))
        if self.stage and self.stage.id != task.stage_id:
            changes["stage_id"] = (task.stage_id, self.stage.id)
        needed = {"move" if field == "stage_id" else "edit" for field in changes}
        if not all(task.allows(self.by, permission) for permission in needed):
            return Row(task, {}, "not_allowed")
        if self.versions.get(task.id, task.version) != task.version:
            return Row(task, {}, "changed_since")
        stage = self.stage or task.stage
        start_on = changes.get("start_on", (None, task.start_on))[1]
        due_on = changes.get("due_on", (None, task.due_on))[1]
        if changes and stage.kind != "backlog" and not due_on:
            return Row(task, {}, "needs_due_day")
        if start_on and due_on and start_on > due_on:
            return Row(task, {}, "dates_crossed")
        if holds := self._holds(task, stage, changes):
            return Row(task, {}, "held", holds)
        return Row(task, changes)

    def phase_for(self, task: Task) -> Phase | None:
        return db.session.get(Phase, self.values["phase_id"]) if self.values.get("phase_id") else task.phase

    def _holds(self, task: Task, stage: Stage, changes: dict[str, tuple[Any, Any]]) -> Holds | None:
        if not changes.keys() & {"stage_id", "phase_id"}:
            return None
        holds = task.holds_at(stage, self.phase_for(task))
        holds.due_on = False  # looked at above, with the day that the edit brings
        return holds

    def _values_for(self, task: Task) -> dict[str, Any]:
        values = dict(self.values)
        if self.shift_days:
            for field in ("start_on", "due_on"):
                if getattr(task, field):
                    values[field] = getattr(task, field) + timedelta(days=self.shift_days)
        return values

    def run(self) -> tuple[str, list[Task]]:
        """Writes all rows that are not left out, as one change; returns its name and the tasks that it touched."""
        change, touched = new_change(), []
        if self.tasks:
            self.tasks[0].redraw()  # under the lock, so that what is computed from is what is changed
        for row in self.rows():
            if not row.changes:
                continue
            fields = {field: new for field, (_old, new) in row.changes.items() if field not in ("labels", "stage_id")}
            labels = [*row.task.labels, self.label] if self.label and "labels" in row.changes else None
            if fields or labels:
                row.task.edit(fields, by=self.by, labels=labels, change=change)
            if self.stage and "stage_id" in row.changes:
                row.task.move_to(by=self.by, to={"stage": self.stage}, change=change)
            touched.append(row.task)
        return change, touched
