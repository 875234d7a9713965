"""A project drawn along time: bars, what waits for what, how far each may slip, and where it stood in a baseline."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate
from math import ceil
from typing import Any
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db, record_id
from linkstar.i18n import LANGUAGES, _, both, day, in_language, language, moment, ngettext
from linkstar.models import Baseline, BaselineSpan, CalendarDay, Phase, Plan, Project, Task, User
from linkstar.planning.schedule import Span
from linkstar.planning.working_days import COUNTRIES, FIRST, LAST, OutOfRange, known_days
from linkstar.words import COUNTRY_NAMES, amount_words

ROW = 34  # the height of one line, in units of the drawing
HEAD = 51
MIDDLE = 14  # of a bar, from the top of its line
DIAMOND = 8  # half of one
DAYS = {"day": 28.0, "week": 9.0, "month": 3.0}  # units that a day is wide
HOURS = {"day": 768.0, "week": 240.0, "month": 96.0}  # the same in a plan that counts hours
FITS = {"whole": 700, "sheet": 1350}  # units that the whole plan is wide, to fit on a screen and on a sheet
SEEN = 1150  # units that are filled where the plan is shorter
WIDEST = 60_000
BESIDE = 150  # units for the words behind the last bar
SPARE = 3  # days before the first bar
NEAR = timedelta(45)  # so far from the plan today is still drawn


@dataclass(frozen=True)
class GanttView:
    """What of the address means anything."""

    zoom: str = "week"
    folded: frozenset[int] = frozenset()
    baseline: int | None = None

    @classmethod
    def read(cls, args: Mapping[str, str]) -> "GanttView":
        folded = (record_id(text) if text != "0" else 0 for text in args.get("fold", "").split(","))
        return cls(
            zoom=args["zoom"] if args.get("zoom") in (*DAYS, *FITS) else "week",
            folded=frozenset(number for number in folded if number is not None),
            baseline=record_id(args.get("baseline", "")),
        )

    def query(self, **other: Any) -> dict[str, str]:
        """The address's arguments for this view, or for another one."""
        view = {"zoom": self.zoom, "folded": self.folded, "baseline": self.baseline} | other
        found = {"zoom": view["zoom"], "fold": ",".join(map(str, sorted(view["folded"]))), "baseline": view["baseline"]}
        return {name: str(value) for name, value in found.items() if value and (name, value) != ("zoom", "week")}

    def turned(self, phase_id: int) -> dict[str, str]:
        """The same with this phase folded where it was open, and open where it was folded."""
        return self.query(folded=self.folded ^ {phase_id})


@dataclass(frozen=True)
class Axis:
    """Where a day lies: both days belong to it, each as wide as `unit`."""

    first: date
    last: date
    unit: float

    @property
    def width(self) -> int:
        return round(self.left(self.last + timedelta(1)))

    @property
    def step(self) -> float:
        """How far a bar goes at a time."""
        return self.unit

    def left(self, day: date) -> float:
        return (day - self.first).days * self.unit

    def middle(self, day: date) -> float:
        return (self.left(day) + self.left(day + timedelta(1))) / 2

    def bar(self, task: Task) -> tuple[float, float]:
        """From where to where a task with a due day runs."""
        assert task.due_on
        return self.left(min(task.start_on or task.due_on, task.due_on)), self.left(task.due_on + timedelta(1))

    def days(self) -> Iterator[date]:
        return (self.first + timedelta(number) for number in range((self.last - self.first).days + 1))

    def heads(self) -> list[tuple[float, str]]:
        """Months, or years where these are too narrow."""
        if self.unit < 1:
            return [(self.left(each), str(each.year)) for each in self.days() if (each.month, each.day) == (1, 1)]
        starts = [self.first, *(each for each in self.days() if each.day == 1 and each != self.first)]
        if len(starts) > 1 and self.left(starts[1]) < 80:  # no room for the first month's name
            del starts[0]
        return [(self.left(each), _month(each, each is starts[0])) for each in starts]

    def ticks(self) -> list[tuple[float, str]]:
        """Days, Mondays or every second Monday: as there is room for."""
        if self.unit < 2:
            return []
        apart = 1 if self.unit >= 18 else 7 if self.unit >= 4 else 14
        return [(self.left(each), str(each.day)) for each in self.days() if (each.toordinal() - 1) % apart == 0]


