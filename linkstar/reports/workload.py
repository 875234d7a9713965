"""People × days or weeks: who has how much to do, on which days that is too much, and who could take over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from linkstar import clock
from linkstar.extensions import db, record_id
from linkstar.models import Membership, Project, ProjectMember, Task, User
from linkstar.models.role import EXTERNAL_ROLES, ROLES
from linkstar.planning.capacity import CLASH, Clash, Load
from linkstar.planning.working_days import FIRST, LAST
from linkstar.reports.crew import Colleague, Crew, Work, with_most

WEEK = timedelta(weeks=1)
DAYS = timedelta(weeks=3) - timedelta(1)
WEEKS = timedelta(weeks=12) - timedelta(1)
STEPS = (0.25, 0.5, 0.75, 1.0)  # of the capacity; above, it is full, and from CLASH on too much
MOST_TAKERS = 2  # are offered beside a task; the others stand in its dialog


@dataclass(frozen=True)
class Chosen:
    """What of the address means anything: which days and people, and whose days are opened."""

    by: str
    first: date
    role: str | None
    project: int | None
    person: int | None
    on: date | None
    until: date | None

    @classmethod
    def read(cls, args: Mapping[str, str], today: date) -> "Chosen":
        def a_day(name: str) -> date | None:
            try:
                return date.fromisoformat(args.get(name, ""))
            except ValueError:
                return None

        first = min(max(a_day("from") or today, FIRST + WEEK), LAST - WEEKS - WEEK)
        on = a_day("on")
        return cls(
            by="week" if args.get("by") == "week" else "day",
            first=first - timedelta(first.weekday()),
            role=args["role"] if args.get("role") in ROLES else None,
            project=record_id(args.get("project", "")),
            person=record_id(args.get("person", "")),
            on=on,
            until=a_day("until") or on,
        )

    @property
    def last(self) -> date:
        return self.first + (WEEKS if self.by == "week" else DAYS)

    def query(self, **more: Any) -> dict[str, Any]:
        """The address's arguments for these people and days, and more of them; nobody's days are opened."""
        now: dict[str, Any] = {"by": self.by, "from": self.first, "role": self.role, "project": self.project} | more
        return {name: str(value) for name, value in now.items() if value}

    def shifted(self, ways: int) -> dict[str, Any]:
        return self.query(**{"from": replace(self, first=self.first + ways * 3 * WEEK).first})


@dataclass(frozen=True)
class Cell:
    first: date
    last: date
    hours: float
    capacity: float
    kind: str  # work, leave, holiday, or rest: a weekend
    clash: bool
    stranded: int  # tasks that have only days on which the person does not work

    @property
    def level(self) -> int:
        """0-3: so many quarters of the capacity are more than taken; 4: it is full; 5: it is too much."""
        if self.clash or self.hours >= self.capacity * CLASH:
            return 5
        return sum(self.hours > self.capacity * step + 1e-6 for step in STEPS)


@dataclass(frozen=True)
class Line:
    member: Membership
    load: Load
    cells: list[Cell]


@dataclass(frozen=True)
class Piece:
    """A task in the opened days: its hours then, and the task itself where the reader may give it to somebody else."""

    work: Work
    hours: float
    stranded: bool
    task: Task | None


class Workload:
    """Six queries for any number of people and tasks, and two more where somebody's days are opened."""

    def __init__(self, reader: Membership, chosen: Chosen) -> None:
        self.reader, self.chosen = reader, chosen
        self.today = clock.today(ZoneInfo(reader.user.timezone))

    @cached_property
    def members(self) -> list[Membership]:
        """Everybody inside, and the partners who take part in a project that the reader knows; creators never do."""
        known = ProjectMember.project_id.in_(self._projects.with_only_columns(Project.id))
        beside = Membership.user_id.in_(select(ProjectMember.user_id).where(known))
        query = (
            select(Membership)
            .join(Membership.user)
            .where(Membership.workspace_id == self.reader.workspace_id, User.active)
            .where(or_(Membership.role.not_in(EXTERNAL_ROLES), beside))
            .options(joinedload(Membership.user).selectinload(User.memberships))
            .order_by(Membership.id)
        )
        return list(db.session.scalars(query).unique())

    @cached_property
    def crew(self) -> Crew:
        return Crew(self.members, self.chosen.first, self.chosen.last, self.reader.user)

    @cached_property
    def projects(self) -> list[Project]:
        """Those that the reader can choose among."""
        return list(db.session.scalars(self._projects.order_by(Project.id)))

    @property
    def _projects(self) -> Select[Project]:
        here = Project.workspace_id == self.reader.workspace_id, Project.draft_of_id.is_(None)
        return Project.visible_to(self.reader.user).where(*here)

    @property
    def roles(self) -> list[str]:
        return [role for role in ROLES if any(member.role == role for member in self.members)]

    @cached_property
    def _shown(self) -> list[Membership]:
        role, project = self.chosen.role, self.chosen.project
        members = [member for member in self.members if role in (None, member.role)]
        if project not in [each.id for each in self.projects]:
            return members
        joined = set(db.session.scalars(select(ProjectMember.user_id).where(ProjectMember.project_id == project)))
        joined |= {key for key, works in self.crew.works.items() if any(work.project_id == project for work in works)}
        return [member for member in members if member.user_id in joined]

    @cached_property
    def loads(self) -> dict[int, Load]:
        return {member.user_id: self.crew.load(member.user_id) for member in self.members}

    @cached_property
    def columns(self) -> list[tuple[date, date]]:
        """First and last day of each; a weekend is there where somebody works, or would have to."""
        first, chosen = self.chosen.first, self.chosen
        if chosen.by == "week":
            starts = [first + number * WEEK for number in range((chosen.last - first).days // 7 + 1)]
            return [(start, start + WEEK - timedelta(1)) for start in starts]
        loads = [self.loads[member.user_id] for member in self._shown]
        days = [first + timedelta(number) for number in range((chosen.last - first).days + 1)]
        return [(day, day) for day in days if day.weekday() < 5 or any(_matters(load, day) for load in loads)]

    @property
    def weeks(self) -> list[tuple[date, int]]:
        """Monday, and how many columns its week has."""
        mondays = [first - timedelta(first.weekday()) for first, _last in self.columns]
        return [(monday, mondays.count(monday)) for monday in dict.fromkeys(mondays)]

    @cached_property
    def lines(self) -> list[Line]:
        return [
            Line(member, load, [_cell(load, first, last) for first, last in self.columns])
            for member in self._shown
            if (load := self.loads[member.user_id])
        ]

    @cached_property
    def clashes(self) -> list[tuple[User, Clash]]:
        """Those that can still be mended: what has passed has passed."""
        found = [(line.member.user, clash) for line in self.lines for clash in line.load.clashes]
        found = [(user, clash) for user, clash in found if clash.last >= self.today]
        return sorted(found, key=lambda each: each[1].first)

    # whose days are opened

    @cached_property
    def opened(self) -> Line | None:
        """The person, and the days as one cell."""
        chosen = self.chosen
        member = next((each for each in self.members if each.user_id == chosen.person), None)
        if not (member and chosen.on and chosen.until and chosen.first <= chosen.on <= chosen.until <= chosen.last):
            return None
        load = self.loads[member.user_id]
        return Line(member, load, [_cell(load, chosen.on, chosen.until)])

    @cached_property
    def pieces(self) -> list[Piece]:
        assert self.opened
        load, cell = self.opened.load, self.opened.cells[0]
        stranded = {each.key for each in load.stranded}
        found = []
        for work in self.crew.works.get(self.opened.member.user_id, ()):
            key, lies = work.assignment.key, work.assignment
            hours = sum(load.days[day].get(key, 0.0) for day in load.window if cell.first <= day <= cell.last)
            if hours or (key in stranded and lies.first <= cell.last and lies.last >= cell.first):
                found.append((work, hours, key in stranded))
        tasks = self._mine_to_give([work.assignment.key for work, _hours, _stranded in found if work.seen])
        return [Piece(*each, tasks.get(each[0].assignment.key)) for each in found]

    def _mine_to_give(self, ids: list[int]) -> dict[int, Task]:
        reader = self.reader.user
        tasks = db.session.scalars(Task.visible_to(reader).where(Task.id.in_(ids))) if ids else ()
        return {task.id: task for task in tasks if task.allows(reader, "edit") and task.allows(reader, "move")}

    @cached_property
    def colleagues(self) -> list[Colleague]:
        """Of the same role, with the hours that they have free in the opened days."""
        assert self.opened
        cell, found = self.opened.cells[0], []
        for member in self.crew.beside(self.opened.member):
            load = self.loads[member.user_id]
            free = sum(load.free_on(day) for day in load.window if cell.first <= day <= cell.last)
            found.append(Colleague(member, free))
        return with_most(found)

    def takers(self, piece: Piece) -> list[User]:
        """The colleagues who may own the task and have the time that it asks for in the opened days."""
        if piece.task is None:
            return []
        project = piece.task.project_id
        return [
            each.user
            for each in self.colleagues
            if each.free >= piece.hours
            and (each.member.scope("view") == "all" or (project, each.user.id) in self._joined)
        ][:MOST_TAKERS]

    @cached_property
    def _joined(self) -> set[tuple[int, int]]:
        """Which of the colleagues take part in which of the pieces' projects."""
        people = [each.user.id for each in self.colleagues]
        projects = {piece.task.project_id for piece in self.pieces if piece.task}
        query = select(ProjectMember.project_id, ProjectMember.user_id)
        here = ProjectMember.project_id.in_(projects), ProjectMember.user_id.in_(people)
        return {(project, user) for project, user in db.session.execute(query.where(*here))}


def _matters(load: Load, day: date) -> bool:
    return bool(load.capacity.on(day)) or any(each.first <= day <= each.last for each in load.stranded)


def _cell(load: Load, first: date, last: date) -> Cell:
    days = [day for day in load.window if first <= day <= last]
    hours, capacity = sum(map(load.on, days)), sum(map(load.capacity.on, days))
    stranded = sum(each.first <= last and each.last >= first for each in load.stranded)
    clash = any(map(load.clashes_on, days))
    return Cell(first, last, hours, capacity, _kind(load, days), clash, stranded)


def _kind(load: Load, days: list[date]) -> str:
    """What a day, or all of several days, is."""
    capacity = load.capacity
    if any(map(capacity.on, days)):
        return "work"
    if any(day in capacity.away for day in days):
        return "leave"
    return "holiday" if any(day.weekday() < 5 for day in days) else "rest"
