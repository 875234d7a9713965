"""Who would have too much to do by a change that is not made yet, on which days, and who else could do it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from linkstar import clock
from linkstar.models import Project, Task, User
from linkstar.planning.capacity import NOTHING, Assignment, Clash, Load
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.crew import Crew, Work, hours_of, span_of

WEIGHS = ("start_on", "due_on", "start_at", "due_at", "estimate", "milestone")
MOST_COLLEAGUES = 5
AHEAD = timedelta(days=366)  # how far is looked


@dataclass(frozen=True)
class Wanted:
    """A task as it would be: of this owner, and with these values; None where it is only being made."""

    task: Task | None
    owner: User
    values: Mapping[str, Any]

    @property
    def changes(self) -> bool:
        """Does it weigh differently, or on somebody else?"""
        if self.task is None or self.owner.id != self.task.owner_id:
            return True
        return any(self.value(name) != getattr(self.task, name) for name in WEIGHS)

    def value(self, name: str) -> Any:
        return self.values.get(name, getattr(self.task, name, None))

    def assignment(self, project: Project) -> Assignment | None:
        task = self.task
        if self.value("milestone") or (task and (task.waiting or task.completed_at)):
            return None
        days, times = self.value("start_on"), (self.value("start_at"), self.value("due_at"))
        if task and "start_at" not in self.values and (days, self.value("due_on")) != (task.start_on, task.due_on):
            times = (None, None)
        span = span_of(self.owner.timezone, days, self.value("due_on"), *times)
        hours = hours_of(self.value("estimate"), self.value("duration"), project.unit)
        return Assignment(task.id if task else 0, *span, hours) if span else None


@dataclass(frozen=True)
class Colleague:
    """Somebody of the same role who has the time, and how many hours are free in the days of the clash."""

    user: User
    free: float


class Overload:
    """What changes of some tasks would make too much for one person."""

    def __init__(self, project: Project, owner: User, crew: Crew, wanted: list[Assignment], reader: User) -> None:
        self.project, self.owner, self.reader = project, owner, reader
        self.crew, self.wanted = crew, wanted
        self.today = clock.today(ZoneInfo(owner.timezone))
        self.before = crew.load(owner.id)
        self.after = self._with(crew, owner.id)

    @classmethod
    def of(
        cls, project: Project, owner: User, values: Mapping[str, Any], reader: User, task: Task | None = None
    ) -> "Overload | None":
        """What is too much for the owner if the task (None: a new one) becomes the owner's with these values."""
        return next(iter(cls.of_all(project, [Wanted(task, owner, values)], reader)), None)

    @classmethod
    def of_all(cls, project: Project, changes: Collection[Wanted], reader: User) -> "list[Overload]":
        """One for each person who would have too much. No query where nothing weighs differently, else three."""
        wanted: dict[User, list[Assignment]] = {}
        for change in changes if not project.draft_of_id and reader.is_inside(project.workspace_id) else ():
            if change.changes and (assignment := change.assignment(project)):
                wanted.setdefault(change.owner, []).append(assignment)
        found = [owner.membership_in(project.workspace_id) for owner in wanted]
        members = [member for member in found if member and not member.external]
        wanted = {member.user: wanted[member.user] for member in members}
        if not wanted:
            return []
        days = [day for each in wanted.values() for one in each for day in (one.first, one.last)]
        first = max(min(days), min(clock.today(ZoneInfo(owner.timezone)) for owner in wanted))
        if first > max(days):
            return []  # what has passed is not too much any more
        given = [one for each in wanted.values() for one in each]
        crew = Crew(members, first, min(max(days), first + AHEAD), reader, given)
        try:
            overloads = [cls(project, owner, crew, each, reader) for owner, each in wanted.items()]
            return [each for each in overloads if each]
        except OutOfRange:
            return []

    def __bool__(self) -> bool:
        return bool(self.days or self.away)

    @property
    def told(self) -> bool:
        """May the reader know more than that it is too much, and on which days?"""
        membership = self.reader.membership_in(self.project.workspace_id)
        return membership is not None and membership.sees_workload

    def _with(self, crew: Crew, user_id: int) -> Load:
        return crew.load(user_id, without={each.key for each in self.wanted}, more=self.wanted)

    @cached_property
    def days(self) -> list[date]:
        """Those to come on which it is too much, and more than before."""
        before, after = self.before, self.after
        return [
            day
            for day in after.window
            if day >= self.today and after.clashes_on(day) and after.on(day) > before.on(day) + NOTHING
        ]

    @property
    def away(self) -> bool:
        """Is the person on leave on all the working days that a task has?"""
        capacity = self.after.capacity
        return any(
            each in self.after.stranded
            and each.last >= self.today
            and any(each.first <= day <= each.last and capacity.calendar.works(day) for day in capacity.away)
            for each in self.wanted
        )

    @cached_property
    def clashes(self) -> list[Clash]:
        return [each for each in self.after.clashes if any(each.first <= day <= each.last for day in self.days)]

    @cached_property
    def rows(self) -> list[tuple[Work, float]]:
        """The other tasks that lie in these days, with their hours then."""
        mine = {each.key for each in self.wanted}
        works = {work.assignment.key: work for work in self.crew.works.get(self.owner.id, ())}
        keys = dict.fromkeys(key for clash in self.clashes for key in clash.keys if key not in mine)
        return [(works[key], self._hours(self.after, key)) for key in keys]

    @property
    def own_hours(self) -> float:
        """What the changed tasks themselves ask for in these days."""
        return sum(self._hours(self.after, each.key) for each in self.wanted)

    def _hours(self, load: Load, key: int) -> float:
        return sum(
            load.days[day].get(key, 0.0)
            for clash in self.clashes
            for day in load.window
            if clash.first <= day <= clash.last
        )

    @cached_property
    def colleagues(self) -> list[Colleague]:
        """Of the same role, who may own the task and have time for all of it; those with the most come first."""
        role = self.crew.members[self.owner.id].role
        people = [person for person in self.project.people_for(self.reader) if person != self.owner]
        here = [person.membership_in(self.project.workspace_id) for person in people]
        members = [member for member in here if member and member.role == role]
        crew = Crew(members, self.crew.first, self.crew.last, self.reader, self.wanted)
        found = []
        for member in members:
            before, after = crew.load(member.user_id), self._with(crew, member.user_id)
            asked = [day for day in after.window if after.on(day) > before.on(day) + NOTHING]
            if asked and not set(self.wanted) & set(after.stranded) and all(map(after.fits_on, asked)):
                found.append(Colleague(member.user, sum(map(before.free_on, self.days or asked))))
        return sorted(found, key=lambda colleague: -colleague.free)[:MOST_COLLEAGUES]
