"""What a launch would become, before anything is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from linkstar import packs
from linkstar.models import Launch, User
from linkstar.planning.capacity import Assignment
from linkstar.planning.schedule import Span
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.crew import hours_of, span_of
from linkstar.reports.overload import Overload


@dataclass(frozen=True)
class Line:
    task: packs.Task
    owner: User
    unassigned: bool
    span: Span
    times: tuple[datetime, datetime] | None
    late: bool  # it would have had to begin before today


@dataclass(frozen=True)
class Part:
    """A phase with its tasks."""

    phase: packs.Phase
    lines: list[Line]

    @property
    def first(self) -> date:
        return min(line.span.start for line in self.lines)

    @property
    def last(self) -> date:
        return max(line.span.finish for line in self.lines)

    @property
    def late(self) -> int:
        return sum(line.late for line in self.lines)


class LaunchPreview:
    """`people` are those of the workspace, who may fill its roles."""

    def __init__(
        self, launch: Launch, variants: Sequence[packs.Template], reader: User, people: Sequence[User]
    ) -> None:
        self.launch, self.reader, self.people = launch, reader, people
        self.missing = packs.missing_for(launch.template, launch.values["categories"], variants)

    @cached_property
    def parts(self) -> list[Part]:
        late = {task.key for task in self.launch.impossible}
        parts = []
        for phase in self.launch.template.phases:
            here = [self.launch.tasks[task.key] for task in phase.tasks if task.key in self.launch.tasks]
            if here:
                parts.append(Part(phase, [self._line(task, task.key in late) for task in here]))
        return parts

    def _line(self, task: packs.Task, late: bool) -> Line:
        launch = self.launch
        return Line(
            task, launch.owner_of(task), launch.is_unassigned(task), launch.spans[task.key],
            launch.times.get(task.key), late,
        )  # fmt: skip

    @property
    def count(self) -> int:
        return len(self.launch.tasks)

    @property
    def first_day(self) -> date:
        return min(span.start for span in self.launch.spans.values())

    @property
    def anchor_day(self) -> date:
        return self.launch.spans[self.launch.template.anchor.task].start

    @property
    def weeks(self) -> int:
        return round(self.launch.days / 5)

    @cached_property
    def first_impossible(self) -> packs.Task | None:
        return next(iter(self.launch.impossible), None)

    @cached_property
    def earliest(self) -> date | None:
        """None where no day of this century is late enough."""
        try:
            return self.launch.earliest
        except OutOfRange:
            return None

    @cached_property
    def overloads(self) -> list[Overload]:
        return overloads_of([self.launch], self.reader, self.people)

    @property
    def unassigned(self) -> list[tuple[str, int]]:
        """The roles that nobody fills, with the number of their tasks."""
        tasks = [task for task in self.launch.tasks.values() if self.launch.is_unassigned(task)]
        return [(role, count) for role in self.launch.roles if (count := sum(task.role == role for task in tasks))]


def overloads_of(launches: Sequence[Launch], reader: User, people: Sequence[User]) -> list[Overload]:
    """Who would have too much to do by these plans of one workspace, with their sub-projects, together: three queries,
    three more for colleagues."""
    wanted: dict[User, list[Assignment]] = {}
    for launch in launches:
        for each in (launch, *(child for _sub, child in launch.children)):
            for owner, assignment in _assignments(each):
                wanted.setdefault(owner, []).append(assignment)
    return Overload.among(launches[0].workspace_id, wanted, reader, lambda: people)


def _assignments(launch: Launch) -> Iterator[tuple[User, Assignment]]:
    """What the tasks will ask of their owners; who fills no role yet leaves them to the project's owner."""
    unit = launch.template.unit
    for key, task in launch.tasks.items():
        if task.milestone or task.waiting or key not in launch.spans:
            continue
        owner, days = launch.owner_of(task), launch.spans[key]
        span = span_of(owner.timezone, days.start, days.finish, *launch.times.get(key, (None, None)))
        if span:
            yield owner, Assignment(0, *span, hours_of(None, task.duration, unit))
