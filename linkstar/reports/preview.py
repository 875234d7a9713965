"""What a change of the plan would do, as one reader may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Clash, Replan, Shift, Task, User
from linkstar.reports.overload import Overload, Wanted

SHOWN = 20
OPENED = 500  # with those that can be opened; of more than that only their number is told


@dataclass(frozen=True)
class Crossing:
    """A clash in which a task that the reader may not see is None."""

    task: Task | None
    predecessor: Task | None
    days: int


class Preview:
    def __init__(self, replan: Replan, reader: User) -> None:
        self.replan, self.reader = replan, reader
        self.today = clock.today(ZoneInfo(reader.timezone))

    @cached_property
    def _seen(self) -> set[int]:
        clashes = self.replan.clashes
        ids = {shift.task.id for shift in self.replan.shifts}
        ids |= {task.id for clash in clashes for task in (clash.task, clash.predecessor)}
        return set(db.session.scalars(select(Task.id).where(Task.seen_by(self.reader), Task.id.in_(ids))))

    @property
    def asks(self) -> bool:
        """Does it touch anything but the task that was chosen?"""
        return bool(self.replan.others or self.replan.clashes or self.early_posts)

    @cached_property
    def early_posts(self) -> list[Shift]:
        """What would go online before its work is done, and would not as it stands; a post keeps its own moment."""
        found = []
        for shift in self.replan.shifts:
            task = shift.task
            if task.publish_at and task.audience_timezone and task.id in self._seen:
                online = task.publish_at.astimezone(ZoneInfo(task.audience_timezone)).date()
                if online < shift.new.finish and not (shift.old and online < shift.old.finish):
                    found.append(shift)
        return found

    @cached_property
    def shifts(self) -> list[Shift]:
        """The other tasks that move and that the reader may see."""
        return [shift for shift in self.replan.others if shift.task.id in self._seen]

    @property
    def hidden(self) -> int:
        return len(self.replan.others) - len(self.shifts)

    @property
    def rows(self) -> list[Shift]:
        """The first of them: milestones, and then in the order of time."""
        return self._picked[0]

    @property
    def rest(self) -> list[Shift]:
        """What follows, as far as it can be opened."""
        return self._picked[1]

    @cached_property
    def _picked(self) -> tuple[list[Shift], list[Shift]]:
        ranked = sorted(self.shifts, key=lambda shift: not shift.task.milestone)
        first, opened = ({shift.task.id for shift in ranked[:most]} for most in (SHOWN, OPENED))
        rest = [shift for shift in self.shifts if shift.task.id in opened - first]
        return [shift for shift in self.shifts if shift.task.id in first], rest

    @property
    def more(self) -> int:
        return len(self.shifts) - len(self.rows) - len(self.rest)

    @property
    def milestones(self) -> list[Shift]:
        return [shift for shift in self.shifts if shift.task.milestone]

    @cached_property
    def clashes(self) -> list[Crossing]:
        return [self._crossing(clash) for clash in self.replan.clashes]

    def _crossing(self, clash: Clash) -> Crossing:
        task, predecessor = (each if each.id in self._seen else None for each in (clash.task, clash.predecessor))
        return Crossing(task, predecessor, clash.days)

    @cached_property
    def overloads(self) -> list[Overload]:
        return overloads_of([self.replan], self.reader)

    @property
    def in_the_past(self) -> list[Shift]:
        """What would have had to begin before today."""
        return [shift for shift in self.shifts if shift.new.start < self.today]

    @property
    def may_push(self) -> bool:
        return all(project.allows(self.reader, "edit") for project in self.replan.projects)


def overloads_of(replans: Sequence[Replan], reader: User) -> list[Overload]:
    """Who would have too much to do by all the new dates together: three queries, however many tasks move. Of a task
    that several of them move, the last one's dates count, as when they are applied."""
    shifts = {shift.task: shift for replan in replans for shift in replan.shifts}
    changes = [Wanted(task.project, task, task.owner, _dates(shift)) for task, shift in shifts.items()]
    return Overload.of_all(changes, reader, partial(_people, replans, reader))


def _people(replans: Sequence[Replan], reader: User) -> list[User]:
    """Who may own the tasks of all of them."""
    first, *others = [replan.plan.project.people_for(reader) for replan in replans]
    return [person for person in first if all(person in people for people in others)]


def _dates(shift: Shift) -> dict[str, Any]:
    start_at, due_at = shift.times or (None, None)
    return {"start_on": shift.new.start, "due_on": shift.new.finish, "start_at": start_at, "due_at": due_at}
