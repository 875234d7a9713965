from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.attachment import Attachment
from linkstar.models.audit_event import AuditEvent, new_change
from linkstar.models.checklist import Checklist
from linkstar.models.comment import Comment
from linkstar.models.dependency import Dependency
from linkstar.models.label import Label
from linkstar.models.partner import Partner
from linkstar.models.phase import Phase
from linkstar.models.project import Project
from linkstar.models.refusal import CycleRefused, MoveRefused, NotAllowed, UndoRefused
from linkstar.models.stage import Stage
from linkstar.models.task import Task
from linkstar.models.task.editable import DATES
from linkstar.models.task.gated import Holds
from linkstar.models.user import User

PERMISSIONS = {  # "view" for one's own "Added"
    "task.moved": "move",
    "task.edited": "edit",
    "task.trashed": "delete",
    "dependency.added": "edit",
    "dependency.removed": "edit",
    "checklist.removed": "edit",
}
THINGS: dict[str, tuple[str, type[Any]]] = {
    "attachment.trashed": ("attachment", Attachment),
    "comment.trashed": ("comment", Comment),
}
UNDONE_WITHIN = timedelta(hours=24)
LINKS = ("dependency.added", "dependency.removed")
PLACES = {"stage_id": ("stage", Stage), "phase_id": ("phase", Phase), "owner_id": ("owner", User)}


def _moment_or_day(value: str) -> date | datetime:
    return datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)


