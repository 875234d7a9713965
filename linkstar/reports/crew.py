"""Some people of a workspace with what they can do in some days and what they have to do then."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from linkstar.extensions import db
from linkstar.models import Absence, Membership, Project, Task, User, calendars_of
from linkstar.planning.capacity import Assignment, Capacity, Load

MOMENT = timedelta(microseconds=1)
MOST_COLLEAGUES = 5


@dataclass(frozen=True)
class Work:
    """A task as it weighs on its owner. Of one that the reader may not see there is neither title nor project; of one
    in a project that the reader does not know, no name of that."""

    assignment: Assignment
    project_id: int | None
    title_zh: str | None
    title_en: str | None
    project_zh: str | None
    project_en: str | None

    @property
    def seen(self) -> bool:
        return self.project_id is not None


@dataclass(frozen=True)
class Colleague:
    """Somebody who has time, and how many hours are free in the days that are looked at."""

    member: Membership
    free: float

    @property
    def user(self) -> User:
        return self.member.user


def with_most(colleagues: Iterable[Colleague], least: float = 1) -> list[Colleague]:
    """Those with the most time first; below so many hours nobody is worth asking."""
    found = [each for each in colleagues if each.free >= least]
    return sorted(found, key=lambda each: -each.free)[:MOST_COLLEAGUES]


def span_of(
    zone: str, start_on: date | None, due_on: date | None, start_at: datetime | None, due_at: datetime | None
) -> tuple[date, date] | None:
    """The days of a task where its owner lives; None for one without a due day."""
    if start_at and due_at:
        here = ZoneInfo(zone)
        last = max(due_at - MOMENT, start_at).astimezone(here).date()  # what ends at midnight ends on the day before
        return start_at.astimezone(here).date(), last
    return (min(start_on or due_on, due_on), due_on) if due_on else None


def hours_of(estimate: float | None, duration: float | None, unit: str) -> float | None:
    """What was estimated; where a plan counts hours, how long it runs."""
    return duration if estimate is None and unit == "hour" else estimate


class Crew:
    """Three queries for any number of people and tasks."""

    def __init__(
        self, members: Collection[Membership], first: date, last: date, reader: User, more: Collection[Assignment] = ()
    ) -> None:
        self.members = {member.user_id: member for member in members}
        self.first, self.last, self.reader = first, last, reader
        self.more = more  # what may be given as well

    @cached_property
    def works(self) -> dict[int, list[Work]]:
        """Person → the open tasks that ask for time in these days, in the order of time."""
        start_on = func.coalesce(Task.start_on, Task.due_on)
        query = (
            select(
                Task.id, Task.owner_id, Task.project_id, Task.title_zh, Task.title_en, Task.start_on, Task.due_on,
                Task.start_at, Task.due_at, Task.estimate, Task.duration, Project.unit, Project.name_zh,
                Project.name_en, Task.seen_by(self.reader).label("seen"), Project.seen_by(self.reader).label("known"),
            )
            .join(Project, Project.id == Task.project_id)
            .where(Task.owner_id.in_(self.members), Task.workspace_id.in_(self._places))
            .where(Task.completed_at.is_(None), Task.trashed_at.is_(None), Project.draft_of_id.is_(None))
            .where(~Project.drill, ~Task.waiting, ~Task.milestone)
            .where(Task.due_on >= self.first - timedelta(1), start_on <= self.last + timedelta(1))  # zones apart
            .order_by(Task.due_on, Task.id)
        )  # fmt: skip
        found: dict[int, list[Work]] = defaultdict(list)
        for row in db.session.execute(query):
            zone = self.members[row.owner_id].user.timezone
            span = span_of(zone, row.start_on, row.due_on, row.start_at, row.due_at)
            assert span
            assignment = Assignment(row.id, *span, hours_of(row.estimate, row.duration, row.unit))
            named = (row.name_zh, row.name_en) if row.known else (None, None)
            shown = (row.project_id, row.title_zh, row.title_en, *named)
            found[row.owner_id].append(Work(assignment, *(shown if row.seen else (None,) * 5)))
        return found

    @cached_property
    def capacities(self) -> dict[int, Capacity]:
        works = [*self.more, *(work.assignment for each in self.works.values() for work in each)]
        first = min([self.first, *(each.first for each in works)])
        last = max([self.last, *(each.last for each in works)])
        query = select(Absence.user_id, Absence.first_on, Absence.last_on).where(
            Absence.workspace_id.in_(self._places), Absence.user_id.in_(self.members), Absence.first_on <= last,
            Absence.last_on >= first,
        )  # fmt: skip
        away: dict[int, set[date]] = defaultdict(set)
        for user_id, begins, ends in db.session.execute(query):
            away[user_id] |= {begins + timedelta(number) for number in range((ends - begins).days + 1)}
        calendars = {place: calendars_of(place) for place in self._places}
        return {
            key: Capacity(calendars[member.workspace_id][member.user.country], member.hours_a_day, frozenset(away[key]))
            for key, member in self.members.items()
        }

    def beside(self, member: Membership, roles: Collection[str] = ()) -> list[Membership]:
        """The others of the person's role, or of one of these."""
        wanted = {member.role, *roles}
        return [each for each in self.members.values() if each.role in wanted and each.user_id != member.user_id]

    @property
    def _places(self) -> set[int]:
        return {member.workspace_id for member in self.members.values()}

    def load(self, user_id: int, *, without: Collection[int] = (), more: Collection[Assignment] = ()) -> Load:
        """The person's, were it not for these tasks, and with these assignments as well."""
        works = [work.assignment for work in self.works.get(user_id, ()) if work.assignment.key not in without]
        return Load(self.capacities[user_id], [*works, *more], self.first, self.last)
