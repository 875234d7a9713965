from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, or_, select, update
from sqlalchemy.orm import contains_eager, joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.approval import Approval
from linkstar.models.attachment import Attachment
from linkstar.models.audit_event import in_both, new_change, record_rows
from linkstar.models.comment import Comment
from linkstar.models.project import Project
from linkstar.models.task import Task
from linkstar.models.user import User

KEPT = timedelta(days=30)


class Trash:
    """What was thrown away, as one person may see it: for thirty days all of it comes back."""

    def __init__(self, person: User) -> None:
        self.person = person
        self.here = [membership.workspace_id for membership in person.memberships if not membership.external]

    def tasks(self) -> Select[Task]:
        """Those of living projects; the others come back with theirs."""
        return (
            select(Task)
            .join(Task.project)
            .where(Task.workspace_id.in_(self.here), Task.seen_by(self.person, trash=True), _fresh(Task.trashed_at))
            .where(Project.trashed_at.is_(None), Project.draft_of_id.is_(None))
            .options(contains_eager(Task.project))
            .order_by(Task.trashed_at.desc(), Task.id.desc())
        )

    def projects(self) -> Select[Project]:
        return (
            select(Project)
            .where(Project.workspace_id.in_(self.here), Project.seen_by(self.person), _fresh(Project.trashed_at))
            .where(Project.draft_of_id.is_(None))
            .order_by(Project.trashed_at.desc(), Project.id.desc())
        )

    def attachments(self) -> Select[Attachment]:
        return (
            select(Attachment)
            .join(Attachment.task)
            .where(Task.workspace_id.in_(self.here), Task.seen_by(self.person), _fresh(Attachment.trashed_at))
            .options(contains_eager(Attachment.task), joinedload(Attachment.added_by))
            .order_by(Attachment.trashed_at.desc(), Attachment.id.desc())
        )

    @staticmethod
    def purge() -> int:
        """Deletes for good what has lain there too long, and says so in the trail, which stays. Tasks before their
        projects, because the database asks which stage each stands in."""
        old = clock.now() - KEPT
        lost = select(Project).where(Project.trashed_at < old, Project.draft_of_id.is_(None))
        drafts = select(Project.id).where(Project.draft_of_id.is_not(None))
        thrown = select(Task).where(Task.trashed_at < old, Task.project_id.not_in(drafts))
        change, count = new_change(), 0
        for model, query in ((Task, thrown), (Project, lost)):
            records = list(db.session.scalars(query))
            Approval.outlive(_concern(model, query), change=change)
            record_rows(_told(each, change) for each in records)
            for start in range(0, len(records), 500):
                ids = [each.id for each in records[start : start + 500]]
                _delete(model, model.id.in_(ids), model.trashed_at < old)
            count += len(records)
        _delete(Attachment, Attachment.trashed_at < old)
        taken_back = update(Comment).where(Comment.trashed_at < old, Comment.body != "")
        db.session.execute(taken_back.values(body=""), execution_options={"synchronize_session": False})
        return count


def _fresh(column: Any) -> ColumnElement[bool]:
    return column > clock.now() - KEPT


def _concern(model: Any, query: Select[Any]) -> ColumnElement[bool]:
    """Requests about these tasks, or about these projects and what is in them."""
    ids = query.with_only_columns(model.id)
    if model is Task:
        return Approval.task_id.in_(ids)
    return or_(Approval.project_id.in_(ids), Approval.task_id.in_(select(Task.id).where(Task.project_id.in_(ids))))


def _told(record: Task | Project, change: str) -> dict[str, Any]:
    task = record if isinstance(record, Task) else None
    field = "title" if task else "name"
    name = in_both(getattr(record, f"{field}_zh"), getattr(record, f"{field}_en"))
    return {
        "action": "task.purged" if task else "project.purged", "change": change, "workspace_id": record.workspace_id,
        "project_id": task.project_id if task else record.id, "task_id": task.id if task else None,
        "task_version": task.version if task else None, "changes": {field: [name, None]},
    }  # fmt: skip


def _delete(model: Any, *which: ColumnElement[bool]) -> None:
    db.session.execute(delete(model).where(*which), execution_options={"synchronize_session": False})
