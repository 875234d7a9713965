from datetime import date
from typing import Any, Self

from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models.bulk_edit import BulkEdit
from linkstar.models.label import Label
from linkstar.models.operations.operation import Operation
from linkstar.models.phase import Phase
from linkstar.models.project import Project
from linkstar.models.refusal import NotAllowed, Overtaken
from linkstar.models.stage import Stage
from linkstar.models.task import Task
from linkstar.models.user import User

MANY = 20


class ChangeMany(Operation):
    """The same values for twenty tasks and more. Whoever asked for it changes them, with his own rights: what somebody
    has changed since, or he may not touch any more, stays as it is."""

    key = "bulk_change"
    project: Project

    @classmethod
    def of(cls, project: Project, edit: BulkEdit) -> Self:
        arguments = {
            "versions": {str(row.task.id): row.task.version for row in edit.rows() if row.changes},
            "values": {name: _plain(value) for name, value in edit.values.items()},
            "stage_id": edit.stage.id if edit.stage else None,
            "shift_days": edit.shift_days,
            "label": edit.label.name if edit.label else None,
        }
        return cls(project.workspace_id, arguments, project=project)

    @property
    def is_needed(self) -> bool:
        return len(self.arguments["versions"]) >= MANY

    def may_be_asked_by(self, user: User) -> bool:
        membership = user.membership_in(self.workspace_id)
        return membership is not None and membership.role in self.rule.requested_by and self.project.known_to(user)

    def difference(self, *, by: User) -> list[list[Any]]:
        return [
            [name, _plain(old), _plain(new), row.task.id]
            for row in self._edit(by).rows()
            for name, (old, new) in row.changes.items()
        ]

    def run(self, *, by: User, asked_by: User) -> str | None:
        try:
            change, touched = self._edit(asked_by).run()
        except NotAllowed:  # whoever asked has lost the right
            raise Overtaken("changed_since") from None
        if not touched:
            raise Overtaken("changed_since")
        return change

    def _edit(self, asked_by: User) -> BulkEdit:
        versions = {int(key): version for key, version in self.arguments["versions"].items()}
        query = Task.visible_to(asked_by).where(Task.project_id == self.project.id, Task.id.in_(versions))
        tasks = db.session.scalars(query.options(joinedload(Task.stage)).order_by(Task.position))
        name = self.arguments["label"]
        return BulkEdit(
            list(tasks),
            self._values(),
            by=asked_by,
            stage=self._of_project(Stage, self.arguments["stage_id"]),
            shift_days=self.arguments["shift_days"],
            label=Label.named(self.workspace_id, [name])[0] if name else None,
            versions=versions,
        )

    def _values(self) -> dict[str, Any]:
        values = {name: Task.typed(name, value) for name, value in self.arguments["values"].items()}
        self._of_project(Phase, values.get("phase_id"))
        if "owner_id" in values and values["owner_id"] not in [person.id for person in self.project.people()]:
            raise Overtaken("gone")
        return values

    def _of_project(self, model: type[Any], record_id: int | None) -> Any:
        record = db.session.get(model, record_id) if record_id else None
        if record_id and (record is None or record.project_id != self.project.id):
            raise Overtaken("gone")
        return record


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
