"""A project as it would come out of a template: laid, looked at, and only then made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, inspect, select

from linkstar import clock, packs
from linkstar.extensions import Base, db
from linkstar.models.audit_event import new_change, record_created
from linkstar.models.calendar_day import calendars_of
from linkstar.models.checklist import Checklist
from linkstar.models.dependency import Dependency
from linkstar.models.notification import notify
from linkstar.models.phase import Phase
from linkstar.models.project import REMIND_BEFORE, Project
from linkstar.models.project_code import free_key, next_code, numbered
from linkstar.models.stage import Stage
from linkstar.models.task import PLATFORMS, Task
from linkstar.models.task.movable import GAP
from linkstar.models.template import TemplateVersion, packs_of
from linkstar.models.user import User
from linkstar.planning.schedule import Schedule, Span, Step, earliest_anchor, lay, lay_hours
from linkstar.planning.working_days import WorkingDays, check_range

MORNING = time(9)
PLATFORM_KEYS = frozenset(PLATFORMS)


@dataclass(kw_only=True)
class Launch:
    """What somebody wants to start from a template. Nothing is written before create().

    `people` maps a role to who fills it; `owners` a single task, by its key, to its owner (a copy keeps them);
    `legs` maps a task that takes real days (freight, a laboratory) to other days than the template's; `without`
    holds the keys of optional tasks that are left out. Without an anchor the project has no dates (a draft).
    `versions` maps a template's key to the version that a sub-project of it is made from.
    """

    template: packs.Template
    workspace_id: int
    owner: User
    anchor: date | datetime | None
    values: dict[str, Any]  # columns of the project: names, code, key, platforms, categories, store, brand …
    people: Mapping[str, User | None] = field(default_factory=dict)
    owners: Mapping[str, User] = field(default_factory=dict)
    legs: Mapping[str, int] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    version: TemplateVersion | None = None
    versions: Mapping[str, TemplateVersion] = field(default_factory=dict)
    library: Mapping[str, packs.Checklist] = field(default_factory=dict)
    calendars: dict[str, WorkingDays] | None = None

    @cached_property
    def tasks(self) -> dict[str, packs.Task]:
        """The template's tasks that are made; who waited for one that is left out waits for what that waited for."""
        tasks = dict(self.template.tasks)
        for gone in [task for task in self.optional if task.key in self.without]:
            key = gone.key
            gone = tasks.pop(key)
            for other in [task for task in tasks.values() if key in dict(task.after)]:
                links = {**{name: 0.0 for name, _lag in gone.after}, **dict(other.after)}
                links.pop(key)
                edges = tuple(packs.Edge(task=name, lag=lag) for name, lag in links.items())
                tasks[other.key] = replace(other, depends_on=edges)
        for key, days in self.legs.items():
            if key in tasks and tasks[key].elapsed_calendar_days:
                tasks[key] = replace(tasks[key], elapsed_calendar_days=days)
        return tasks

    # who

    def owner_of(self, task: packs.Task) -> User:
        """A role that nobody fills falls to the project's owner."""
        return self.owners.get(task.key) or self.people.get(task.role) or self.owner

    def is_unassigned(self, task: packs.Task) -> bool:
        return task.key not in self.owners and not self.people.get(task.role)

    @property
    def roles(self) -> list[str]:
        """The roles that the template's tasks need, the busiest first."""
        needed = [task.role for task in self.template.tasks.values()]
        return sorted(set(needed), key=lambda role: (-needed.count(role), role))

    def _country_of(self, task: packs.Task) -> str:
        return self.owner_of(task).country

    # when

    @cached_property
    def _calendars(self) -> dict[str, WorkingDays]:
        return self.calendars or calendars_of(self.workspace_id)

    @cached_property
    def steps(self) -> list[Step]:
        return [
            Step(
                key=task.key,
                duration=task.duration,
                after=task.after,
                country=self._country_of(task),
                start=task.start,
                offset=task.offset or 0,
                elapsed_days=task.elapsed_calendar_days,
                offset_days=task.offset_calendar_days,
            )
            for task in self.tasks.values()
        ]

    @cached_property
    def schedule(self) -> Schedule | None:
        """The laid plan; None for one that counts hours or has no anchor."""
        if self.anchor is None or isinstance(self.anchor, datetime):
            return None
        return lay(self.steps, self.template.anchor.task, self.anchor, self._calendars)

    @cached_property
    def times(self) -> dict[Any, tuple[datetime, datetime]]:
        """Where the plan counts hours: task → start and finish."""
        if not isinstance(self.anchor, datetime):
            return {}
        return lay_hours(self.steps, self.template.anchor.task, self.anchor)

    @cached_property
    def spans(self) -> dict[Any, Span]:
        """Raises OutOfRange where a day of the plan lies outside 2000-2100."""
        if self.schedule:
            spans = self.schedule.spans
        else:
            spans = {
                key: Span(*(moment.astimezone(self._zone_of(key)).date() for moment in times))
                for key, times in self.times.items()
            }
        check_range(day for span in spans.values() for day in (span.start, span.finish))
        return spans

    def _zone_of(self, key: str) -> ZoneInfo:
        return ZoneInfo(self.owner_of(self.tasks[key]).timezone)

    @property
    def today(self) -> date:
        return clock.today(ZoneInfo(self.owner.timezone))

    @property
    def impossible(self) -> list[packs.Task]:
        """Tasks that would have had to begin before today, the first one first."""
        late = [
            task for task in self.tasks.values() if task.key in self.spans and self.spans[task.key].start < self.today
        ]
        return sorted(late, key=lambda task: self.spans[task.key].start) if self.schedule else []

    @property
    def days_too_late(self) -> int:
        """Working days by which the first impossible task is missed."""
        if not self.impossible:
            return 0
        first = self.impossible[0]
        return self._calendars[self._country_of(first)].count(self.spans[first.key].start, self.today)

    @property
    def days(self) -> int:
        """Working days from the first one to the anchor, where the owner works."""
        if self.schedule is None:
            return 0
        return self._calendars[self.owner.country].count(
            self.schedule.first_day, self.schedule.spans[self._anchor].start
        )

    @property
    def _anchor(self) -> str:
        return self.template.anchor.task

    @cached_property
    def earliest(self) -> date:
        """The first anchor day for which nothing is impossible, and if it may be one on which China works."""
        first = earliest_anchor(self.steps, self._anchor, self.today, self._calendars)
        worked = self._calendars["CN"].next(first)
        return first if replace(self, anchor=worked, calendars=self._calendars).impossible else worked

    @property
    def long_legs(self) -> list[packs.Task]:
        """Tasks of real days that stand on the critical path, or did before they were shortened."""
        chosen = {*self.legs, *(self.schedule.critical if self.schedule else ())}
        return [task for task in self.tasks.values() if task.elapsed_calendar_days and task.key in chosen]

    @property
    def optional(self) -> list[packs.Task]:
        anchor = self.template.anchor.task
        return [task for task in self.template.tasks.values() if task.optional and task.key != anchor]

    # what

    @cached_property
    def _lists(self) -> dict[str, packs.Checklist]:
        """What the tasks and stages name, as far as it fits the project."""
        lists = {**self.library, **{each.key: each for each in self.template.checklists}}
        return {key: each for key, each in lists.items() if self._applies(each)}

    def lists_of(self, part: packs.Task | packs.Stage) -> list[packs.Checklist]:
        """The checklists of the task or the stage that fit the project."""
        return [self._lists[key] for key in part.checklists if key in self._lists]

    @property
    def lists(self) -> list[packs.Checklist]:
        """All that the project gets, each once."""
        parts: list[packs.Stage | packs.Task] = [*self.template.stages, *self.tasks.values()]
        return list({each.key: each for part in parts for each in self.lists_of(part)}.values())

    def _applies(self, rule: packs.Checklist) -> bool:
        if self.values.get("draft_of"):
            return True  # a template keeps what it has, for whatever project
        return rule.applies(
            categories=set(self.values.get("categories") or ["all"]),
            platforms=set(self.values.get("platforms") or ["all"]),
            content_types=set(self.values.get("content_types") or []),
        )

    # the programme

    @cached_property
    def children(self) -> list[tuple[packs.Subproject, "Launch"]]:
        """The sub-projects, with the same people; what a task would make that is left out is left out, too."""
        dropped = {task.creates_subproject_from for key, task in self.template.tasks.items() if key not in self.tasks}
        return [
            (sub, self._child(sub, number))
            for number, sub in enumerate(self.template.subprojects, start=1)
            if sub.template in self.versions and sub.template not in dropped
        ]

    def _child(self, sub: packs.Subproject, number: int) -> "Launch":
        version = self.versions[sub.template]
        template = packs.template_from(version.content, sub.template, packs_of(self.workspace_id))
        platforms = [key for key in self.values.get("platforms") or () if key in template.applies_to.platforms]
        own = {
            "name_zh": _joined(self.values.get("name_zh"), sub.name_zh),
            "name_en": _joined(self.values.get("name_en"), sub.name_en),
            "key": numbered(self.values["key"], number),
            "platforms": platforms or self.values.get("platforms") or [],
        }
        return replace(
            self, template=template, anchor=self._anchor_of(sub, template.unit), values={**self.values, **own},
            version=version, owners={}, legs={}, without=frozenset(), versions={}, calendars=self._calendars,
        )  # fmt: skip

    def _anchor_of(self, sub: packs.Subproject, unit: str) -> date | datetime | None:
        """One that counts hours begins in the morning of its day."""
        if self.anchor is None or isinstance(self.anchor, datetime):
            return None
        day = self._calendars[self.owner.country].shift(self.anchor, round(sub.anchor_offset))
        return datetime.combine(day, MORNING, ZoneInfo(self.owner.timezone)) if unit == "hour" else day

    # making it

    def create(self, *, by: User, change: str | None = None) -> Project:
        """Makes the project with its phases, tasks, links, lists, people and sub-projects, as one change."""
        change = change or new_change()
        template = self.template
        project = Project.create(
            by=by,
            workspace_id=self.workspace_id,
            unit=template.unit,
            anchor_key=template.anchor.task,
            anchor_name_zh=template.anchor.name_zh,
            anchor_name_en=template.anchor.name_en,
            template_version=self.version,
            remind_before=[*(REMIND_BEFORE if template.remind_before is None else template.remind_before)],
            **self.values | {"key": self._free_key()},
        )
        project.owner = self.owner
        if self.anchor is not None:
            project.anchor_on = self.spans[template.anchor.task].start
            project.anchor_at = self.anchor if isinstance(self.anchor, datetime) else None
        self._add_stages(project)
        phases = self._add_phases(project)
        db.session.flush()
        tasks = self._add_tasks(project, phases, by)
        record_created(tasks.values(), by=by, change=change)
        for task in self.tasks.values():
            for predecessor, lag in task.after:
                link = Dependency(predecessor_id=tasks[predecessor].id, successor_id=tasks[task.key].id, lag=lag)
                db.session.add(link)
        self._add_people(project, tasks, by)
        self._add_children(project, tasks, by, change)
        db.session.flush()
        return project

    def _free_key(self) -> str:
        """The word of the code, or what is free of its kind; a draft's tasks are nobody's, whatever they are called."""
        word: str = self.values["key"]
        return word if self.values.get("draft_of") else free_key(self.workspace_id, word)

    def _add_stages(self, project: Project) -> None:
        if not self.template.stages:
            project.stages.extend(Stage.usual())
            return
        for position, stage in enumerate(self.template.stages):
            row = Stage(
                key=stage.key, kind=stage.kind, name_zh=stage.name_zh, name_en=stage.name_en, position=position,
                wip_limit=stage.wip_limit,
            )  # fmt: skip
            row.checklists = [
                Checklist.from_pack(rule, position=number) for number, rule in enumerate(self.lists_of(stage))
            ]
            project.stages.append(row)

    def _add_phases(self, project: Project) -> dict[str, Phase]:
        phases = {
            phase.key: Phase(key=phase.key, name_zh=phase.name_zh, name_en=phase.name_en, position=position)
            for position, phase in enumerate(self.template.phases)
        }
        for phase in self.template.phases:
            phases[phase.key].awaited = [phases[key] for key in phase.waits_for]
        project.phases.extend(phases.values())
        return phases

    def _add_tasks(self, project: Project, phases: dict[str, Phase], by: User) -> dict[str, Task]:
        """The tasks with their lists, in as many statements for four hundred of them as for one."""
        stage = next(stage for stage in project.stages if stage.kind == "backlog")
        project.touch()
        rows: list[Task] = []
        for phase in self.template.phases:
            for key in (task.key for task in phase.tasks if task.key in self.tasks):
                row = self._task(project, self.tasks[key], len(rows) + 1)
                row.stage_id, row.phase_id, row.author_id = stage.id, phases[phase.key].id, by.id
                rows.append(row)
        project.last_number = len(rows)
        _insert(rows)
        tasks = db.session.scalars(select(Task).where(Task.project_id == project.id).order_by(Task.number)).all()
        made = {str(task.key): task for task in tasks}
        self._add_lists(project, made)
        return made

    def _add_lists(self, project: Project, made: dict[str, Task]) -> None:
        lists = []
        for task in self.tasks.values():
            for position, rule in enumerate(self.lists_of(task)):
                checklist = Checklist.from_pack(rule, position=position)
                checklist.task_id = made[task.key].id
                lists.append(checklist)
        _insert(lists)
        places = select(Checklist.task_id, Checklist.position, Checklist.id).join(Checklist.task)
        rows = db.session.execute(places.where(Task.project_id == project.id))
        ids = {(task_id, position): list_id for task_id, position, list_id in rows}
        items = []
        for checklist in lists:
            for item in checklist.items:
                item.checklist_id = ids[checklist.task_id, checklist.position]
                items.append(item)
        _insert(items)

    def _task(self, project: Project, task: packs.Task, number: int) -> Task:
        span = self.spans.get(task.key)
        start_at, due_at = self.times.get(task.key, (None, None))
        owner, platforms = self.owner_of(task), project.platforms
        row = Task(
            workspace_id=project.workspace_id,
            project_id=project.id,
            number=number,
            key=task.key,
            position=number * GAP,
            revision=project.revision,
            owner=owner,
            owner_id=owner.id,
            title_zh=task.title_zh,
            title_en=task.title_en if task.title_en != task.title_zh else None,
            brief_zh=task.note_zh,
            brief_en=task.note_en,
            platform=platforms[0] if len(platforms) == 1 and platforms[0] in PLATFORM_KEYS else None,
            start_on=span and span.start,
            due_on=span and span.finish,
            start_at=start_at,
            due_at=due_at,
            blocking=task.blocking,
            milestone=task.milestone,
            role=task.role,
            unassigned=self.is_unassigned(task),
            duration=task.duration,
            elapsed_days=task.elapsed_calendar_days,
            offset_days=task.offset_calendar_days,
            start_rule=task.start,
            offset=task.offset if task.start == "fixed" else None,
            optional=task.optional,
            waiting=task.waiting,
            counterpart_timezone=task.counterpart_tz,
            deliverable_zh=task.deliverable_zh,
            deliverable_en=task.deliverable_en,
            remind_before=None if task.remind_before is None else [*task.remind_before],
            check_count=sum(len(each.items) for each in self.lists_of(task)),
        )
        row.set_deadline()
        return row

    def _add_people(self, project: Project, made: dict[str, Task], by: User) -> None:
        """Who owns a task takes part, and is told once. Creators take part in single tasks only."""
        members = {member.user_id for member in project.members}
        told: set[int] = set()
        if self.owner.id not in members:
            project.add_member(self.owner, by=by)
            members.add(self.owner.id)
        for task in sorted(made.values(), key=lambda task: task.milestone):  # of work the person hears first
            person = task.owner
            membership = person.membership_in(project.workspace_id)
            if person.id not in members and membership and membership.role != "creator":
                project.add_member(person, by=by)
                members.add(person.id)
            waits = task.unassigned and not task.due_at  # for somebody who is given it; an hour waits for nobody
            if person.id not in told and not waits and project.draft_of_id is None:
                notify(person, "staffed", by=by, task=task)
                told.add(person.id)

    def _add_children(self, project: Project, made: dict[str, Task], by: User, change: str) -> None:
        makers = [task for task in self.tasks.values() if task.creates_subproject_from]
        for sub, launch in self.children:
            anchor = launch.anchor if isinstance(launch.anchor, date) else None
            values = launch.values
            code = next_code(self.workspace_id, platforms=values["platforms"], anchor=anchor, word=self.values["key"])
            child = replace(launch, values={**values, "code": code}).create(by=by, change=change)
            child.parent = project
            maker = next((task for task in makers if task.creates_subproject_from == sub.template), None)
            if maker:
                makers.remove(maker)
                made[maker.key].subproject = child


def _insert(records: Sequence[Base]) -> None:
    """What was set of them, in one statement; the session does not come to know them."""
    if records:
        columns = inspect(type(records[0])).column_attrs.keys()
        rows = [{name: value for name, value in vars(record).items() if name in columns} for record in records]
        db.session.execute(insert(type(records[0])).execution_options(render_nulls=True), rows)


def _joined(name: str | None, part: str) -> str | None:
    return f"{name[: 117 - len(part)]} · {part}" if name else None
