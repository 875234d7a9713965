"""Two people wrote the same task: what each of them changed, and a proposal that keeps both where it can."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from linkstar.extensions import db
from linkstar.models import AuditEvent, Task
from linkstar.models.user import User


@dataclass
class Difference:
    """One field that both wrote: what it was, what they made of it and what the reader typed."""

    name: str
    theirs: Any
    mine: Any
    conflict: bool


class Merge:
    def __init__(self, task: Task, form: Any, seen: int) -> None:
        self.task, self.form = task, form
        since = task.changed_since(seen)
        self.differences: list[Difference] = []
        labels = {"labels": form.label_names()} if form.labels_came() else {}
        for name, mine in {**form.values(), **labels}.items():
            theirs = sorted(label.name for label in task.labels) if name == "labels" else getattr(task, name)
            if mine == theirs or (name == "labels" and sorted(mine) == theirs):
                continue
            before = task.typed(name, since[name][0]) if name in since else None
            if name in since and mine == before:
                self._take(name, theirs)  # the reader left it as it was, so the other's text stands
            else:
                self.differences.append(Difference(name, theirs, mine, conflict=name in since))
        form.version.data = task.version

    def _take(self, name: str, value: Any) -> None:
        self.form[name].data = ", ".join(value) if name == "labels" else value

    @property
    def other(self) -> User | None:
        """Who wrote last."""
        event = db.session.scalar(
            select(AuditEvent)
            .where(AuditEvent.of_task(self.task), AuditEvent.action.in_(("task.edited", "task.moved")))
            .order_by(AuditEvent.id.desc())
            .limit(1)
        )
        return event.actor if event else None
