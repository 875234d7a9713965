"""The gates of a project: the lists on its stages, and the phases that its phases wait for."""

from collections import defaultdict
from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from linkstar import clock
from linkstar.extensions import db
from linkstar.i18n import both
from linkstar.models import Checklist, ChecklistItem, Phase, Project, Stage, Task, User


class Gates:
    def __init__(self, project: Project, reader: User) -> None:
        self.project, self.reader = project, reader
        self.may_edit = project.allows(reader, "edit")
        self.may_release = project.allows(reader, "release")
        membership = reader.membership_in(project.workspace_id)
        self.whole = membership is not None and not membership.external

    @cached_property
    def stages(self) -> list[Stage]:
        items = selectinload(Stage.checklists).selectinload(Checklist.items).selectinload(ChecklistItem.evidence)
        query = select(Stage).where(Stage.project_id == self.project.id).order_by(Stage.position)
        return list(db.session.scalars(query.options(items)))

    @cached_property
    def phases(self) -> list[Phase]:
        query = select(Phase).where(Phase.project_id == self.project.id).order_by(Phase.position)
        return list(db.session.scalars(query.options(selectinload(Phase.awaited))))

    @cached_property
    def blocking(self) -> dict[int | None, list[Task]]:
        """Phase id → the unfinished blocking tasks in it."""
        query = (
            Task.visible_to(self.reader)
            .where(Task.project_id == self.project.id, Task.blocking, Task.completed_at.is_(None))
            .options(joinedload(Task.owner))
            .order_by(Task.position)
        )
        found = defaultdict(list)
        for task in db.session.scalars(query):
            found[task.phase_id].append(task)
        return found

    @cached_property
    def items(self) -> dict[int | None, list[tuple[ChecklistItem, Task]]]:
        """Phase id → the open required items on its tasks."""
        query = (
            select(ChecklistItem, Task)
            .join(ChecklistItem.checklist)
            .join(Task, Task.id == Checklist.task_id)
            .where(Task.project_id == self.project.id, Task.seen_by(self.reader), ChecklistItem.required)
            .where(ChecklistItem.open_on(self.today))
            .order_by(Task.position, ChecklistItem.position)
        )
        found = defaultdict(list)
        for item, task in db.session.execute(query):
            found[task.phase_id].append((item, task))
        return found

    @staticmethod
    def names_of(phases: list[Phase]) -> str:
        return ", ".join(both(phase, "name") for phase in phases)

    @cached_property
    def today(self) -> date:
        return clock.today(ZoneInfo(self.reader.timezone))
