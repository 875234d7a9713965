from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Mapped, joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.checklist import Checklist, ChecklistItem
from linkstar.models.dependency import Dependency
from linkstar.models.evidence import Evidence
from linkstar.models.gate_passage import GatePassage
from linkstar.models.notification import notify
from linkstar.models.phase import Phase, PhaseGate
from linkstar.models.refusal import MoveRefused
from linkstar.models.stage import Stage
from linkstar.models.user import User
from linkstar.models.waiver import Waiver


@dataclass
class Holds:
    """What keeps a task from entering a stage; false where nothing does."""

    due_on: bool = False  # no due day: still a draft
    blockers: list[Any] = field(default_factory=list)  # unfinished blocking tasks
    items: list[ChecklistItem] = field(default_factory=list)  # required ones that are open
    deliverable: bool = False  # what the task is done for is not there

    def __bool__(self) -> bool:
        return bool(self.due_on or self.blockers or self.items or self.deliverable)


class Gated:
    """What holds a task back. Every way in (drag, menu, keys, form, bulk, undo) ends in refuse_if_held()."""

    if TYPE_CHECKING:
        id: Mapped[int]
        workspace_id: Mapped[int]
        project_id: Mapped[int]
        phase_id: Mapped[int | None]
        stage_id: Mapped[int]
        due_on: Mapped[Any]
        blocking: Mapped[bool]
        deliverable_zh: Mapped[str | None]
        deliverable_en: Mapped[str | None]
        completed_at: Mapped[Any]
        trashed_at: Mapped[Any]
        owner: Mapped[User]
        stage: Mapped[Stage]
        evidence: Mapped[list[Evidence]]
        checklists: Mapped[list[Checklist]]
        successors: Mapped[list[Any]]

    def refuse_if_held(self, stage: Stage, phase: Phase | None, *, by: User) -> None:
        """Raises MoveRefused with all that holds the task; freezes what was signed where it passes a gate."""
        holds = self.holds_at(stage, phase)
        if holds:
            raise MoveRefused(holds, self, stage, phase)
        if self.id and self._submits(stage) and (lists := self._guarding(stage)):
            GatePassage.freeze(self, lists, by=by)  # type: ignore[arg-type]

    def holds_at(self, stage: Stage, phase: Phase | None) -> Holds:
        """A task starts when it has its due day and nothing blocking stands in front of it or of its phase; it is
        submitted when its required items, and those of the stages that it passes, are ticked; it is done when its
        deliverable is there. Going back is always possible."""
        started = stage.kind != "backlog"
        ahead = self._goes_ahead(stage)
        enters = started and (phase.id if phase else None) != self.phase_id
        holds = Holds(due_on=started and ahead and not self.due_on)
        if started and (ahead or enters):
            holds.blockers = self._blockers(phase, ahead)
        if ahead or enters:
            holds.items = self._open_items(stage if ahead else None, phase if started else None)
        if ahead and stage.kind == "done" and (self.deliverable_zh or self.deliverable_en):
            holds.deliverable = not self.delivered
        return holds

    @property
    def delivered(self) -> list[Evidence]:
        """What was handed in as the task's deliverable."""
        return [evidence for evidence in self.evidence if evidence.item_id is None and not evidence.replaced_at]

    def deliver(self, evidence: Evidence, *, by: User) -> None:
        """Hands in the deliverable; several may stand side by side."""
        self.redraw()  # type: ignore[attr-defined]
        evidence.given_by = by
        self.evidence.append(evidence)
        db.session.flush()
        record("evidence.given", by=by, task=self, changes={"evidence": (None, evidence.words)})  # type: ignore[arg-type]

    def tell_unblocked(self, by: User) -> None:
        """When a blocking task is done, the owners of what it held are told."""
        if self.blocking:
            for task in self.successors:
                if not task.completed_at and not task.trashed_at:
                    notify(task.owner, "unblocked", by=by, task=task)

    def blocked_by(self) -> list[Any]:
        """The blocking tasks that still stand in front of this one."""
        return self._blockers(self.phase, True)  # type: ignore[attr-defined]

    def _goes_ahead(self, stage: Stage) -> bool:
        here = self.stage
        if self.id is None:  # it is only being made
            return stage.kind != "backlog"
        if stage.id == here.id:
            return False
        return (
            stage.position > here.position
            or (stage.kind == "done" and here.kind != "done")
            or (stage.kind != "backlog" and here.kind == "backlog")
        )

    def _submits(self, stage: Stage) -> bool:
        return self._goes_ahead(stage) and stage.kind in ("review", "done")

    def _blockers(self, phase: Phase | None, ahead: bool) -> list[Any]:
        mine: Any = type(self)
        gates = mine.phase_id.in_(self._awaited(phase))
        ahead_of_it = select(Dependency.predecessor_id).where(Dependency.successor_id == self.id)
        waived = self._waived(Waiver.blocker_id)
        query = (
            select(mine)
            .where(mine.blocking, mine.completed_at.is_(None), mine.trashed_at.is_(None), mine.id != self.id)
            .where(or_(mine.id.in_(ahead_of_it), gates) if ahead else gates, mine.id.not_in(waived))
            .order_by(mine.position)
            .options(joinedload(mine.owner))
        )
        return list(db.session.scalars(query))

    def _open_items(self, stage: Stage | None, phase: Phase | None) -> list[ChecklistItem]:
        mine: Any = type(self)
        today = clock.today(ZoneInfo(self.owner.timezone))
        awaited = select(mine.id).where(mine.phase_id.in_(self._awaited(phase)), mine.trashed_at.is_(None))
        guarding: list[ColumnElement[bool]] = [Checklist.task_id.in_(awaited)]
        if stage:
            guarding.append(Checklist.stage_id.in_(self._passed(stage)))
            if stage.kind in ("review", "done"):
                guarding.append(Checklist.task_id == self.id)
        query = (
            select(ChecklistItem)
            .join(ChecklistItem.checklist)
            .where(or_(*guarding), ChecklistItem.required, ChecklistItem.open_on(today))
            .where(ChecklistItem.id.not_in(self._waived(Waiver.item_id)))
            .order_by(Checklist.task_id, Checklist.position, ChecklistItem.position)
        )
        return list(db.session.scalars(query))

    def _guarding(self, stage: Stage) -> list[Checklist]:
        """The lists that the task passes on its way to a stage."""
        passed = select(Checklist).where(or_(Checklist.task_id == self.id, Checklist.stage_id.in_(self._passed(stage))))
        return list(db.session.scalars(passed.order_by(Checklist.task_id, Checklist.position)))

    def _passed(self, stage: Stage) -> Any:
        first = self.stage.position if self.id else 0
        return select(Stage.id).where(
            Stage.project_id == stage.project_id, Stage.position >= first, Stage.position < stage.position
        )

    @staticmethod
    def _awaited(phase: Phase | None) -> Any:
        return select(PhaseGate.awaited_id).where(PhaseGate.phase_id == (phase.id if phase else 0))

    def _waived(self, column: Any) -> Any:
        return select(column).where(Waiver.task_id == self.id, Waiver.state == "granted", column.is_not(None))
