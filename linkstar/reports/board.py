"""A project's board: stages or phases as columns, perhaps cut into lanes, with the cards that the reader may see."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from markupsafe import Markup
from sqlalchemy import ColumnElement, case, func, literal, select, union_all

from linkstar.extensions import db
from linkstar.i18n import _, both
from linkstar.models import Project, Task, User
from linkstar.reports.cards import draw
from linkstar.reports.task_filter import TaskFilter
from linkstar.words import platform_name

FIRST = 30  # cards of a column that come with the page; the rest follows on scrolling

CellKey = tuple[Any, Any]


@dataclass
class Cell:
    """Where a column crosses a lane: the cards of it that are shown, and how many there are in all."""

    key: str
    column: "Column"
    lane: "Lane"
    count: int = 0
    cards: list[Markup] = field(default_factory=list)
    next_position: int | None = None  # where the next page of cards begins


@dataclass
class Gate:
    """The blocking tasks of a phase stand between it and the next: open when all are done, shut while work is on."""

    name: str
    done: int
    count: int
    state: str  # open, shut, idle


@dataclass
class Column:
    """A stage or a phase."""

    kind: str
    id: int | None
    name: str
    stage_kind: str | None = None
    wip_limit: int | None = None
    count: int = 0  # tasks that are shown
    held: int = 0  # tasks that stand in it, shown or not
    done: int = 0
    gate: Gate | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.id or 0}"

    @property
    def full(self) -> bool:
        return bool(self.wip_limit) and self.held >= (self.wip_limit or 0)

    @property
    def fifths(self) -> int:
        """The share that is done, in steps of five per cent, for the ring in the column's head."""
        return self.done * 20 // self.count * 5 if self.count else 0


@dataclass
class Lane:
    """A horizontal cut: all tasks of one phase, owner or platform. Without lanes there is one, with no kind."""

    kind: str | None
    id: Any
    name: str
    count: int = 0


