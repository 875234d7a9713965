"""What a pack is made of. The annotations are the rules that reading holds its files to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Literal, TypeVar

from linkstar.packs.bounds import (
    Amount,
    AtMost,
    ChecklistKey,
    Days,
    DaysBefore,
    Key,
    Known,
    Quarters,
    Range,
    RoleKey,
    Shift,
    TemplateKey,
)
from linkstar.packs.events import Calendar, DaysFromEvent, Event, Season
from linkstar.packs.faults import PackFault


@dataclass(frozen=True, kw_only=True)
class AppliesTo:
    """An empty list restricts nothing, and "all" fits everything."""

    categories: tuple[Annotated[str, Known("category")], ...] = ()
    platforms: tuple[Annotated[str, Known("platform")], ...] = ()
    content_types: tuple[Annotated[str, Known("content_type")], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Item:
    key: Key
    zh: Annotated[str, AtMost(400)]
    en: Annotated[str, AtMost(400)]
    level: Literal["required", "advisory"]
    evidence: Literal["file", "url", "number", "text", "photo", "date"] | None = None
    evidence_zh: Annotated[str, AtMost(200)] | None = None
    evidence_en: Annotated[str, AtMost(200)] | None = None
    citation: Annotated[str, AtMost(300)] | None = None
    lead_time_days: Range | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Checklist:
    key: Key
    title_zh: Annotated[str, AtMost(120)]
    title_en: Annotated[str, AtMost(120)]
    authority: str | None = None
    citation: str | None = None
    applies_to: AppliesTo = AppliesTo()
    stage: Annotated[str, Known("stage")] | None = None
    lead_time_days: Range | None = None
    validity_zh: str | None = None
    validity_en: str | None = None
    region: Annotated[str, Known("region")] | None = None
    confidence: Literal["high", "medium", "low"] | None = None
    checked_on: date | None = None
    note_zh: str | None = None
    note_en: str | None = None
    items: tuple[Item, ...]

    def applies(
        self, *, categories: Collection[str], platforms: Collection[str], content_types: Collection[str] = ()
    ) -> bool:
        """Does a project like this need it? No content types given means content of every type."""
        meta = {"meta"} if {"facebook", "instagram"} & set(platforms) else set()
        return (
            _fits(self.applies_to.categories, set(categories))
            and _fits(self.applies_to.platforms, meta | set(platforms))
            and (not content_types or _fits(self.applies_to.content_types, set(content_types)))
        )


def _fits(asked: Collection[str], given: set[str]) -> bool:
    return not asked or "all" in asked or not given.isdisjoint(asked)


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A predecessor with a lag of its own, where the task's one lag is not that of all its predecessors."""

    task: str
    lag: Shift


def predecessor(entry: str | Edge) -> str:
    return entry if isinstance(entry, str) else entry.task


@dataclass(frozen=True, kw_only=True)
class Task:
    """Durations, offsets and lags count in the template's unit, in quarters; the days called calendar days are real
    ones and win over them. `conventions` in us/templates.yaml say more."""

    key: Key
    title_zh: Annotated[str, AtMost(200)]
    title_en: Annotated[str, AtMost(200)]
    role: RoleKey
    duration: Amount
    offset: Shift | None = None
    depends_on: tuple[str | Edge, ...]
    blocking: bool
    start: Literal["fixed", "as_late_as_possible"] | None = None
    milestone: bool = False
    optional: bool = False
    waiting: bool = False  # time passes and nobody works
    lag: Shift = 0
    elapsed_calendar_days: Days | None = None
    offset_calendar_days: Annotated[int, Quarters(signed=True)] | None = None
    checklists: tuple[ChecklistKey, ...] = ()
    creates_subproject_from: TemplateKey | None = None
    counterpart_tz: Annotated[str, Known("time_zone")] | None = None
    remind_before: tuple[DaysBefore, ...] | None = None  # days before it is due; None: as the template says
    deliverable_zh: Annotated[str, AtMost(200)] | None = None
    deliverable_en: Annotated[str, AtMost(200)] | None = None
    note_zh: str | None = None
    note_en: str | None = None

    @property
    def after(self) -> tuple[tuple[str, float], ...]:
        """Predecessors, each with the lag between its finish and this start."""
        return tuple((each, self.lag) if isinstance(each, str) else (each.task, each.lag) for each in self.depends_on)


@dataclass(frozen=True, kw_only=True)
class Phase:
    key: Key
    name_zh: Annotated[str, AtMost(60)]
    name_en: Annotated[str, AtMost(60)]
    waits_for: tuple[str, ...] = ()  # the gate in front of it: phases whose blocking tasks and items come first
    tasks: tuple[Task, ...]


