"""Who would have too much to do by changes that are not made yet, on which days, and who else could do it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property, partial
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from linkstar import clock
from linkstar.models import Membership, Project, Task, User
from linkstar.planning.capacity import NOTHING, Assignment, Clash, Load
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.crew import Colleague, Crew, Work, hours_of, span_of, with_most

WEEK = timedelta(weeks=1)
AHEAD = timedelta(days=366)  # how far is looked


@dataclass(frozen=True)
class Wanted:
    """A task as it would be: of this owner, and with these values; None where it is only being made."""

    project: Project
    task: Task | None
    owner: User
    values: Mapping[str, Any]

    @property
    def changes(self) -> bool:
        """Does it weigh differently, or on somebody else?"""
        if self.project.draft_of_id:
            return False
        if self.task is None or self.owner.id != self.task.owner_id:
            return True
        return self.assignment != replace(self, values={}).assignment

    def value(self, name: str) -> Any:
        return self.values.get(name, getattr(self.task, name, None))

    @property
    def assignment(self) -> Assignment | None:
        task = self.task
        if self.value("milestone") or self.value("waiting") or (task and (task.completed_at or task.trashed_at)):
            return None
        days, times = self.value("start_on"), (self.value("start_at"), self.value("due_at"))
        if task and "start_at" not in self.values and (days, self.value("due_on")) != (task.start_on, task.due_on):
            times = (None, None)
        span = span_of(self.owner.timezone, days, self.value("due_on"), *times)
        hours = hours_of(self.value("estimate"), self.value("duration"), self.project.unit)
        return Assignment(task.id if task else 0, *span, hours) if span else None


class Change:
    """What would be given to people all at once: three queries, and three more where it is told who else has time."""

    def __init__(
        self, workspace_id: int, wanted: Mapping[User, list[Assignment]], reader: User,
        people: Callable[[], Iterable[User]], roles: Collection[str],
    ) -> None:  # fmt: skip
        self.workspace_id, self.reader, self.people, self.roles = workspace_id, reader, people, roles
        members = [owner.membership_in(workspace_id) for owner in wanted]
        self.members = [member for member in members if member and member.of_the_team]
        numbers = count(1)  # a task that is not made has none; these are nobody else's
        self.wanted = {
            member.user: [each if each.key else replace(each, key=-next(numbers)) for each in wanted[member.user]]
            for member in self.members
        }
        self.given = [one for each in self.wanted.values() for one in each]
        self.keys = {one.key for one in self.given}

    @cached_property
    def window(self) -> tuple[date, date]:
        """From today to the last day that is asked for; what has passed is not too much any more."""
        today = min(clock.today(ZoneInfo(owner.timezone)) for owner in self.wanted)
        first = max(min(one.first for one in self.given), today)
        return first, min(max(one.last for one in self.given), first + AHEAD)

    @cached_property
    def crew(self) -> Crew:
        return Crew(self.members, *self.window, self.reader, self.given)

    @cached_property
    def others(self) -> Crew:
        """Those of the same roles who may be given tasks."""
        roles = {member.role for member in self.members} | set(self.roles)
        found = [person.membership_in(self.workspace_id) for person in self.people()]
        members = [member for member in found if member and member.role in roles]
        return Crew(members, *self.window, self.reader, self.given)

    def load(self, crew: Crew, user: User, *, more: Collection[Assignment] = ()) -> Load:
        """What the person would have to do if all of it were done, and more."""
        return crew.load(user.id, without=self.keys, more=[*self.wanted.get(user, ()), *more])


class Overload:
    """What changes of some tasks would make too much for one person."""

    def __init__(self, change: Change, owner: User) -> None:
        self.change, self.owner, self.wanted = change, owner, change.wanted[owner]
        self.today = clock.today(ZoneInfo(owner.timezone))
        self.before = change.crew.load(owner.id)
        self.after = change.load(change.crew, owner)

    @classmethod
    def of(
        cls, project: Project, owner: User, values: Mapping[str, Any], reader: User, task: Task | None = None
    ) -> "Overload | None":
        """What is too much for the owner if the task (None: a new one) becomes the owner's with these values."""
        people = partial(project.people_for, reader)
        return next(iter(cls.of_all([Wanted(project, task, owner, values)], reader, people)), None)

    @classmethod
    def of_all(
        cls, changes: Iterable[Wanted], reader: User, people: Callable[[], Iterable[User]], roles: Collection[str] = ()
    ) -> "list[Overload]":
        """The same for changes of one workspace's tasks; `people` are those who could be given them instead."""
        wanted: dict[User, list[Assignment]] = {}
        places = set()
        for each in changes:
            if each.changes and (assignment := each.assignment):
                wanted.setdefault(each.owner, []).append(assignment)
                places.add(each.project.workspace_id)
        return cls.among(places.pop(), wanted, reader, people, roles) if places else []

    @classmethod
    def among(
        cls, workspace_id: int, wanted: Mapping[User, list[Assignment]], reader: User,
        people: Callable[[], Iterable[User]], roles: Collection[str] = (),
    ) -> "list[Overload]":  # fmt: skip
        """One for each person who would have too much; `roles` beside their own whose people could help. No query
        where nothing is wanted."""
        change = Change(workspace_id, wanted, reader, people, roles)
        if not change.given or not reader.is_inside(workspace_id):
            return []
        first, last = change.window
        try:
            return [each for owner in change.wanted if (each := cls(change, owner))] if first <= last else []
        except OutOfRange:
            return []

    def __bool__(self) -> bool:
        return bool(self.days or self.away)

    @property
    def told(self) -> bool:
        """May the reader know more than that it is too much, and on which days?"""
        membership = self.change.reader.membership_in(self.change.workspace_id)
        return membership is not None and membership.sees_workload

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

    @property
    def weeks(self) -> list[Clash]:
        """The days of too much work, week by week."""
        mondays = [day - timedelta(day.weekday()) for day in self.days]
        found = {monday: [day for day in self.days if monday <= day < monday + WEEK] for monday in mondays}
        return [self.after.clash_of(days) for days in found.values()]

    @property
    def worst(self) -> Clash:
        """The day with the most to do."""
        return self.after.clash_of([max(self.days, key=self.after.on)])

    @cached_property
    def rows(self) -> list[tuple[Work, float]]:
        """The other tasks that lie in these days, with their hours then."""
        mine = {each.key for each in self.wanted}
        works = {work.assignment.key: work for work in self.change.crew.works.get(self.owner.id, ())}
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
        """Who may own the tasks and has time for all of them; those with the most come first."""
        found = []
        for member, load in self._others:
            now = self.change.others.load(member.user_id)
            after = self.change.load(self.change.others, member.user, more=self.wanted)
            asked = [day for day in after.window if after.on(day) > now.on(day) + NOTHING]
            if asked and not set(self.wanted) & set(after.stranded) and all(map(after.fits_on, asked)):
                found.append(self._free(member, load))
        return with_most(found, 0)

    @cached_property
    def helpers(self) -> list[Colleague]:
        """Who has some time in these days, though perhaps not for all of it."""
        return with_most(self._free(member, load) for member, load in self._others)

    def _free(self, member: Membership, load: Load) -> Colleague:
        """In the days of too much work; where the owner is only on leave, in those of the tasks."""
        lies = [
            day
            for day in load.window
            if day >= self.today and any(each.first <= day <= each.last for each in self.wanted)
        ]
        return Colleague(member, sum(map(load.free_on, self.days or lies)))

    @property
    def _others(self) -> Iterator[tuple[Membership, Load]]:
        """With what they would have to do without what is too much here."""
        change = self.change
        for member in change.others.beside(change.crew.members[self.owner.id], change.roles):
            yield member, change.load(change.others, member.user)