class Undo:
    """Takes back one change of one person as a whole, if nobody has changed the same things since."""

    def __init__(self, change: str, *, by: User) -> None:
        self.by = by
        self.undone = change
        self.change = new_change()
        events = AuditEvent.of_change(change)
        self.events = [event for event in events if event.task_id]
        self.anchors = [event for event in events if event.action == "project.anchor_moved"]
        self.partners = [event for event in events if event.action == "partner.edited"]
        if not self.events:
            raise UndoRefused("gone")
        if any(event.actor_id != by.id for event in self.events):
            raise UndoRefused("not_yours")
        if self.events[-1].created_at < clock.now() - UNDONE_WITHIN:
            raise UndoRefused("late")

    def run(self) -> list[Task]:
        """Undoes event after event, the last first, and returns the tasks; refuses the whole where one cannot be."""
        for event in self.partners:
            self._partner_back(event)
        tasks: dict[int, Task] = {}
        dates = [event for event in self.events if event.action == "task.edited" and event.changes.keys() <= DATES]
        for event in reversed([event for event in self.events if event not in dates]):
            task = db.session.get(Task, event.task_id)
            if task is None:
                raise UndoRefused("gone")
            self._undo(event, task)
            tasks[task.id] = task
        tasks |= self._dates_back(dates)
        for event in self.anchors:
            self._anchor_back(event)
        return list(tasks.values())

    def _dates_back(self, events: list[AuditEvent]) -> dict[int, Task]:
        """A plan that was moved is hundreds of dates: all of them are looked up and written at once."""
        ids = {event.task_id for event in events}
        links = [
            (Dependency.predecessor_id, Dependency.successor_id),
            (Dependency.successor_id, Dependency.predecessor_id),
        ]
        beside = [Task.id.in_(select(other).where(one.in_(ids))) for one, other in links]
        here = select(Project).where(Project.id.in_(select(Task.project_id).where(or_(Task.id.in_(ids), *beside))))
        revisions = (
            {each.id: each.touch() for each in db.session.scalars(here.order_by(Project.id)).all()} if ids else {}
        )
        query = (
            select(Task).where(or_(Task.id.in_(ids), *beside)).options(joinedload(Task.owner), joinedload(Task.stage))
        )
        rows: Iterable[Task] = db.session.scalars(query.execution_options(populate_existing=True)) if ids else []
        tasks = {task.id: task for task in rows}
        for event in reversed(events):
            self._write_dates_back(event, tasks[event.task_id or 0], revisions)
        for task in tasks.values():
            task.revision = revisions[task.project_id]  # the cards beside them say something about these dates
        return {key: task for key, task in tasks.items() if key in ids}

    def _write_dates_back(self, event: AuditEvent, task: Task, revisions: dict[int, int]) -> None:
        if task.trashed_at:
            raise UndoRefused("gone")
        if not task.allows(self.by, "edit"):
            raise NotAllowed("edit")
        old, new = ({name: task.typed(name, value) for name, value in side.items()} for side in self._sides(event))
        if any(getattr(task, name) != value for name, value in new.items()):
            raise UndoRefused("changed_since")
        if task.stage.kind != "backlog" and "due_on" in old and old["due_on"] is None:
            raise MoveRefused(Holds(due_on=True), task, task.stage, task.phase)
        task.set_dates(old, by=self.by, revision=revisions[task.project_id], change=self.change, undoes=self.undone)

    def _anchor_back(self, event: AuditEvent) -> None:
        project = db.session.get_one(Project, event.project_id)
        if not project.allows(self.by, "edit"):
            raise NotAllowed("edit")
        old, new = ((value and _moment_or_day(value)) for value in event.changes["anchor"])
        if new != (project.anchor_at or project.anchor_on):
            raise UndoRefused("changed_since")
        project.move_anchor(old, by=self.by, change=self.change, undoes=self.undone)

    def _partner_back(self, event: AuditEvent) -> None:
        """What was moved because a partner became slower goes back with what the partner was."""
        membership = self.by.membership_in(event.workspace_id or 0)
        if membership is None or membership.scope("edit") not in ("all", "member"):
            raise NotAllowed("edit")
        here = Partner.workspace_id == event.workspace_id, Partner.name == event.changes["partner"][1]
        partner = db.session.scalar(select(Partner).where(*here).with_for_update())
        told = event.changes
        if partner is None or not partner.take_back(told, by=self.by, change=self.change, undoes=self.undone):
            raise UndoRefused("changed_since")

    def _undo(self, event: AuditEvent, task: Task) -> None:
        if event.action not in LINKS:  # they lock all projects of the programme, in their order
            task.redraw()  # under the lock, so that nobody changes it between the look and the undoing
        permission = PERMISSIONS.get(event.action, "view")
        if not (self._sees(task) if event.action in THINGS else task.allows(self.by, permission)):
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
        elif event.action in THINGS:
            self._bring_back(event)
        elif event.action in LINKS:
            self._link_back(event, task)
        elif event.action == "checklist.removed":
            self._list_back(event, task)

    def _link_back(self, event: AuditEvent, task: Task) -> None:
        """The link is as it was before: away, there again, or with its old lag."""
        before, after = event.changes["predecessor_id"]
        old_lag, lag = event.changes["lag"]
        predecessor = db.session.get(Task, after or before)
        if predecessor is None or predecessor.trashed_at:
            raise UndoRefused("gone")
        link = db.session.get(Dependency, (predecessor.id, task.id))
        if (link.lag if link else None) != lag:
            raise UndoRefused("changed_since")
        if before is None:
            task.stop_waiting_for(predecessor, by=self.by, undoes=self.undone)
            return
        try:
            task.wait_for(predecessor, by=self.by, lag=old_lag, undoes=self.undone)
        except CycleRefused:
            raise UndoRefused("changed_since") from None

    def _list_back(self, event: AuditEvent, task: Task) -> None:
        kept = event.changes.get("kept", [None])[0]
        undone = select(AuditEvent.id).where(AuditEvent.undoes == self.undone).limit(1)
        if kept is None or db.session.scalar(undone):
            raise UndoRefused("changed_since")
        Checklist.bring_back(kept, task, by=self.by, undoes=self.undone)

    def _sees(self, task: Task) -> bool:
        """What one took away oneself one brings back, wherever the task is still there for one."""
        return db.session.scalar(Task.visible_to(self.by).where(Task.id == task.id)) is not None

    def _bring_back(self, event: AuditEvent) -> None:
        field, model = THINGS[event.action]
        thing = db.session.get(model, event.changes[field][1])
        if thing is None or not thing.trashed_at:
            raise UndoRefused("changed_since")
        thing.restore(by=self.by, undoes=self.undone)

    @staticmethod
    def _refuse_if_lived_in(event: AuditEvent, task: Task) -> None:
        """Taking back that a task was added would take away what others have put into it since."""
        later = select(AuditEvent.id).where(AuditEvent.of_task(task), AuditEvent.change != event.change).limit(1)
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
        self._refuse_gone(to.get("owner"), task)
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
        self._refuse_gone(db.session.get(User, values["owner_id"]) if "owner_id" in values else None, task)
        if any(getattr(task, field) != task.typed(field, value) for field, value in new.items()):
            raise UndoRefused("changed_since")
        task.edit(values, by=self.by, labels=labels, change=self.change, undoes=self.undone)

    @staticmethod
    def _refuse_gone(owner: User | None, task: Task) -> None:
        """No task comes back to somebody who has left."""
        if owner and not owner.membership_in(task.workspace_id):
            raise UndoRefused("changed_since")

    @staticmethod
    def _sides(event: AuditEvent) -> tuple[dict[str, Any], dict[str, Any]]:
        return (
            {field: pair[0] for field, pair in event.changes.items()},
            {field: pair[1] for field, pair in event.changes.items()},
        )
