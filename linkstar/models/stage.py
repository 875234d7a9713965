from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar.extensions import Base, db
from linkstar.models.positioned import Positioned
from linkstar.models.project import Project
from linkstar.models.refusal import FlowBroken, StillUsed
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.checklist import Checklist
    from linkstar.models.task import Task

KINDS = ("backlog", "active", "review", "done")


class Stage(Positioned, Base):
    """流程节点: where a task stands in its flow (待办, 进行中, 待审核, 完成)."""

    LIKE = "stages"

    __tablename__ = "stage"
    __table_args__ = (CheckConstraint(f"kind in {KINDS}", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    key: Mapped[str | None] = mapped_column(String(60))  # what its template calls it
    kind: Mapped[str] = mapped_column(String(10))
    name_zh: Mapped[str | None] = mapped_column(String(60))
    name_en: Mapped[str | None] = mapped_column(String(60))
    wip_limit: Mapped[int | None]
    position: Mapped[int]

    project: Mapped[Project] = relationship(back_populates="stages")
    checklists: Mapped[list["Checklist"]] = relationship(order_by="Checklist.position", back_populates="stage")
    tasks: Mapped[list["Task"]] = relationship(viewonly=True)

    @classmethod
    def usual(cls) -> list["Stage"]:
        """待办, 进行中, 待审核, 完成: the flow of a project that brings none of its own."""
        rows = (
            ("backlog", "待办", "To do", None),
            ("active", "进行中", "In progress", None),
            ("review", "待审核", "In review", None),
            ("done", "完成", "Done", None),
        )
        return [
            cls(kind=kind, name_zh=zh, name_en=en, wip_limit=limit, position=position)
            for position, (kind, zh, en, limit) in enumerate(rows)
        ]

    @classmethod
    def add(cls, project: Project, *, by: User, kind: str, **values: Any) -> Self:
        """Puts a stage in front of the first one of kind done; another one of that kind at the end."""
        project.lock()
        stages = list(project.stages)
        ways = cls._ways_round(stages)
        stage = cls(kind=kind, position=len(stages), **values)
        place = next((at for at, other in enumerate(stages) if other.kind == "done"), len(stages))
        stages.insert(len(stages) if kind == "done" else place, stage)
        project.stages.append(stage)
        cls._arrange(project, stages, ways, by)
        stage._record(by, {"stage": (None, stage.name)})
        return stage

    def edit(self, *, by: User, name_zh: str | None, name_en: str | None, kind: str, wip_limit: int | None) -> None:
        """The kind changes only where no task is in it: what is done would not be any more."""
        project, stages = self._locked()
        ways = self._ways_round(stages)
        if kind != self.kind and self.tasks:
            raise StillUsed(len(self.tasks))
        new = {"name_zh": name_zh, "name_en": name_en, "kind": kind, "wip_limit": wip_limit}
        old_name, old = self.name, {name: getattr(self, name) for name in new}
        for name, value in new.items():
            setattr(self, name, value)
        self._arrange(project, stages, ways, by)
        changes = {name: (old[name], new[name]) for name in ("kind", "wip_limit") if old[name] != new[name]}
        if changes or old_name != self.name:
            self._record(by, {"stage": (old_name, self.name), **changes})

    def shift(self, steps: int, *, by: User) -> None:
        """So many places on (negative: back) in the flow."""
        project, stages = self._locked()
        ways = self._ways_round(stages)
        old = [stage.name for stage in stages]
        place = stages.index(self)
        stages.insert(max(0, place + steps), stages.pop(place))
        self._arrange(project, stages, ways, by)
        if old != (new := [stage.name for stage in stages]):
            self._record(by, {"stage_order": (old, new)})

    def remove(self, *, by: User) -> None:
        """It goes only where no task is in it; what lies in the trash would come back into a stage of the same kind, or
        into the backlog."""
        project, stages = self._locked()
        if held := [task for task in self.tasks if not task.trashed_at]:
            raise StillUsed(len(held))
        ways = self._ways_round(stages)
        stages.remove(self)
        self._arrange(project, stages, ways, by)
        for task in self.tasks:
            task.stage = next((stage for stage in stages if stage.kind == self.kind), stages[0])
        for checklist in list(self.checklists):
            checklist.remove(by=by)
        self._record(by, {"stage": (self.name, None)})
        db.session.flush()
        db.session.expire(self, ["checklists"])
        db.session.delete(self)
        db.session.flush()
        db.session.expire(project, ["stages"])

    @staticmethod
    def _ways_round(stages: list["Stage"]) -> set[tuple[str, int, int]]:
        """How tasks are past a stage with a required list without having met it: reviewed or done in front of it, or
        standing behind it already."""
        guards = [(place, stage) for place, stage in enumerate(stages) if any(each.holds for each in stage.checklists)]
        ahead = {
            ("ahead", guard.id, other.id)
            for place, guard in guards
            for other in stages[:place]
            if other.kind in ("review", "done")
        }
        return ahead | {
            ("behind", guard.id, other.id)
            for place, guard in guards
            for other in stages[place + 1 :]
            if any(not task.trashed_at for task in other.tasks)
        }

    @classmethod
    def _arrange(cls, project: Project, stages: list["Stage"], ways: set[tuple[str, int, int]], by: User) -> None:
        """Puts the stages into this order; one that opens a way round a list is for who keeps the gates."""
        if not stages or stages[0].kind != "backlog" or stages[-1].kind != "done":
            raise FlowBroken
        db.session.flush()
        if cls._ways_round(stages) - ways:
            project.refuse_release(by)
        for position, stage in enumerate(stages):
            stage.position = position
        db.session.flush()
        db.session.expire(project, ["stages"])
