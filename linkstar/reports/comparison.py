"""A project beside one of its baselines: what slipped, what came, what went."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models import Baseline, Plan, Task, User
from linkstar.models.plan import dates_of
from linkstar.planning.schedule import Span
from linkstar.reports.gantt import spans_of


@dataclass(frozen=True)
class Compared:
    """A task in both; `now` is None where it has lost its dates."""

    task: Task
    then: Span
    now: Span | None

    @property
    def days(self) -> int:
        """Calendar days by which it ends later now (negative: earlier)."""
        return (self.now.finish - self.then.finish).days if self.now else 0


class Comparison:
    def __init__(self, baseline: Baseline, reader: User) -> None:
        self.baseline, self.project, self.reader = baseline, baseline.project, reader

    @cached_property
    def _then(self) -> dict[int, Span]:
        return spans_of(self.baseline)

    @cached_property
    def _tasks(self) -> list[Task]:
        """Those in the trash as well, as far as the reader sees them; outsiders see no trash."""
        seen = Task.seen_by(self.reader, trash=self.reader.is_inside(self.project.workspace_id))
        here = Task.project_id == self.project.id
        return list(db.session.scalars(select(Task).where(seen, here).options(joinedload(Task.owner))))

    @cached_property
    def rows(self) -> list[Compared]:
        """What slipped most comes first; what has no dates any more stands at the end."""
        rows = [
            Compared(task, self._then[task.id], dates_of(task))
            for task in self._tasks
            if task.id in self._then and not task.trashed_at
        ]
        return sorted(rows, key=lambda row: (row.now is None, -row.days, row.then.finish, row.task.position))

    @property
    def later(self) -> list[Compared]:
        return [row for row in self.rows if row.days > 0]

    @property
    def added(self) -> list[Task]:
        """What has dates now and had none then, or was not there."""
        return [task for task in self._tasks if task.due_on and task.id not in self._then and not task.trashed_at]

    @property
    def removed(self) -> list[Task]:
        """What lies in the trash now."""
        return [task for task in self._tasks if task.id in self._then and task.trashed_at]

    @property
    def launch(self) -> Compared | None:
        """The task on which the plan hangs."""
        return next((row for row in self.rows if Plan.is_anchor(row.task)), None)
