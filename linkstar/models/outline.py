"""A project told as a template: relative dates, roles for people, what waits for what, the lists; no comments, no
actual dates, nothing ticked."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from linkstar import packs
from linkstar.extensions import db
from linkstar.models.calendar_day import calendars_of
from linkstar.models.checklist import Checklist, ChecklistItem
from linkstar.models.dependency import Dependency
from linkstar.models.phase import Phase
from linkstar.models.project import REMIND_BEFORE, Project
from linkstar.models.stage import Stage
from linkstar.models.task import Task
from linkstar.models.template import Template, packs_of
from linkstar.models.user import User
from linkstar.planning.working_days import WorkingDays

GENERAL = {"key": "general", "name_zh": "其他", "name_en": "Other"}
CARRIED = ("description_zh", "description_en", "scheduling", "variant_of", "variables", "closing_kpis", "subprojects")
CARRIED_BY_DRAFTS = ("applies_to", "owner_role")
CARRIED_BY_TASKS = ("creates_subproject_from",)
CARRIED_BY_ITEMS = ("lead_time_days", "note")


class Outline:
    """`roles`, `dependencies` and `checklists` say what is told besides the tasks. What a project has no place for
    (description, key figures, sub-projects …) is carried over from the template that it was made from."""

    def __init__(
        self, project: Project, *, roles: bool = True, dependencies: bool = True, checklists: bool = True
    ) -> None:
        self.project = project
        self.with_roles, self.with_dependencies, self.with_checklists = roles, dependencies, checklists
        version = project.template_version
        self.origin: Mapping[str, Any] = version.content if version else {}
        self.origin_tasks = {task["key"]: task for phase in self.origin.get("phases", ()) for task in phase["tasks"]}
        self.origin_lists = {each["key"]: each for each in self.origin.get("checklists", ())}
        self.calendars: dict[str, WorkingDays] = calendars_of(project.workspace_id)
        query = (
            select(Task)
            .where(Task.project_id == project.id, Task.trashed_at.is_(None))
            .options(selectinload(Task.checklists).selectinload(Checklist.items), selectinload(Task.owner))
            .options(selectinload(Task.partner), selectinload(Task.counterpart))
            .order_by(Task.position)
        )
        self.tasks = {task.id: task for task in db.session.scalars(query)}
        here = select(Task.id).where(Task.project_id == project.id)
        links = db.session.scalars(
            select(Dependency).where(Dependency.successor_id.in_(here)).order_by(Dependency.predecessor_id)
        )
        self.links: dict[int, list[Dependency]] = {}
        for link in links:
            if link.predecessor_id in self.tasks and link.successor_id in self.tasks:
                self.links.setdefault(link.successor_id, []).append(link)
        self.keys = self._keys()
        self.lists: dict[str, dict[str, Any]] = {}

    @property
    def owners(self) -> dict[str, User]:
        """Task key → its owner, for a copy that keeps its people."""
        return {self.keys[task.id]: task.owner for task in self.tasks.values()}

    def save_as_template(self, *, by: User, name_zh: str | None, name_en: str | None) -> Template:
        """Raises packs.PackFault where the project's plan makes no template."""
        workspace_id, word = self.project.workspace_id, f"own_{self.project.key.lower()}"
        taken = set(db.session.scalars(select(Template.key).where(Template.workspace_id == workspace_id)))
        key = next(key for number in count(1) if (key := f"{word}_{number}") not in taken)
        told = self.document(key=key, name_zh=name_zh, name_en=name_en)
        content = packs.document(packs.template_from(told, name_zh or name_en or key, packs_of(workspace_id)))
        template = Template(workspace_id=workspace_id, key=key, owner=by)
        db.session.add(template)
        template.publish(content, by=by)
        return template

    def document(self, *, key: str, name_zh: str | None, name_en: str | None) -> dict[str, Any]:
        """The project as packs.template_from() reads it."""
        phases = self._phases()
        anchor = self._anchor(phases)
        document: dict[str, Any] = {
            "key": key,
            **_both("name", name_zh, name_en),
            "applies_to": self._applies_to(),
            "unit": self.project.unit,
            "anchor": anchor,
            "owner_role": _role_of(self.project.owner, self.project),
            "stages": self._stages(),
            "phases": phases,
            "checklists": list(self.lists.values()),
        }
        if self.project.remind_before != [*REMIND_BEFORE]:
            document["remind_before"] = self.project.remind_before
        names = CARRIED + (CARRIED_BY_DRAFTS if self.project.draft_of_id else ())
        return document | {name: self.origin[name] for name in names if name in self.origin}

    def _applies_to(self) -> dict[str, Any]:
        project = self.project
        return {
            "platforms": project.platforms or ["all"],
            "categories": project.categories or ["all"],
            "content_types": project.content_types or [],
        }

    def _phases(self) -> list[dict[str, Any]]:
        phases = [
            {
                "key": _phase_key(phase),
                **_both("name", phase.name_zh, phase.name_en),
                "waits_for": [_phase_key(awaited) for awaited in phase.awaited] if self.with_dependencies else [],
                "tasks": [self._task(task) for task in self.tasks.values() if task.phase_id == phase.id],
            }
            for phase in self.project.phases
        ]
        if loose := [self._task(task) for task in self.tasks.values() if task.phase_id is None]:
            self._general(phases)["tasks"] += loose
        return phases

    @staticmethod
    def _general(phases: list[dict[str, Any]]) -> dict[str, Any]:
        """The phase of what has none."""
        found = next((phase for phase in phases if phase["key"] == GENERAL["key"]), None)
        if found is None:
            found = {**GENERAL, "tasks": []}
            phases.append(found)
        return found

    def _keys(self) -> dict[int, str]:
        """One key a task; what was copied within the project gets one of its own."""
        keys: dict[int, str] = {}
        taken = {task.key for task in self.tasks.values() if task.key}
        used: set[str] = set()
        for task in self.tasks.values():
            key, number = task.key, task.number
            if not key or key in used:
                key = f"task_{number}"
                while key in taken or key in used:
                    number += 1000
                    key = f"task_{number}"
            keys[task.id] = key
            used.add(key)
        return keys

    def _anchor(self, phases: list[dict[str, Any]]) -> dict[str, Any]:
        """The task that stands on the anchor day; a project that has none gets an event which all before it lead to."""
        project, key = self.project, self.project.anchor_key
        names = (project.anchor_name_zh or "发布日", project.anchor_name_en or "Launch day")
        if key not in self.keys.values():
            key = self._event(phases, *names)
        usual = "launch_day" if project.unit == "working_day" else "incident_time"
        kind = self.origin.get("anchor", {}).get("type", usual)
        return {"type": kind, "task": key, **_both("name", *names)}

    def _event(self, phases: list[dict[str, Any]], name_zh: str, name_en: str) -> str:
        project = self.project
        key = next(name for name in ("anchor", f"anchor_{project.id}") if name not in self.keys.values())
        leads_on = {link.predecessor_id for links in self.links.values() for link in links}
        before = [
            self.keys[task.id]
            for task in self.tasks.values()
            if task.id not in leads_on and not (project.anchor_on and task.due_on and task.due_on > project.anchor_on)
        ]
        event = {
            "key": key,
            **_both("title", name_zh, name_en),
            "role": _role_of(project.owner, project),
            "duration": 0,
            "depends_on": before if self.with_dependencies else [],
            "blocking": False,
            "milestone": True,
        }
        (phases[-1] if phases else self._general(phases))["tasks"].append(event)
        return key

    def _task(self, task: Task) -> dict[str, Any]:
        values: dict[str, Any] = {
            "key": self.keys[task.id],
            **_both("title", task.title_zh, task.title_en),
            "role": self._role(task),
            "duration": self._duration(task),
            "depends_on": [
                {"task": self.keys[link.predecessor_id], "lag": link.lag}
                for link in (self.links.get(task.id, ()) if self.with_dependencies else ())
            ],
            "blocking": task.blocking,
            "milestone": task.milestone,
            "optional": task.optional,
            "waiting": task.waiting,
            "checklists": self._lists_on(task),
        }
        origin = self.origin_tasks.get(values["key"], {})
        values |= {name: origin[name] for name in CARRIED_BY_TASKS if name in origin}
        for name, value in (
            ("elapsed_calendar_days", task.elapsed_days),
            ("offset_calendar_days", task.offset_days),
            ("counterpart_tz", task.other_side and task.other_side.timezone),
            ("remind_before", task.remind_before),
        ):
            if value is not None:
                values[name] = value
        for name, zh, en in (
            ("deliverable", task.deliverable_zh, task.deliverable_en),
            ("note", task.brief_zh, task.brief_en),
        ):
            if zh or en:
                values |= _both(name, zh, en)
        return values | self._start(task)

    def _role(self, task: Task) -> str:
        if self.with_roles:
            return task.role or _role_of(task.owner, self.project)
        return _role_of(self.project.owner, self.project)

    def _start(self, task: Task) -> dict[str, Any]:
        if self.keys[task.id] == self.project.anchor_key:
            return {}
        if task.start_rule == "as_late_as_possible":
            return {"start": "as_late_as_possible"}
        if task.start_rule == "fixed":
            exact = task.offset is None and task.offset_days is not None
            return {"start": "fixed"} if exact else {"start": "fixed", "offset": task.offset or 0}
        anchor = self.project.anchor_on
        if (task.start_rule == "by_hand" or task.duration is None) and anchor and task.due_on:
            return {"start": "fixed", "offset": self._distance(task, anchor, task.start_on or task.due_on)}
        return {}

    def _duration(self, task: Task) -> float:
        if task.duration is not None and task.start_rule != "by_hand":
            return task.duration
        if not task.due_on:
            return task.duration or 1
        return max(1, self._distance(task, task.start_on or task.due_on, task.due_on + timedelta(days=1)))

    def _distance(self, task: Task, first: date, last: date) -> int:
        """From one day to the other in the project's unit."""
        if self.project.unit == "hour":
            return (last - first).days * 24
        return self.calendars[task.owner.country].count(first, last)

    def _lists_on(self, holder: Task | Stage) -> list[str]:
        if not self.with_checklists:
            return []
        return [self._list(checklist) for checklist in holder.checklists if checklist.items]

    def _stages(self) -> list[dict[str, Any]]:
        """Nothing where they are the usual ones."""
        stages = self.project.stages
        guarded = self.with_checklists and any(stage.checklists for stage in stages)
        if not guarded and [_shape(stage) for stage in stages] == [_shape(stage) for stage in Stage.usual()]:
            return []
        return [self._stage(stage) for stage in stages]

    def _stage(self, stage: Stage) -> dict[str, Any]:
        return {
            "key": stage.key or f"stage_{stage.id}",
            "kind": stage.kind,
            **_both("name", stage.name_zh, stage.name_en),
            **({"wip_limit": stage.wip_limit} if stage.wip_limit else {}),
            "checklists": self._lists_on(stage),
        }

    def _list(self, checklist: Checklist) -> str:
        """Puts the list into the document and returns its key there."""
        key = checklist.key or f"list_{checklist.id}"
        own: dict[str, Any] = {
            "key": key,
            **_both("title", checklist.title_zh or "检查清单", checklist.title_en or "Checklist"),
        }
        origin = self.origin_lists.get(key, {})
        known = {item["key"]: item for item in origin.get("items", ())}
        own["items"] = [_item(item, known.get(item.key or "", {})) for item in checklist.items]
        own |= {name: value for name, value in (checklist.source or {}).items() if value is not None}
        own = {**{name: value for name, value in origin.items() if name not in own}, **own}
        if key in self.lists and self.lists[key] != own:
            key = own["key"] = f"list_{checklist.id}"
        self.lists[key] = own
        return key


def _phase_key(phase: Phase) -> str:
    return phase.key or f"phase_{phase.id}"


def _shape(stage: Stage) -> tuple[Any, ...]:
    return stage.kind, stage.name_zh, stage.name_en, stage.wip_limit


def _item(item: ChecklistItem, origin: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        "key": item.key or f"item_{item.id}",
        "zh": item.text_zh or item.text_en,
        "en": item.text_en or item.text_zh,
        "level": "required" if item.required else "advisory",
        "evidence": item.evidence_kind,
        "evidence_zh": item.hint_zh,
        "evidence_en": item.hint_en,
        "citation": item.citation,
        **{name: origin.get(name) for name in CARRIED_BY_ITEMS},
    }
    return {name: value for name, value in values.items() if value is not None}


def _both(name: str, zh: str | None, en: str | None) -> dict[str, str]:
    """A template speaks both languages; what was written in one only stands for both."""
    return {f"{name}_zh": zh or en or "", f"{name}_en": en or zh or ""}


def _role_of(person: User, project: Project) -> str:
    membership = person.membership_in(project.workspace_id)
    return membership.role if membership else "pmo"