@dataclass(frozen=True, kw_only=True)
class Stage:
    key: Key
    name_zh: Annotated[str, AtMost(60)]
    name_en: Annotated[str, AtMost(60)]
    kind: Literal["backlog", "active", "review", "done"]
    wip_limit: Annotated[int, AtMost(1000)] | None = None
    checklists: tuple[ChecklistKey, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """The task that stands on the day from which the plan is laid."""

    type: Literal["launch_day", "publish_day", "event_day", "incident_time", "quarter_start"]
    task: str
    name_zh: Annotated[str, AtMost(40)]
    name_en: Annotated[str, AtMost(40)]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What is looked at when the project closes."""

    key: Key
    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Subproject:
    key: Key
    template: TemplateKey
    name_zh: Annotated[str, AtMost(120)]
    name_en: Annotated[str, AtMost(120)]
    anchor_offset: Shift = 0
    repeat: Literal["weekly"] | None = None


@dataclass(frozen=True, kw_only=True)
class Template:
    key: Key
    name_zh: Annotated[str, AtMost(120)]
    name_en: Annotated[str, AtMost(120)]
    description_zh: str | None = None
    description_en: str | None = None
    applies_to: AppliesTo = AppliesTo()
    unit: Literal["working_day", "hour"]
    anchor: Anchor
    scheduling: Literal["backward", "forward"] = "backward"
    owner_role: RoleKey
    variant_of: str | None = None
    total_before_anchor: Amount | None = None
    total_after_anchor: Amount | None = None
    variables: Mapping[str, int | float | str] | None = None
    remind_before: tuple[DaysBefore, ...] | None = None  # days before a task is due; None: as is usual
    closing_kpis: tuple[Measure, ...] = ()
    subprojects: tuple[Subproject, ...] = ()
    stages: tuple[Stage, ...] = ()
    checklists: tuple[Checklist, ...] = ()  # lists that stand in the template itself
    phases: tuple[Phase, ...]

    @cached_property
    def tasks(self) -> dict[str, Task]:
        return {task.key: task for phase in self.phases for task in phase.tasks}


@dataclass(frozen=True, kw_only=True)
class Role:
    key: Key
    name_zh: str
    name_en: str
    kind: Literal["internal", "external"]
    note: str | None = None
    permissions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Something that one person alone may not do."""

    key: Key
    zh: str
    en: str
    requested_by: tuple[RoleKey, ...]
    approvers: tuple[RoleKey, ...]
    min_approvals: Annotated[int, AtMost(20)]
    cooling_off_hours: Annotated[int, AtMost(1000)] = 0
    reversible: str | None = None


@dataclass(frozen=True, kw_only=True)
class Severity:
    """How bad an emergency is: who is told, the first one first, and within how many minutes somebody takes it up."""

    key: Key
    zh: str
    en: str
    ack_minutes: Annotated[int, AtMost(10_000)]
    notify: tuple[RoleKey, ...]

    @property
    def in_order(self) -> list[RoleKey]:
        """Whom it tells, legal first whatever the pack's order."""
        return sorted(self.notify, key=lambda role: role != "legal")


@dataclass(frozen=True, kw_only=True)
class EmergencyFlow:
    key: Key
    triggers: tuple[str, ...]  # as others name them: OFFER_UNPUBLISHED(Walmart)
    severity: tuple[Severity, ...]
    template: TemplateKey

    @property
    def trigger_keys(self) -> tuple[str, ...]:
        """offer_unpublished"""
        return tuple(each.partition("(")[0].strip().lower() for each in self.triggers)

    def of(self, key: str) -> Severity:
        return next(each for each in self.severity if each.key == key)


@dataclass(frozen=True, kw_only=True)
class Category:
    """A category of products; a platform, a type of content, a region and a checklist's stage are named like one."""

    key: Key
    name_zh: Annotated[str, AtMost(60)]
    name_en: Annotated[str, AtMost(60)]


@dataclass(frozen=True, kw_only=True)
class RecipeStep:
    key: Key
    title_zh: Annotated[str, AtMost(200)]
    title_en: Annotated[str, AtMost(200)]
    role: RoleKey
    duration: Amount
    elapsed_calendar_days: Days | None = None
    waiting: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a coarse task is split: its steps, each after the one before it."""

    key: Key
    name_zh: Annotated[str, AtMost(120)]
    name_en: Annotated[str, AtMost(120)]
    words_zh: tuple[str, ...]
    words_en: tuple[str, ...]
    steps: tuple[RecipeStep, ...]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How project codes are put together, and what each platform is called in them."""

    rule: str
    example: str
    zh: str
    en: str
    codes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Pack:
    key: Key
    version: Annotated[str, AtMost(20)]
    name_zh: Annotated[str, AtMost(120)]
    name_en: Annotated[str, AtMost(120)]
    disclaimer_zh: str | None = None
    disclaimer_en: str | None = None
    naming: Naming | None = None
    templates: tuple[Template, ...] = ()
    checklists: tuple[Checklist, ...] = ()
    categories: tuple[Category, ...] = ()
    content_types: tuple[Category, ...] = ()
    platforms: tuple[Category, ...] = ()
    regions: tuple[Category, ...] = ()
    stages: tuple[Category, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    roles: tuple[Role, ...] = ()
    sensitive_operations: tuple[Operation, ...] = ()
    events: tuple[Event, ...] = ()
    cutoff_rules: tuple[DaysFromEvent | Season, ...] = ()

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar(events=self.events, cutoff_rules=self.cutoff_rules)

    def template(self, key: str) -> Template:
        return _found(self._template, self, key)

    def checklist(self, key: str) -> Checklist:
        return _found(self._checklist, self, key)

    def operation(self, key: str) -> Operation:
        return _found({each.key: each for each in self.sensitive_operations}, self, key)

    @cached_property
    def _template(self) -> dict[str, Template]:
        return {each.key: each for each in self.templates}

    @cached_property
    def _checklist(self) -> dict[str, Checklist]:
        return {each.key: each for each in self.checklists}


Row = TypeVar("Row")


def _found(rows: Mapping[str, Row], pack: Pack, key: str) -> Row:
    if key not in rows:
        raise PackFault(pack.key, key, "not_there")
    return rows[key]
