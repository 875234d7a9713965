"""Which tasks of a project somebody wants to look at: the filter bar, as it stands in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, or_
from sqlalchemy.orm import aliased

from linkstar import clock
from linkstar.extensions import record_id
from linkstar.models import PLATFORMS, PRIORITIES, Dependency, Hold, PhaseGate, Stage, Task, TaskLabel, User, Waiver

DUE = ("late", "today", "week", "none")
GROUPS = ("stage", "phase")
LANES = ("phase", "owner", "platform")


@dataclass(frozen=True)
class TaskFilter:
    """What of the address means anything; the rest of it is left out."""

    q: str | None = None
    owner: int | None = None
    due: str | None = None
    platform: str | None = None
    label: int | None = None
    priority: str | None = None
    mine: bool = False
    blocked: bool = False
    group: str = "stage"
    lanes: str | None = None

    @classmethod
    def read(cls, args: Mapping[str, str]) -> "TaskFilter":
        def one_of(name: str, allowed: tuple[str, ...]) -> str | None:
            return args[name] if args.get(name) in allowed else None

        def number(name: str) -> int | None:
            return record_id(args.get(name, ""))

        group = one_of("group", GROUPS) or "stage"
        lanes = one_of("lanes", LANES)
        return cls(
            q=args.get("q", "").replace("\x00", "").strip()[:100] or None,
            owner=number("owner"),
            due=one_of("due", DUE),
            platform=one_of("platform", PLATFORMS),
            label=number("label"),
            priority=one_of("priority", PRIORITIES),
            mine=args.get("mine") == "1",
            blocked=args.get("blocked") == "1",
            group=group,
            lanes=None if lanes == group else lanes,
        )

    def query(self, **changes: object) -> dict[str, str]:
        """The address's arguments for this filter, with some of them changed (None takes one away)."""
        defaults = TaskFilter()
        now = {name: changes.get(name, getattr(self, name)) for name in self.__dataclass_fields__}
        return {
            name: "1" if value is True else str(value)
            for name, value in now.items()
            if value and value != getattr(defaults, name)
        }

    @property
    def narrows(self) -> bool:
        return bool({*self.query()} - {"group", "lanes"})

    def conditions(self, reader: User) -> list[ColumnElement[bool]]:
        today = clock.today(ZoneInfo(reader.timezone))
        found: list[ColumnElement[bool]] = []
        if self.q:
            text = self.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            found.append(or_(*(c.ilike(f"%{text}%", escape="\\") for c in (Task.title_zh, Task.title_en))))
        if self.owner:
            found.append(Task.owner_id == self.owner)
        if self.mine:
            found.append(Task.owner_id == reader.id)
        if self.platform:
            found.append(Task.platform == self.platform)
        if self.priority:
            found.append(Task.priority == self.priority)
        if self.label:
            found.append(exists().where(TaskLabel.task_id == Task.id, TaskLabel.label_id == self.label))
        if self.blocked:
            found.append(blocked())
        if self.due == "late":
            found.append(late())
        elif self.due == "today":
            found.append(Task.due_on == today)
        elif self.due == "week":
            found.append(Task.due_on.between(today, today + timedelta(days=7)))
        elif self.due == "none":
            found.append(Task.due_on.is_(None))
        return found


def late() -> ColumnElement[bool]:
    """Not finished, and the due day has ended where the owner lives."""
    return and_(Task.completed_at.is_(None), Task.late_from <= clock.now())


@cache
def blocked() -> ColumnElement[bool]:
    """An unfinished task stands in front of this one, or of its phase, and blocks it, and nobody waived that; or an
    emergency holds it."""
    before = aliased(Task)
    holds = [before.blocking, before.completed_at.is_(None), before.trashed_at.is_(None), ~waived(Task.id, before.id)]
    linked = exists().where(Dependency.successor_id == Task.id, Dependency.predecessor_id == before.id, *holds)
    gated = exists().where(
        Stage.id == Task.stage_id, Stage.kind == "backlog",
        PhaseGate.phase_id == Task.phase_id, PhaseGate.awaited_id == before.phase_id, *holds,
    )  # fmt: skip
    held = exists().where(Hold.task_id == Task.id, Hold.real())
    return and_(Task.completed_at.is_(None), or_(linked, gated, held))


def waived(task_id: Any, blocker_id: Any) -> ColumnElement[bool]:
    """The blocking task may be passed by that one: legal and PMO signed."""
    return exists().where(Waiver.task_id == task_id, Waiver.blocker_id == blocker_id, Waiver.state == "granted")
