"""The tasks of a project one below the other: the same filter as the board's, sorted, a page at a time."""

from itertools import groupby
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models import PRIORITIES, Project, Stage, Task, User
from linkstar.reports.task_filter import TaskFilter

PAGE = 50
SORTS = {
    "order": (Stage.position, Task.position),
    "due": (Task.due_on.is_(None), Task.due_on, Task.position),
    "-due": (Task.due_on.is_(None), Task.due_on.desc(), Task.position),
    "owner": (Task.owner_id, Task.due_on, Task.position),
    "number": (Task.number,),
    "-number": (Task.number.desc(),),
    "stage": (Stage.position, Task.position),
    "priority": (case(*((Task.priority == key, rank) for rank, key in enumerate(PRIORITIES))), Task.position),
}


class TaskList:
    def __init__(
        self, project: Project, reader: User, chosen: TaskFilter, *, sort: str | None = None, page: int = 1
    ) -> None:
        self.project, self.reader, self.filter = project, reader, chosen
        self.sort = sort if sort in SORTS else "order"
        conditions: list[Any] = [
            Task.project_id == project.id, Task.seen_by(reader), *chosen.conditions(reader)
        ]  # fmt: skip
        self.count = db.session.scalar(select(func.count()).select_from(Task).where(*conditions)) or 0
        self.pages = max(1, -(-self.count // PAGE))
        self.page = min(max(1, page), self.pages)
        self.rows = list(
            db.session.scalars(
                select(Task)
                .join(Task.stage)
                .where(*conditions)
                .options(joinedload(Task.stage), joinedload(Task.phase))
                .options(joinedload(Task.owner).selectinload(User.memberships))
                .order_by(*SORTS[self.sort])
                .limit(PAGE)
                .offset((self.page - 1) * PAGE)
            )
        )

    def by_stage(self) -> list[tuple[Stage, list[Task]]]:
        """The page's rows under the stages they stand in."""
        return [(stage, list(rows)) for stage, rows in groupby(self.rows, key=lambda task: task.stage)]
