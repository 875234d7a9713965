from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, db
from linkstar.models.audit_event import in_both, record
from linkstar.models.project import Project
from linkstar.models.refusal import CycleRefused, PositionGone, StillUsed
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.task import Task


class PhaseGate(Base):
    """The tasks of one phase may not start before the blocking tasks and required items of another are done."""

    __tablename__ = "phase_gate"
    __table_args__ = (CheckConstraint("phase_id <> awaited_id", name="not_itself"),)

    phase_id: Mapped[int] = mapped_column(ForeignKey("phase.id", ondelete="CASCADE"), primary_key=True)
    awaited_id: Mapped[int] = mapped_column(ForeignKey("phase.id", ondelete="CASCADE"), primary_key=True, index=True)


class Phase(Base):
    """阶段: the part of the plan that a task belongs to (合规准备, 内容制作, 广告测试)."""

    __tablename__ = "phase"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    key: Mapped[str | None] = mapped_column(String(60))  # what its template calls it
    name_zh: Mapped[str | None] = mapped_column(String(60))
    name_en: Mapped[str | None] = mapped_column(String(60))
    position: Mapped[int]

    project: Mapped[Project] = relationship(back_populates="phases")
    awaited: Mapped[list["Phase"]] = relationship(
        secondary="phase_gate",
        primaryjoin="Phase.id == phase_gate.c.phase_id",
        secondaryjoin="Phase.id == phase_gate.c.awaited_id",
        order_by="Phase.position",
    )
    tasks: Mapped[list["Task"]] = relationship(
        primaryjoin="and_(Phase.id == foreign(Task.phase_id), Task.trashed_at.is_(None))", viewonly=True
    )

    @property
    def name(self) -> dict[str, str | None]:
        return in_both(self.name_zh, self.name_en)

    @classmethod
    def add(cls, project: Project, *, by: User, name_zh: str | None, name_en: str | None) -> Self:
        """Puts a phase at the end of the plan."""
        project.lock()
        phase = cls(name_zh=name_zh, name_en=name_en, position=len(project.phases))
        project.phases.append(phase)
        db.session.flush()
        phase._record(by, {"phase": (None, phase.name)})
        return phase

    def rename(self, name_zh: str | None, name_en: str | None, *, by: User) -> None:
        self._locked()
        old = self.name
        self.name_zh, self.name_en = name_zh, name_en
        if old != self.name:
            self._record(by, {"phase": (old, self.name)})

    def shift(self, steps: int, *, by: User) -> None:
        """So many places on (negative: back) among the phases."""
        project, phases = self._locked()
        old = [phase.name for phase in phases]
        place = phases.index(self)
        phases.insert(max(0, place + steps), phases.pop(place))
        for position, phase in enumerate(phases):
            phase.position = position
        if old != (new := [phase.name for phase in phases]):
            self._record(by, {"phase_order": (old, new)})
        db.session.flush()
        db.session.expire(project, ["phases"])

    def remove(self, *, by: User) -> None:
        """It goes only where no task is in it."""
        project, phases = self._locked()
        if self.tasks:
            raise StillUsed(len(self.tasks))
        self._record(by, {"phase": (self.name, None)})
        db.session.delete(self)
        phases.remove(self)
        for position, phase in enumerate(phases):
            phase.position = position
        db.session.flush()
        db.session.expire(project, ["phases"])

    def wait_for(self, awaited: list["Phase"], *, by: User) -> None:
        """The gate in front of this phase: its tasks start when the blocking tasks and required items of these phases
        are done. Raises CycleRefused where phases would wait for each other. A gate that holds is taken away by who
        keeps the gates."""
        project, _phases = self._locked()
        ahead = list(awaited)
        for phase in ahead:
            if phase is self:
                raise CycleRefused([self, *awaited])
            ahead.extend(other for other in phase.awaited if other not in ahead)
        if any(phase.holds for phase in self.awaited if phase not in awaited):
            project.refuse_release(by)
        old, new = [phase.name for phase in self.awaited], [phase.name for phase in awaited]
        self.awaited = awaited
        if old != new:
            record(
                "phase_gate.changed", by=by, workspace_id=project.workspace_id, project_id=project.id,
                changes={"phase": (self.name, self.name), "waits_for": (old, new)},
            )  # fmt: skip

    @property
    def holds(self) -> bool:
        """Does anything in it still hold the phases that wait for it?"""
        today = clock.today(ZoneInfo(self.project.owner.timezone))
        return any(
            task.still_blocks
            or any(
                item.required and (not item.ticked_at or item.expired(today))
                for checklist in task.checklists
                for item in checklist.items
            )
            for task in self.tasks
        )

    def _locked(self) -> tuple[Project, list["Phase"]]:
        """The project and its phases as they are once nobody else may change them."""
        project = self.project
        project.lock()
        phases = list(project.phases)
        if self not in phases:
            raise PositionGone
        return project, phases

    def _record(self, by: User, changes: dict[str, tuple[Any, Any]]) -> None:
        project = self.project
        record("project.edited", by=by, workspace_id=project.workspace_id, project_id=project.id, changes=changes)