class Board:
    def __init__(self, project: Project, reader: User, chosen: TaskFilter, *, everything: bool = False) -> None:
        self.project, self.reader, self.filter, self.everything = project, reader, chosen, everything
        membership = reader.membership_in(project.workspace_id)
        self.whole = bool(membership) and not membership.external  # type: ignore[union-attr]
        self.may_move = bool(membership) and membership.scope("move") != "none"  # type: ignore[union-attr]
        self.columns = self._columns()
        counts = self._counts(self._shown)
        self.lanes = self._lanes(counts)
        self.cells = {
            (column.id, lane.id): Cell(self._cell_key(column, lane), column, lane)
            for column in self.columns
            for lane in self.lanes
        }
        self._fill_counts(counts)

    # the frame

    def _columns(self) -> list[Column]:
        if self.filter.group == "phase":
            phases = [Column("phase", phase.id, both(phase, "name")) for phase in self.project.phases]
            return [*phases, Column("phase", None, _("No phase"))]
        return [
            Column("stage", stage.id, both(stage, "name"), stage.kind, stage.wip_limit) for stage in self.project.stages
        ]

    @cached_property
    def _column_of(self) -> Any:
        return Task.phase_id if self.filter.group == "phase" else Task.stage_id

    @cached_property
    def _lane_of(self) -> Any:
        kinds = {"phase": Task.phase_id, "owner": Task.owner_id, "platform": Task.platform}
        return kinds[self.filter.lanes] if self.filter.lanes else literal(None)

    @cached_property
    def _there(self) -> list[ColumnElement[bool]]:
        """All that the reader sees of the project, whatever the filter."""
        return [Task.project_id == self.project.id, Task.seen_by(self.reader)]

    @cached_property
    def _shown(self) -> list[ColumnElement[bool]]:
        return [*self._there, *self.filter.conditions(self.reader)]

    def _counts(self, conditions: list[ColumnElement[bool]]) -> list[Any]:
        """(column, lane, tasks, done, blocking, blocking and done) by one aggregate query."""
        done = Task.completed_at.is_not(None)
        keys = [self._column_of.label("column"), self._lane_of.label("lane")]
        grouping = [self._column_of] if self.filter.lanes is None else [self._column_of, self._lane_of]
        return list(
            db.session.execute(
                select(
                    *keys,
                    func.count().label("tasks"),
                    func.sum(case((done, 1), else_=0)).label("done"),
                    func.sum(case((Task.blocking, 1), else_=0)).label("blocking"),
                    func.sum(case((Task.blocking & done, 1), else_=0)).label("passed"),
                )
                .where(*conditions)
                .group_by(*grouping)
            )
        )

    def _lanes(self, counts: list[Any]) -> list[Lane]:
        kind = self.filter.lanes
        if kind is None:
            return [Lane(None, None, "")]
        ids = {row.lane for row in counts}
        if kind == "phase":
            lanes = [Lane(kind, phase.id, both(phase, "name")) for phase in self.project.phases if phase.id in ids]
        elif kind == "owner":
            people = db.session.execute(select(User.id, User.name).where(User.id.in_(ids)).order_by(User.id))
            lanes = [Lane(kind, person.id, person.name) for person in people]
        else:
            lanes = [Lane(kind, key, platform_name(key)) for key in sorted(key for key in ids if key)]
        if None in ids:
            lanes.append(Lane(kind, None, _("No phase") if kind == "phase" else _("No platform")))
        return lanes

    def _fill_counts(self, counts: list[Any]) -> None:
        for row in counts:
            cell = self.cells.get((row.column, row.lane))
            if cell is None:
                continue
            cell.count = row.tasks
            cell.column.count += row.tasks
            cell.column.done += row.done
            cell.lane.count += row.tasks
        blocking: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
        held = dict.fromkeys((column.id for column in self.columns), 0)
        # gates and limits are the project's: a filter does not open one or empty the other
        for row in self._counts(self._there) if self.filter.narrows else counts:
            blocking[row.column][0] += row.blocking
            blocking[row.column][1] += row.passed
            held[row.column] = held.get(row.column, 0) + row.tasks
        for column in self.columns:
            column.held = held[column.id]
        if self.filter.group == "phase":
            self.columns = [column for column in self.columns if column.id or column.count]
            self._set_gates(blocking)

    def _set_gates(self, blocking: dict[Any, list[int]]) -> None:
        reached = True
        for column in self.columns[:-1]:
            count, done = blocking[column.id]
            if not count:
                continue
            state = "open" if done == count else "shut" if reached else "idle"
            column.gate = Gate(_("%(phase)s gate", phase=column.name), done, count, state)
            reached = reached and state == "open"

    @staticmethod
    def _cell_key(column: Column, lane: Lane) -> str:
        return column.key if lane.kind is None else f"{column.key}.{lane.kind}-{lane.id or 0}"

    # the cards

    def with_cards(self) -> "Board":
        """Fills every cell with its first cards (all of them with `everything`)."""
        rows = self._all_rows() if self.everything or self.filter.lanes else self._first_rows()
        self._put(rows)
        return self

    def _pick(self, *more: ColumnElement[bool]) -> Any:
        return select(
            Task.id, Task.revision, Task.position, self._column_of.label("column"), self._lane_of.label("lane")
        ).where(*self._shown, *more)  # fmt: skip

    def _first_rows(self) -> list[Any]:
        """One short walk of an index for each column, so that the cost does not grow with what is not shown."""
        walks = [
            self._pick(self._is(self._column_of, column.id)).order_by(Task.position).limit(FIRST + 1).subquery()
            for column in self.columns
            if column.count
        ]
        if not walks:
            return []
        return list(db.session.execute(union_all(*(select(walk) for walk in walks))))

    def _all_rows(self) -> list[Any]:
        pick = self._pick()
        if not self.everything:
            cell = [self._column_of, self._lane_of]
            rank = func.row_number().over(partition_by=cell, order_by=Task.position)
            ranked = pick.add_columns(rank.label("rank")).subquery()
            pick = select(ranked).where(ranked.c.rank <= FIRST + 1).order_by(ranked.c.position)
            return list(db.session.execute(pick))
        return list(db.session.execute(pick.order_by(Task.position)))

    @staticmethod
    def _is(column: Any, value: Any) -> ColumnElement[bool]:
        return column.is_(None) if value is None else column == value

    def _put(self, rows: list[Any]) -> None:
        by_cell: dict[CellKey, list[Any]] = defaultdict(list)
        for row in rows:
            by_cell[row.column, row.lane].append(row)
        shown = []
        for key, cell_rows in by_cell.items():
            if not self.everything and len(cell_rows) > FIRST:
                self.cells[key].next_position = cell_rows[FIRST].position
                cell_rows = by_cell[key] = cell_rows[:FIRST]
            shown += [(row.id, row.revision) for row in cell_rows]
        cards = draw(shown, whole=self.whole, reader=self.reader)
        for key, cell_rows in by_cell.items():
            if key in self.cells:
                self.cells[key].cards = [cards[row.id] for row in cell_rows if row.id in cards]

    def page(self, cell_key: str, start: int) -> Cell | None:
        """The next cards of one cell, from a position on; None where there is no such cell."""
        cell = next((cell for cell in self.cells.values() if cell.key == cell_key), None)
        if cell is None:
            return None
        here = [self._is(self._column_of, cell.column.id), Task.position >= start]
        if cell.lane.kind:
            here.append(self._is(self._lane_of, cell.lane.id))
        self._put(list(db.session.execute(self._pick(*here).order_by(Task.position).limit(FIRST + 1))))
        return cell

    def changes(self, ids: list[int]) -> tuple[list[Cell], list[int]]:
        """Cells that hold just these tasks, and the ids of those that are not on this board (any more)."""
        self.everything = True
        rows = list(db.session.execute(self._pick(Task.id.in_(ids)).order_by(Task.position))) if ids else []
        self._put(rows)
        gone = sorted(set(ids) - {row.id for row in rows})
        return [cell for cell in self.cells.values() if cell.cards], gone

    def changed_since(self, revision: int, most: int = 100) -> list[int] | None:
        """Ids of the project's tasks that changed after a revision; None where they are too many to send singly."""
        ids = list(
            db.session.scalars(
                select(Task.id)
                .where(Task.project_id == self.project.id, Task.revision > revision)
                .limit(most + 1)
            )
        )  # fmt: skip
        return ids if len(ids) <= most else None