@dataclass(frozen=True)
class HourAxis(Axis):
    """The same in a plan that counts hours: a day begins and ends where it does in this zone."""

    zone: ZoneInfo

    @property
    def step(self) -> float:
        return self.unit / 24

    def left(self, day: date) -> float:
        return self.at(datetime.combine(day, time(), self.zone))

    def at(self, moment: datetime) -> float:
        start = datetime.combine(self.first, time(), self.zone).astimezone(UTC)
        return round((moment.astimezone(UTC) - start) / timedelta(days=1) * self.unit, 3)

    def bar(self, task: Task) -> tuple[float, float]:
        if task.start_at and task.due_at:
            return self.at(task.start_at), self.at(task.due_at)
        return super().bar(task)

    def heads(self) -> list[tuple[float, str]]:
        """Days, each so often that it is in sight beside any of its hours."""
        if self.unit < 90:
            return super().heads()
        return self._every(4 if self.unit >= 600 else 12 if self.unit >= 200 else 24, lambda each, _hour: day(each))

    def ticks(self) -> list[tuple[float, str]]:
        if self.unit < 90:
            return super().ticks()
        return self._every(
            2 if self.unit >= 600 else 6 if self.unit >= 200 else 12, lambda _each, hour: f"{hour:02d}:00"
        )

    def _every(self, hours: int, words: Callable[[date, int], str]) -> list[tuple[float, str]]:
        return [
            (self.at(datetime.combine(each, time(hour), self.zone)), words(each, hour))
            for each in self.days()
            for hour in range(0, 24, hours)
        ]


def _month(value: date, with_year: bool) -> str:
    if with_year or value.month == 1:
        return format_skeleton("yMMM", value, locale=LANGUAGES[language()])
    return format_date(value, "LLL", locale=LANGUAGES[language()])


@dataclass
class Row:
    """A task that the reader sees. Where it has no dates, or its phase is folded, it is not drawn."""

    task: Task
    slack: int | None
    critical: bool
    editable: bool
    then: Span | None  # in the baseline
    late: int  # days, where it is open
    top: int = 0
    left: float = 0
    right: float = 0
    slack_to: float | None = None
    ghost: tuple[float, float] | None = None

    @property
    def done(self) -> float:
        """How much of the bar is filled: all of a finished task, else what is ticked of its checklists."""
        if self.task.completed_at:
            return 1
        return self.task.checked_count / self.task.check_count if self.task.check_count else 0

    @property
    def slipped(self) -> int:
        return (self.task.due_on - self.then.finish).days if self.then and self.task.due_on else 0

    @property
    def span(self) -> tuple[str, str]:
        """As the form takes it: days, or moments where it has them; no start where it has none."""
        task = self.task
        if task.start_at and task.due_at:
            return task.start_at.isoformat(), task.due_at.isoformat()
        return str(task.start_on or ""), str(task.due_on)

    @property
    def end(self) -> float:
        """Where its words begin."""
        return max(self.right, self.slack_to or 0)


@dataclass
class Group:
    phase: Phase | None
    rows: list[Row]
    folded: bool
    top: int = 0

    @property
    def id(self) -> int:
        return self.phase.id if self.phase else 0

    @property
    def shown(self) -> list[Row]:
        return [] if self.folded else self.rows


@dataclass
class Band:
    """Days off in a country, one after the other, for one reason."""

    left: float
    width: float
    country: str
    words: str


