from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, String, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, db
from linkstar.models.audit_event import record
from linkstar.models.checklist import Checklist, ChecklistItem
from linkstar.models.positioned import Positioned
from linkstar.models.project import Project
from linkstar.models.refusal import CycleRefused, StillUsed
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.task import Task


class PhaseGate(Base):
    """The tasks of one phase may not start before the blocking tasks and required items of another are done."""

    __tablename__ = "phase_gate"
    __table_args__ = (CheckConstraint("phase_id <> awaited_id", name="not_itself"),)

    phase_id: Mapped[int] = mapped_column(ForeignKey("phase.id", ondelete="CASCADE"), primary_key=True)
    awaited_id: Mapped[int] = mapped_column(ForeignKey("phase.id", ondelete="CASCADE"), primary_key=True, index=True)


class Phase(Positioned, Base):
    """阶段: the part of the plan that a task belongs to (合规准备, 内容制作, 广告测试)."""

    LIKE = "phases"

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
        blocked = Phase.tasks.any(blocking=True, completed_at=None)
        items = (
            select(ChecklistItem.id)
            .join(ChecklistItem.checklist)
            .join(Checklist.task)
            .filter_by(phase_id=self.id, trashed_at=None)
            .where(ChecklistItem.required, ChecklistItem.open_on(today))
        )
        return bool(db.session.scalar(select(or_(blocked, items.exists())).where(Phase.id == self.id)))
