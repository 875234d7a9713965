"""One task with everything around it, as one reader may see it."""

from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models import AuditEvent, Checklist, Comment, Task, User

SPEAKING = (
    "task.created", "task.edited", "task.moved", "task.trashed", "task.restored",
    "checklist_item.ticked", "checklist_item.unticked", "checklist_item.added",
)  # fmt: skip


class Panel:
    def __init__(self, task: Task, reader: User) -> None:
        self.task, self.reader = task, reader
        self.whole = task.seen_whole_by(reader)
        # First and all at once, so that the owner, the writers and the called are not looked up one by one below.
        self.people = task.readers() if self.whole else []

    def may(self, permission: str) -> bool:
        return self.task.allows(self.reader, permission)

    @cached_property
    def comments(self) -> list[Comment]:
        return Comment.on(self.task, reader=self.reader)

    @cached_property
    def events(self) -> list[AuditEvent]:
        """What happened to the task, oldest first. Outsiders are not shown who inside did what."""
        if not self.whole:
            return []
        self.names = [*self.task.project.stages, *self.task.project.phases]  # at hand, so that none is asked for singly
        query = select(AuditEvent).where(AuditEvent.task_id == self.task.id, AuditEvent.action.in_(SPEAKING))
        return list(db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(200)))[::-1]

    @cached_property
    def trail(self) -> list[tuple[str, Comment | AuditEvent]]:
        """Comments and changes in the order of time."""
        told: list[tuple[str, Comment | AuditEvent]] = [("comment", comment) for comment in self.comments]
        told += [("event", event) for event in self.events]
        return sorted(told, key=lambda entry: (entry[1].created_at, entry[0] == "comment"))

    @cached_property
    def checklists(self) -> list[Checklist]:
        query = select(Checklist).where(Checklist.task_id == self.task.id).order_by(Checklist.position)
        return list(db.session.scalars(query.options(joinedload(Checklist.items))).unique())

    @cached_property
    def predecessors(self) -> list[Task | None]:
        """What comes before; None stands for a task that the reader may not see and that holds this one back."""
        seen = self._seen(self.task.predecessors)
        return [
            task if task.id in seen else None
            for task in self.task.predecessors
            if task.id in seen or (task.blocking and not task.completed_at and not task.trashed_at)
        ]

    @cached_property
    def successors(self) -> list[Task]:
        seen = self._seen(self.task.successors)
        return [task for task in self.task.successors if task.id in seen]

    def _seen(self, tasks: list[Task]) -> set[int]:
        query = select(Task.id).where(Task.seen_by(self.reader), Task.id.in_([task.id for task in tasks]))
        return set(db.session.scalars(query)) if tasks else set()

    @cached_property
    def subtasks(self) -> list[Task]:
        query = Task.visible_to(self.reader).where(Task.parent_id == self.task.id)
        return list(db.session.scalars(query.order_by(Task.position)))

    @cached_property
    def parent(self) -> Task | None:
        query = Task.visible_to(self.reader).where(Task.id == self.task.parent_id)
        return db.session.scalar(query) if self.task.parent_id else None

    @cached_property
    def readers(self) -> list[User]:
        """Whom a comment can mention. Outsiders mention nobody: they do not see who else there is."""
        return [person for person in self.people if person.id != self.reader.id]

    @property
    def outsiders(self) -> list[User]:
        """Who from outside takes part, so that the composer asks for whom a comment is."""
        return [person for person in self.readers if person.external]