@dataclass
class Gantt:
    project: Project
    reader: User
    view: GanttView = field(default_factory=GanttView)

    def __post_init__(self) -> None:
        self.plan = Plan(self.project)
        self.zone = ZoneInfo(self.reader.timezone)
        self.today = clock.today(self.zone)
        self.baselines = Baseline.of(self.project)
        self.baseline = next((each for each in self.baselines if each.id == self.view.baseline), None)
        self._said: dict[date, str] = {}
        self._todays: dict[str, date] = {}
        self._lay_out()

    @cached_property
    def rows(self) -> list[Row]:
        """The project's tasks with dates that the reader sees, in the order of time."""
        rows = [self._row(task) for task in self._seen if task.due_on]
        rows.sort(key=lambda row: (row.task.start_on or row.task.due_on, row.task.due_on, row.task.position))
        return rows

    @cached_property
    def undated(self) -> list[Task]:
        return [task for task in self._seen if not task.due_on]

    @cached_property
    def _seen(self) -> list[Task]:
        here = Task.project_id == self.project.id
        ids = set(db.session.scalars(select(Task.id).where(Task.seen_by(self.reader), here)))
        return [task for task in self.plan.own if task.id in ids]

    @cached_property
    def _then(self) -> dict[int, Span]:
        if self.baseline is None:
            return {}
        return spans_of(self.baseline)

    @cached_property
    def _critical(self) -> set[int]:
        return {task.id for task in self.plan.critical}

    def _row(self, task: Task) -> Row:
        return Row(
            task,
            self.plan.slack.get(task.id),
            task.id in self._critical,
            not task.completed_at and task.allows(self.reader, "edit"),
            self._then.get(task.id),
            self._late(task),
        )

    def _late(self, task: Task) -> int:
        """Where its owner lives, as its card says it."""
        zone = task.owner.timezone
        if zone not in self._todays:
            self._todays[zone] = clock.today(ZoneInfo(zone))
        return 0 if task.completed_at or not task.due_on else max((self._todays[zone] - task.due_on).days, 0)

    # where everything stands

    @cached_property
    def hours(self) -> bool:
        return self.project.unit == "hour"

    @cached_property
    def groups(self) -> list[Group]:
        by_phase: dict[int | None, list[Row]] = {}
        for row in self.rows:
            by_phase.setdefault(row.task.phase_id, []).append(row)
        phases: list[Phase | None] = [*self.project.phases, None]
        return [
            Group(phase, by_phase[key], (key or 0) in self.view.folded)
            for phase in phases
            if (key := phase.id if phase else None) in by_phase
        ]

    @cached_property
    def axis(self) -> Axis:
        days = [each for row in self.rows for each in (row.task.start_on, row.task.due_on) if each]
        days += [each for row in self.rows if row.then for each in (row.then.start, row.then.finish)]
        days += [self.project.anchor_on] if self.project.anchor_on else []
        first, last = min(days, default=self.today), max(days, default=self.today)
        if first - NEAR <= self.today <= last + NEAR:
            first, last = min(first, self.today), max(last, self.today)
        first, last = max(first - timedelta(1 if self.hours else SPARE), FIRST), min(last + timedelta(1), LAST)
        units, count = HOURS if self.hours else DAYS, (last - first).days + 1
        unit = units.get(self.view.zoom) or min(FITS[self.view.zoom] / count, units["day"])
        unit = min(unit, WIDEST / count)
        spare = BESIDE if self.view.zoom in FITS else max(BESIDE, SEEN - count * unit)
        last = min(last + timedelta(ceil(spare / unit)), LAST)
        return HourAxis(first, last, unit, self.zone) if self.hours else Axis(first, last, unit)

    def _lay_out(self) -> None:
        top = 0
        for group in self.groups:
            group.top, top = top, top + ROW
            for row in group.rows:
                row.left, row.right = self._bar(row.task)
                if row.then:
                    row.ghost = self.axis.left(row.then.start), self.axis.left(row.then.finish + timedelta(1))
                if row.slack:
                    row.slack_to = self._slack_end(row)
                if not group.folded:
                    row.top, top = top, top + ROW
        self.height = max(top, ROW)

    def _bar(self, task: Task) -> tuple[float, float]:
        """From where to where; a milestone stands on its due day."""
        left, right = self.axis.bar(task)
        if not task.milestone:
            return left, right
        at = right if task.due_at and self.hours else self.axis.middle(task.due_on)  # type: ignore[arg-type]
        return at - DIAMOND, at + DIAMOND

    def _slack_end(self, row: Row) -> float | None:
        task = row.task
        assert task.due_on and row.slack
        try:
            latest = self.plan.calendars[task.owner.country].shift(task.due_on, row.slack)
        except OutOfRange:
            return None
        return min(self.axis.left(latest + timedelta(1)), self.axis.width - BESIDE / 2)

    @cached_property
    def lines(self) -> tuple[str, str]:
        """From the end of what comes before to the start of what waits for it, where both are drawn: as two paths, of
        the usual lines and of those between two critical tasks."""
        drawn = {row.task.id: row for group in self.groups for row in group.shown}
        usual: list[str] = []
        critical: list[str] = []
        for row in drawn.values():
            for key, _lag in self.plan.after.get(row.task.id, ()):
                if before := drawn.get(key):
                    (critical if row.critical and before.critical else usual).append(_elbow(before, row))
        return "".join(usual), "".join(critical)

    @property
    def today_at(self) -> float | None:
        if not self.axis.first <= self.today <= self.axis.last:
            return None
        return self.axis.at(clock.now()) if isinstance(self.axis, HourAxis) else self.axis.middle(self.today)

    @property
    def anchor_at(self) -> float | None:
        if self.project.anchor_at and isinstance(self.axis, HourAxis):
            return self.axis.at(self.project.anchor_at)
        return self.axis.middle(self.project.anchor_on) if self.project.anchor_on else None

    @cached_property
    def bands(self) -> list[Band]:
        """Holidays of both countries as the workspace keeps them, but for a scale on which a day is not seen."""
        if self.axis.unit < 1:
            return []
        bands: list[Band] = []
        for country in COUNTRIES:
            last: tuple[date, str] | None = None
            for each, name in sorted(self._holidays(country).items()):
                width = self.axis.left(each + timedelta(1)) - self.axis.left(each)
                if last == (each - timedelta(1), name):
                    bands[-1].width += width
                else:
                    words = _("%(name)s, %(country)s", name=name, country=COUNTRY_NAMES[country])
                    bands.append(Band(self.axis.left(each), width, country, words))
                last = each, name
        return bands

    def _holidays(self, country: str) -> dict[date, str]:
        first, last = self.axis.first, self.axis.last
        found = {
            each.day: in_language(each.name_zh, each.name_en)
            for year in range(first.year, last.year + 1)
            for each in known_days(country, year)
            if not each.works and first <= each.day <= last
        }
        told = self.reader.is_inside(self.project.workspace_id)
        for own in self._own_days:
            if own.country == country:
                found.pop(own.day, None)
                if not own.works:
                    found[own.day] = (both(own, "name") if told else "") or _("Day off")
        return found

    @cached_property
    def _own_days(self) -> list[CalendarDay]:
        here = CalendarDay.workspace_id == self.project.workspace_id
        within = CalendarDay.day.between(self.axis.first, self.axis.last)
        return list(db.session.scalars(select(CalendarDay).where(here, within)))

    # what is said of a bar

    def note(self, row: Row) -> str:
        """Beside the bar."""
        words = [_("Done")] if row.task.completed_at else [f"{row.done:.0%}"] if row.done else []
        if row.task.milestone:
            words.append(f"{both(row.task, 'title')} {self._day(row.task.due_on)}")
        return " · ".join([*words, *self._standing(row)])

    def note_at(self, row: Row, note: str) -> tuple[float, str, str]:
        """Where it begins, or ends, and as much of it as there is room for: behind the bar and its slack; where it
        would run out of the chart, over the slack, and where that is too short, in front of the bar."""
        width, long = self.axis.width, sum(_widths(note))
        if row.end + 10 + long <= width:
            return row.end + 10, "start", note
        over, before = width - row.right - 14, row.left - 10
        if over >= min(long, before):
            return width - 4, "end", _cut(note, over)
        return before, "end", _cut(note, before)

    def name(self, row: Row) -> str:
        """All of it, for who does not see the drawing, and under the pointer."""
        task = row.task
        words = [both(task, "title")]
        if task.start_at and task.due_at:
            words.append(f"{moment(task.start_at, self.reader.timezone)} → {moment(task.due_at, self.reader.timezone)}")
        elif task.start_on and task.start_on != task.due_on:
            words.append(f"{self._day(task.start_on)} → {self._day(task.due_on)}")
        else:
            words.append(self._day(task.due_on))
        words.append(task.owner.name)
        words += [_("Milestone")] if task.milestone else []
        words += [_("Done")] if task.completed_at else []
        words += [_("On the critical path")] if row.critical else []
        words += [_("Dates locked")] if task.locked else []
        return " · ".join([*words, *self._standing(row)])

    def _standing(self, row: Row) -> list[str]:
        words = [ngettext("%(num)s day late", "%(num)s days late", row.late)] if row.late else []
        if row.slack and row.slack > 0:
            words.append(_("may slip by %(amount)s", amount=amount_words(row.slack, "working_day")))
        if row.slipped > 0:
            words.append(
                ngettext("%(num)s day later than the baseline", "%(num)s days later than the baseline", row.slipped)
            )
        if row.slipped < 0:
            words.append(
                ngettext(
                    "%(num)s day earlier than the baseline", "%(num)s days earlier than the baseline", -row.slipped
                )
            )
        return words

    def _day(self, value: date | None) -> str:
        assert value
        if value not in self._said:
            self._said[value] = day(value)
        return self._said[value]


def _widths(words: str) -> list[float]:
    return [12.5 if east_asian_width(letter) in "WF" else 7 for letter in words]


def _cut(words: str, room: float) -> str:
    """All of it also stands under the pointer."""
    if sum(_widths(words)) <= room:
        return words
    kept = sum(length + 12.5 <= room for length in accumulate(_widths(words)))  # 12.5: of the dots that stand for more
    return words[:kept] + "…" if kept else ""


def _elbow(before: Row, after: Row) -> str:
    """Out of the one bar, along between two rows where the other begins too early for that, and into it."""
    x, y, to, at = before.right, before.top + MIDDLE, after.left, after.top + MIDDLE
    if to - x >= 8:
        return f"M{x:g} {y:g}h4V{at:g}H{to:g}"
    between = before.top + (ROW if at >= y else 0)
    return f"M{x:g} {y:g}h4V{between:g}H{to - 6:g}V{at:g}h6"


def spans_of(baseline: Baseline) -> dict[int, Span]:
    rows = db.session.execute(
        select(BaselineSpan.task_id, BaselineSpan.start_on, BaselineSpan.due_on).where(
            BaselineSpan.baseline_id == baseline.id
        )
    )
    return {row.task_id: Span(row.start_on, row.due_on) for row in rows}
