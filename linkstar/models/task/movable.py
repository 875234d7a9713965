from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Mapped, aliased

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.phase import Phase
from linkstar.models.project import Project
from linkstar.models.refusal import PositionGone
from linkstar.models.stage import Stage
from linkstar.models.task.gated import STAYS
from linkstar.models.user import User

GAP = 1 << 20  # between neighbours: room for twenty insertions at one spot before the project is numbered anew
ALOFT = 1 << 58  # above every position, where rows wait while they are numbered anew


class Movable:
    """A task's place: its stage and phase, and one order through the whole project. Columns and lanes show a part
    of this one order, so it stays total however the board is cut."""

    if TYPE_CHECKING:
        id: Mapped[int]
        project_id: Mapped[int]
        stage_id: Mapped[int]
        phase_id: Mapped[int | None]
        owner_id: Mapped[int]
        platform: Mapped[str | None]
        position: Mapped[int]
        revision: Mapped[int]
        version: Mapped[int]
        due_on: Mapped[date | None]
        completed_at: Mapped[datetime | None]
        completed_by_id: Mapped[int | None]
        trashed_at: Mapped[datetime | None]
        project: Mapped[Project]
        stage: Mapped[Stage]
        phase: Mapped[Phase | None]
        redraw: Any
        set_deadline: Any
        redraw_linked: Any
        refuse_if_held: Any
        tell_unblocked: Any
        tell_owner: Any
        tell_changed: Any
        refuse_stranger: Any
        heed_emergencies: Any
        _goes_ahead: Any

    def move_to(
        self,
        *,
        by: User,
        to: dict[str, Any],
        before: int | None = None,
        after: int | None = None,
        place: str | None = None,
        position: int | None = None,
        seen_in: int | None = None,
        change: str | None = None,
        undoes: str | None = None,
    ) -> str:
        """Moves the task and returns the name of the change.

        `to` may hold stage, phase, owner, platform: what the target cell of a board stands for. The new place in
        the order is in front of the task `before`, or behind the task `after`; or `place` is first, last, up or
        down in that cell; or it is `position` itself (undo), if that is still free. Without any of these the task
        goes to the end of another column and stays put in its own.
        """
        self.redraw()
        if self.trashed_at or seen_in not in (None, self.stage_id):
            raise PositionGone()
        if "owner" in to and to["owner"].id != self.owner_id:
            self.refuse_stranger(to["owner"])
        stage = to.get("stage", self.stage)
        self.refuse_if_held(stage, to.get("phase", STAYS), by=by)
        old, ahead = self._whereabouts(), self._goes_ahead(stage)
        if not (before or after or place or position) and stage.id != self.stage_id:
            place = "last"
        with db.session.no_autoflush:  # one UPDATE for the task, not two
            if position is not None:
                self.position = self._free_near(position)
            elif before or after or place:
                self.position = self._slot(before, after, place, to)
        for name, value in to.items():
            setattr(self, name, value)
        db.session.flush()
        if old["owner_id"] != self.owner_id:
            self.heed_emergencies(by=by, started=ahead and stage.kind != "backlog")
        self.completed_or_not(by)
        new = self._whereabouts()
        changes = {field: (old[field], new[field]) for field in old if old[field] != new[field]}
        if changes.keys() & {"owner_id", "phase_id", "platform"}:  # fields that the edit form writes as well
            self.version += 1
        if "owner_id" in changes:
            self.set_deadline()
            self.redraw_linked()
            self.tell_owner(by)
        if undoes is None:
            self.tell_changed(changes, by=by)
        return record("task.moved", by=by, task=self, changes=changes, change=change, undoes=undoes)  # type: ignore[arg-type]

    def _whereabouts(self) -> dict[str, Any]:
        return {field: getattr(self, field) for field in ("stage_id", "phase_id", "owner_id", "platform", "position")}

    def completed_or_not(self, by: User) -> None:
        """Standing in a stage of kind done is what being completed means."""
        done = self.stage.kind == "done"
        if done == bool(self.completed_at):
            return
        self.completed_at, self.completed_by_id = (clock.now(), by.id) if done else (None, None)
        self.redraw_linked()
        if done:
            self.tell_unblocked(by)

    def _free_near(self, position: int) -> int:
        mine = type(self)
        taken = db.session.scalar(self._others(mine.id).where(mine.position == position))
        return self._slot(None, taken, None, {}) if taken else position

    def _slot(self, before: int | None, after: int | None, place: str | None, to: dict[str, Any]) -> int:
        """A free position at the wanted place; numbers the project anew where neighbours have come too close."""
        for _attempt in range(2):
            low, high = self._gap(before, after, place, to)
            if low is None:
                return (high or 0) - GAP
            if high is None:
                return low + GAP
            if high - low > 1:
                return (low + high) // 2
            self._number_anew()
        raise PositionGone()

    def _gap(
        self, before: int | None, after: int | None, place: str | None, to: dict[str, Any]
    ) -> tuple[int | None, int | None]:
        """The positions between which the task belongs (None: the end of the order)."""
        if before and (gap := self._beside(before, to, above=True)):
            return gap
        if after and (gap := self._beside(after, to, above=False)):
            return gap
        if before or after:
            raise PositionGone()
        mine = type(self)
        if place in ("up", "down"):
            neighbour = self._neighbour_in_column(place == "up")
            gap = self._beside(neighbour, {}, above=place == "up") if neighbour else None
            return gap or (self.position - 1, self.position + 1)
        if place == "first":
            return None, db.session.scalar(self._others(func.min(mine.position)))
        return db.session.scalar(self._others(func.max(mine.position))), None

    def _others(self, *columns: Any) -> Any:
        mine = type(self)
        return select(*columns).where(mine.project_id == self.project_id, mine.id != self.id)

    def _beside(self, neighbour_id: int, to: dict[str, Any], *, above: bool) -> tuple[int | None, int | None] | None:
        """The gap above or below a neighbour, if that still stands in the cell that the task is moved to."""
        mine, there = type(self), self._another()
        pick = func.max if above else func.min
        beyond = mine.position < there.position if above else mine.position > there.position
        next_one = self._others(pick(mine.position)).where(beyond).correlate(there).scalar_subquery()
        query = select(there.position, next_one).where(
            there.project_id == self.project_id, there.id == neighbour_id, there.trashed_at.is_(None)
        )
        for name, value in to.items():
            column = there.platform if name == "platform" else getattr(there, f"{name}_id")
            query = query.where(column == getattr(value, "id", value))
        row = db.session.execute(query).one_or_none()
        if row is None:
            return None
        return (row[1], row[0]) if above else (row[0], row[1])

    @classmethod
    @cache
    def _another(cls) -> Any:
        return aliased(cls)

    def _neighbour_in_column(self, above: bool) -> int | None:
        mine = type(self)
        query = self._others(mine.id).where(mine.stage_id == self.stage_id, mine.trashed_at.is_(None))
        if above:
            query = query.where(mine.position < self.position).order_by(mine.position.desc())
        else:
            query = query.where(mine.position > self.position).order_by(mine.position)
        neighbour: int | None = db.session.scalar(query.limit(1))
        return neighbour

    def _number_anew(self) -> None:
        """Spreads the project's tasks out again, in their order. In two steps, because positions are unique."""
        mine = type(self)
        order = (
            select(mine.id, func.row_number().over(order_by=mine.position).label("rank"))
            .where(mine.project_id == self.project_id)
            .subquery()
        )
        here = update(mine).where(mine.project_id == self.project_id).execution_options(synchronize_session=False)
        db.session.execute(here.values(position=mine.position + ALOFT))
        db.session.execute(
            here.where(mine.id == order.c.id).values(position=order.c.rank * GAP, revision=self.revision)
        )
        db.session.expire_all()
