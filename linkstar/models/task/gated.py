from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, aliased, joinedload, selectinload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.checklist import Checklist, ChecklistItem
from linkstar.models.dependency import Dependency
from linkstar.models.evidence import Evidence
from linkstar.models.gate_passage import GatePassage
from linkstar.models.hold import Hold
from linkstar.models.notification import notify
from linkstar.models.phase import Phase, PhaseGate
from linkstar.models.refusal import MoveRefused, NotAllowed
from linkstar.models.stage import Stage
from linkstar.models.user import User
from linkstar.models.waiver import Waiver

STAYS: Any = object()  # in the phase where it is


@dataclass
class Holds:
    """What keeps a task from entering a stage; false where nothing does."""

    due_on: bool = False  # no due day: still a draft
    blockers: list[Any] = field(default_factory=list)  # unfinished blocking tasks
    items: list[ChecklistItem] = field(default_factory=list)  # required ones that are open
    deliverable: bool = False  # what the task is done for is not there
    emergencies: list[Any] = field(default_factory=list)  # those that keep it where it is until they are closed
    passed: list[Checklist] = field(default_factory=list)  # the lists that it would pass

    def __bool__(self) -> bool:
        return bool(self.due_on or self.blockers or self.items or self.deliverable or self.emergencies)


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
        waiver_count: Mapped[int]
        phase: Mapped[Phase | None]
        project: Mapped[Any]
        deliverable_zh: Mapped[str | None]
        deliverable_en: Mapped[str | None]
        completed_at: Mapped[Any]
        trashed_at: Mapped[Any]
        owner: Mapped[User]
        stage: Mapped[Stage]
        evidence: Mapped[list[Evidence]]
        checklists: Mapped[list[Checklist]]
        successors: Mapped[list[Any]]

    def refuse_if_held(self, stage: Stage, phase: Any = STAYS, *, by: User) -> list[Checklist]:
        """Raises MoveRefused with all that holds the task. Freezes what was signed on the lists that it passes and
        returns them."""
        self._refuse_to_slip_out(phase, by)
        holds = self.holds_at(stage, phase)
        if holds:
            raise MoveRefused(holds, self, stage, self.phase if phase is STAYS else phase)
        if self.id and holds.passed:
            GatePassage.freeze(self, holds.passed, by=by)  # type: ignore[arg-type]
        return holds.passed

    def heed_emergencies(self, *, by: User, started: bool = False) -> None:
        """It is new, or somebody else's: an emergency that holds such work holds it from now on. Every way of giving
        out work (new, edit, move, undo) ends here; to begin with it at once is refused."""
        if (found := Hold.add_to(self, by=by)) and started:  # type: ignore[arg-type]
            raise MoveRefused(Holds(emergencies=found), self, self.stage, self.phase)

    def holds_at(self, stage: Stage, phase: Any = STAYS) -> Holds:
        """A task starts when it has its due day and nothing blocking stands in front of it or of its phase; it is
        submitted when its required items, and those of the stages that it passes, are ticked; it is done when its
        deliverable is there; and no emergency holds it. Going back is always possible."""
        started = stage.kind != "backlog"
        ahead = self._goes_ahead(stage)
        phase_id = self._phase_id(phase)
        enters = started and phase_id != self.phase_id
        holds = Holds(due_on=started and ahead and not self.due_on)
        if not (ahead or enters):
            return holds
        phases = {phase_id, self.phase_id if ahead else None} - {None} if started else set()
        blockers = self._blockers(phases, ahead)
        lists = self._lists_on_the_way(stage if ahead else None, phases)
        held = self._held()
        with db.session.no_autoflush:  # nearly always nothing stands there: one question for all
            there = db.session.execute(select(blockers.exists(), lists.exists(), held.exists())).one()
            if there[2] and started and ahead:
                holds.emergencies = [hold.emergency for hold in db.session.scalars(held)]
            if there[0] and started:
                holds.blockers = list(db.session.scalars(blockers))
            if there[1]:
                self._look_at(list(db.session.scalars(lists)), holds)
        if ahead and stage.kind == "done" and (self.deliverable_zh or self.deliverable_en):
            holds.deliverable = not self.delivered
        return holds

    def _phase_id(self, phase: Any) -> int | None:
        if phase is STAYS:
            return self.phase_id
        return phase.id if phase else None

    def _look_at(self, lists: list[Checklist], holds: Holds) -> None:
        today = clock.today(ZoneInfo(self.owner.timezone))
        waived = set(db.session.scalars(self._waived(Waiver.item_id))) if self.waiver_count else set()
        holds.items = [
            item
            for checklist in lists
            for item in checklist.items
            if item.required and item.id not in waived and item.is_open(today)
        ]
        holds.passed = [each for each in lists if each.stage_id or each.task_id == self.id]

    def _refuse_to_slip_out(self, phase: Any, by: User) -> None:
        """Out of a phase whose gate is shut goes a task only by somebody who may edit the plan."""
        if not self.phase_id or self.phase_id == self._phase_id(phase) or self.project.allows(by, "edit"):
            return
        shut = Holds(blockers=list(db.session.scalars(self._blockers({self.phase_id}, False))))
        self._look_at(list(db.session.scalars(self._lists_on_the_way(None, {self.phase_id}))), shut)
        if shut:
            raise NotAllowed("edit")

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
        """When a blocking task is done, the owners of what it held are told; those behind a gate when it opens."""
        if not self.blocking:
            return
        for task in self.successors:
            if not task.completed_at and not task.trashed_at:
                notify(task.owner, "unblocked", by=by, task=task)
        told: set[int] = set()
        for task in self._behind_the_gate():
            if task.owner_id not in told and not task.blocked_by():
                told.add(task.owner_id)
                notify(task.owner, "unblocked", by=by, task=task)

    def _behind_the_gate(self) -> list[Any]:
        """Tasks that have not begun, of the phases that wait for this one's."""
        if not self.phase_id:
            return []
        mine: Any = type(self)
        waiting = select(PhaseGate.phase_id).where(PhaseGate.awaited_id == self.phase_id)
        query = select(mine).join(mine.stage).where(Stage.kind == "backlog", mine.phase_id.in_(waiting))
        return list(db.session.scalars(query.where(mine.trashed_at.is_(None)).order_by(mine.position)))

    def blocked_by(self) -> list[Any]:
        """The blocking tasks that still stand in front of this one."""
        return list(db.session.scalars(self._blockers({self.phase_id} - {None}, True)))

    @classmethod
    def blocker_counts(cls, ids: Collection[int]) -> dict[int, int]:
        """How many tasks blocked_by() would find for each, where there are any."""
        mine: Any = cls
        before = aliased(mine)
        query = select(mine.id, func.count(before.id)).join(before, cls._in_front(mine, before))
        query = query.where(mine.id.in_(ids), before.completed_at.is_(None))
        rows = db.session.execute(query.group_by(mine.id)).all() if ids else []
        return {row[0]: row[1] for row in rows}

    @classmethod
    def freed_by(cls, ids: Collection[int]) -> dict[int, Any]:
        """Of the tasks whose owners tell_unblocked() told when these ones were done, those that nothing blocks now,
        each with the moment at which the last of what blocked it was done."""
        mine: Any = cls
        before = aliased(mine)
        after = select(Dependency.successor_id).where(Dependency.predecessor_id.in_(ids))
        gates = select(PhaseGate.phase_id).join(mine, mine.phase_id == PhaseGate.awaited_id).where(mine.id.in_(ids))
        begun = select(Stage.id).where(Stage.kind != "backlog")
        behind = and_(mine.phase_id.in_(gates.correlate(None)), mine.stage_id.not_in(begun))
        query = select(mine.id, func.max(before.completed_at)).join(before, cls._in_front(mine, before))
        query = query.where(mine.completed_at.is_(None), mine.trashed_at.is_(None), or_(mine.id.in_(after), behind))
        all_done = func.count(before.id) == func.count(before.completed_at)
        one_of_these = func.count(case((before.id.in_(ids), 1))) > 0
        rows = db.session.execute(query.group_by(mine.id).having(and_(all_done, one_of_these))).all() if ids else []
        return {row[0]: row[1] for row in rows}

    @staticmethod
    def _in_front(mine: Any, before: Any) -> ColumnElement[bool]:
        """`before` is a blocking task, done or not, that `mine` waits for."""
        ahead = select(Dependency.predecessor_id).where(Dependency.successor_id == mine.id)
        awaited = select(PhaseGate.awaited_id).where(PhaseGate.phase_id == mine.phase_id)
        waived = select(Waiver.blocker_id).where(
            Waiver.task_id == mine.id, Waiver.state == "granted", Waiver.blocker_id.is_not(None)
        )
        stands = and_(before.blocking, before.trashed_at.is_(None), before.id != mine.id)
        return and_(stands, or_(before.id.in_(ahead), before.phase_id.in_(awaited)), before.id.not_in(waived))

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

    def _blockers(self, phases: set[Any], ahead: bool) -> Select[Any]:
        mine: Any = type(self)
        gates = mine.phase_id.in_(self._awaited(phases))
        ahead_of_it = select(Dependency.predecessor_id).where(Dependency.successor_id == (self.id or 0))
        return (
            select(mine)
            .where(mine.blocking, mine.completed_at.is_(None), mine.trashed_at.is_(None), mine.id != (self.id or 0))
            .where(or_(mine.id.in_(ahead_of_it), gates) if ahead else gates)
            .where(mine.id.not_in(self._waived(Waiver.blocker_id)))
            .order_by(mine.position)
            .options(joinedload(mine.owner))
        )

    @hybrid_property
    def on_hold(self) -> bool:
        """Does an emergency hold it?"""
        return bool(db.session.scalar(select(self._held().exists())))

    @on_hold.inplace.expression
    @classmethod
    def _on_hold(cls) -> ColumnElement[bool]:
        return select(Hold.task_id).where(Hold.task_id == cls.id, Hold.real()).exists()

    def _held(self) -> Select[Hold]:
        """By emergencies that are open."""
        here = select(Hold).where(Hold.task_id == (self.id or 0), Hold.real())
        return here.order_by(Hold.emergency_id).options(joinedload(Hold.emergency))

    def _lists_on_the_way(self, stage: Stage | None, phases: set[Any]) -> Select[Checklist]:
        """The lists that the task passes: its own when it is submitted, those of the stages that it leaves behind,
        and those of the phases that its own waits for."""
        mine: Any = type(self)
        awaited = select(mine.id).where(mine.phase_id.in_(self._awaited(phases)), mine.trashed_at.is_(None))
        guarding: list[ColumnElement[bool]] = [Checklist.task_id.in_(awaited)]
        if stage:
            guarding.append(Checklist.stage_id.in_(self._passed(stage)))
            if stage.kind in ("review", "done"):
                guarding.append(Checklist.task_id == (self.id or 0))
        return (
            select(Checklist)
            .where(or_(*guarding))
            .order_by(Checklist.task_id, Checklist.position, Checklist.id)
            .options(selectinload(Checklist.items).selectinload(ChecklistItem.evidence))
        )

    def _passed(self, stage: Stage) -> Any:
        first = self.stage.position if self.id else 0
        return select(Stage.id).where(
            Stage.project_id == stage.project_id, Stage.position >= first, Stage.position < stage.position
        )

    @staticmethod
    def _awaited(phases: set[Any]) -> Any:
        return select(PhaseGate.awaited_id).where(PhaseGate.phase_id.in_(phases))

    def _waived(self, column: Any) -> Any:
        return select(column).where(Waiver.task_id == (self.id or 0), Waiver.state == "granted", column.is_not(None))
