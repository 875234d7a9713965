"""The automations of a workspace, as one reader may know them: each as a sentence, what it did, and what there is to
choose from."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from linkstar import packs
from linkstar.extensions import db
from linkstar.i18n import _, _l, both, in_language, ngettext
from linkstar.models import (
    PLATFORMS,
    PRIORITIES,
    ROLES,
    AuditEvent,
    Automation,
    AutomationRun,
    Channel,
    Emergency,
    Inlet,
    Label,
    Membership,
    Missing,
    Phase,
    Project,
    Stage,
    Task,
    User,
    library_of,
)
from linkstar.models.deed import ROLE
from linkstar.models.missing import PERSON
from linkstar.models.role import EXTERNAL_ROLES
from linkstar.models.stage import KINDS
from linkstar.planning.automating import Part
from linkstar.reports.history import Names
from linkstar.words import (
    ROLE_NAMES,
    STAGE_KINDS,
    platform_name,
    priority_name,
    quoted,
    severity_name,
    trigger_name,
)

PAGE = 50
MOST_NAMES = 300
Option = tuple[str, str]
WHY_NOT = {  # why a run did not do what it was to do
    "loop": _l("Automations set each other going in a circle. It was switched off."),
    "often": _l("It ran more than 100 times within an hour. It was switched off."),
    "off": _l("It was switched off before its turn came."),
    "changed": _l("It was changed before its turn came."),
    "names_gone": _l("It names something that is gone. It was switched off."),
    "declared": _l("The emergency that it declared about this before is still open; it declares no second one."),
    "playbook": _l("It belongs to the playbook of an emergency, about which it declares no other one."),
    "rights_lost": _l("Its owner may not do this any more."),
    "gone": _l("What it is about is gone."),
    "no_task": _l("There is no task that it could do this to."),
    "no_project": _l("It is about no project."),
    "no_stage": _l("The project has no such stage."),
    "nobody": _l("Nobody in the project is meant by this."),
    "no_anchor": _l("The project has no launch day."),
    "dates_crossed": _l("The due day would be before the start day."),
    "no_list": _l("The checklist is not in the library any more."),
    "no_channel": _l("The channel is switched off, or may not tell of this."),
    "broken": _l("Something broke on our side. Nothing was changed."),
    "NotAllowed": _l("Its owner may not do this."),
    "DayPassed": _l("The project's launch day would be a day that has passed."),
    "OutOfRange": _l("The day would be too far away."),
    "MoveRefused": _l("Something holds the task back."),
}


class Automations:
    """Those that run over what the reader sees, without those that name a project that the reader does not see."""

    def __init__(self, reader: User, workspace_id: int) -> None:
        self.reader, self.workspace_id = reader, workspace_id

    @cached_property
    def all(self) -> list[Automation]:
        return self._read(self._query())

    def one(self, automation_id: int) -> Automation | None:
        return next(iter(self._read(self._query().where(Automation.id == automation_id))), None)

    def _query(self) -> Select[Automation]:
        here = select(Automation).where(Automation.workspace_id == self.workspace_id, Automation.seen_by(self.reader))
        owner = joinedload(Automation.owner)
        return here.options(owner, joinedload(Automation.project)).order_by(Automation.id.desc())

    def _read(self, query: Select[Automation]) -> list[Automation]:
        found = list(db.session.scalars(query).unique())
        if not any(each.project_keys for each in found):
            return found
        seen = {str(key) for key in db.session.scalars(Project.visible_to(self.reader).with_only_columns(Project.id))}
        membership = self.reader.membership_in(self.workspace_id)
        if membership and membership.keeps_workspace:  # who looks after it mends what names a project that is gone
            here = select(Project.id).where(Project.workspace_id == self.workspace_id, Project.trashed_at.is_(None))
            living = {str(key) for key in db.session.scalars(here)}
            seen |= {key for each in found for key in each.project_keys - living}
        return [each for each in found if each.project_keys <= seen]

    @cached_property
    def wording(self) -> "Wording":
        return Wording(self.workspace_id, self.all)

    @cached_property
    def missing(self) -> Missing:
        return Missing(self.workspace_id, self.all)


class Choices:
    """What a part can name: of the workspace or, for an automation of one project, of that; as far as the person who
    writes it sees it. Each list is looked up when somebody asks for it."""

    def __init__(self, writer: User, workspace_id: int, project: Project | None) -> None:
        self.writer, self.workspace_id, self.project = writer, workspace_id, project

    def of(self, place: str, kind: str) -> list[Option]:
        match place, kind:
            case "trigger", "moved":
                return [("", _("any stage")), *self.stages]
            case "trigger", "date":
                return [
                    ("due:before", _("before the due day of a task")),
                    ("due:after", _("after the due day of a task")),
                    ("anchor:before", _("before the launch day of a project")),
                    ("anchor:after", _("after the launch day of a project")),
                ]
            case "trigger", "webhook":
                return self.inlets
            case "conditions", "owner":
                return [(str(each.id), each.name) for each in self._known]
            case "conditions", "role":
                return [(key, str(ROLE_NAMES[key])) for key in ROLES]
            case "actions", "due":
                return [
                    ("today:after", _("after the day it runs")),
                    ("anchor:before", _("before the launch day of the project")),
                    ("anchor:after", _("after the launch day of the project")),
                ]
            case "actions", "assign":
                return self.people
            case "actions", "create" | "notify":
                return [("task_owner", _("the task’s owner")), *self.people]
        return {
            "move": lambda: self.stages, "project": lambda: self.projects, "phase": lambda: self.phases,
            "platform": lambda: [(key, platform_name(key)) for key in PLATFORMS],
            "priority": lambda: [(key, priority_name(key)) for key in PRIORITIES],
            "label": lambda: self.labels, "checklist": lambda: self.checklists, "post": lambda: self.channels,
            "declare": lambda: [(key, trigger_name(key)) for key in packs.emergency_flow().trigger_keys],
        }.get(kind, list)()  # fmt: skip

    @cached_property
    def stages(self) -> list[Option]:
        kinds = [(f"kind:{kind}", _("the kind “%(kind)s”", kind=STAGE_KINDS[kind])) for kind in KINDS]
        return kinds + self._named(Stage)

    @cached_property
    def phases(self) -> list[Option]:
        return self._named(Phase)

    def _named(self, model: Any) -> list[Option]:
        projects = [self.project.id] if self.project else self._projects.with_only_columns(Project.id)
        query = select(model.name_zh, model.name_en, model.position).where(model.project_id.in_(projects))
        names: dict[str, str] = {}
        for row in db.session.execute(query.order_by(model.position, model.id).limit(MOST_NAMES * 10)):
            names.setdefault(f"name:{row.name_zh or row.name_en}", in_language(row.name_zh, row.name_en))
        return list(names.items())[:MOST_NAMES]

    @property
    def _projects(self) -> Select[Project]:
        here = Project.workspace_id == self.workspace_id, Project.id.not_in(Project.drafts())
        return Project.visible_to(self.writer).where(*here)

    @cached_property
    def projects(self) -> list[Option]:
        if self.project:
            return [(str(self.project.id), both(self.project, "name"))]
        return [(str(each.id), both(each, "name")) for each in db.session.scalars(self._projects.order_by(Project.id))]

    @cached_property
    def _members(self) -> list[Membership]:
        query = (
            select(Membership).join(Membership.user).where(Membership.workspace_id == self.workspace_id, User.active)
        )
        return list(db.session.scalars(query.options(contains_eager(Membership.user)).order_by(Membership.id)))

    @cached_property
    def people(self) -> list[Option]:
        roles = [
            (ROLE + key, _("%(role)s in the project", role=ROLE_NAMES[key]))
            for key in ROLES
            if key not in EXTERNAL_ROLES
        ]
        named = [(f"{PERSON}{each.id}", each.name) for each in self._known]
        return [("project_owner", _("the project’s owner")), *roles, *named]

    @property
    def _known(self) -> list[User]:
        """Who owns tasks, as far as the writer may know."""
        if self.project:
            return self.project.people_for(self.writer)
        return [each.user for each in self._members if not each.external]

    @cached_property
    def labels(self) -> list[Option]:
        query = select(Label.name).where(Label.workspace_id == self.workspace_id).order_by(Label.name)
        return [(name, name) for name in db.session.scalars(query.limit(MOST_NAMES))]

    @cached_property
    def checklists(self) -> list[Option]:
        return [(key, both(rule, "title")) for key, rule in library_of(self.workspace_id).items()]

    @cached_property
    def channels(self) -> list[Option]:
        """Those that people made; what a program subscribed to is its own."""
        here = Channel.workspace_id == self.workspace_id, Channel.active, ~Channel.drills, Channel.token_id.is_(None)
        mine = Channel.visible_to(self.writer).where(*here)
        return [(str(each.id), each.name) for each in db.session.scalars(self._of_project(mine, Channel))]

    @cached_property
    def inlets(self) -> list[Option]:
        here = select(Inlet).where(Inlet.workspace_id == self.workspace_id, Inlet.purpose == "automation")
        return [(str(each.id), each.name) for each in db.session.scalars(self._of_project(here, Inlet))]

    def _of_project(self, query: Any, model: Any) -> Any:
        if self.project:
            query = query.where(or_(model.project_id.is_(None), model.project_id == self.project.id))
        return query.order_by(model.id)


class Wording:
    """Automations in words, in the reader's language; the names in all of them by a flat number of queries."""

    def __init__(self, workspace_id: int, automations: Iterable[Automation]) -> None:
        self.workspace_id = workspace_id
        self._parts = [part for each in automations for part in each.parts]

    def sentence(self, automation: Automation) -> str:
        when, then = self.when(automation.trigger), self.then(automation)
        conditions = _(" and ").join(self.condition(each) for each in automation.conditions)
        if conditions:
            return _("When %(when)s and if %(conditions)s: %(then)s.", when=when, conditions=conditions, then=then)
        return _("When %(when)s: %(then)s.", when=when, then=then)

    def part(self, automation: Automation, part: Part) -> str:
        if part is automation.trigger:
            return self.when(part)
        return self.action(part) if any(part is each for each in automation.actions) else self.condition(part)

    def then(self, automation: Automation) -> str:
        return _(", then ").join(self.action(each) for each in automation.actions)

    def when(self, part: Part) -> str:
        match part["kind"]:
            case "moved" if part["choice"]:
                return _("a task enters “%(stage)s”", stage=self._stage(part["choice"]))
            case "moved":
                return _("a task moves to another stage")
            case "late":
                return _("a task becomes late")
            case "gate":
                return _("a task passes its gate")
            case "ticked" if part.get("text"):
                return _("a checklist item with “%(text)s” in it is ticked", text=part["text"])
            case "ticked":
                return _("a checklist item is ticked")
            case "complete":
                return _("all checklist items of a task are ticked")
            case "webhook":
                return _("a message comes in at “%(inlet)s”", inlet=self._record(Inlet, part["choice"]))
        return _day_words(part)

    def condition(self, part: Part) -> str:
        choice = part.get("choice") or ""
        match part["kind"]:
            case "project":
                return _("the project is “%(name)s”", name=self._record(Project, choice))
            case "phase":
                return _("the phase is “%(name)s”", name=self._by_name(Phase, choice))
            case "role":
                return _("its owner’s role is %(role)s", role=ROLE_NAMES.get(choice, choice))
            case "platform":
                return _("the platform is %(platform)s", platform=platform_name(choice))
            case "owner":
                return _("it belongs to %(name)s", name=self._record(User, choice))
            case "priority":
                return _("the priority is %(priority)s", priority=priority_name(choice))
            case "label":
                return _("it has the label “%(label)s”", label=choice)
            case "blocking":
                return _("it blocks the tasks after it")
            case "milestone":
                return _("it is a milestone")
        return _("its title has “%(text)s” in it", text=part["text"])

    def action(self, part: Part) -> str:
        choice = part.get("choice") or ""
        match part["kind"]:
            case "move":
                return _("move it to “%(stage)s”", stage=self._stage(choice))
            case "assign":
                return _("give it to %(person)s", person=self._person(choice))
            case "due":
                return _due_words(part)
            case "checklist":
                rule = library_of(self.workspace_id).get(choice)
                return _("add the checklist “%(list)s”", list=both(rule, "title") if rule else choice)
            case "create":
                title, person = in_language(part.get("text"), part.get("text_en")), self._person(choice)
                if part.get("days") is None:
                    return _("add the task “%(title)s” for %(person)s", title=title, person=person)
                return ngettext(
                    "add the task “%(title)s” for %(person)s, due in %(num)s working day",
                    "add the task “%(title)s” for %(person)s, due in %(num)s working days",
                    part["days"],
                    title=title,
                    person=person,
                )
            case "notify":
                return _("tell %(person)s “%(text)s”", person=self._person(choice), text=part["text"])
            case "declare":
                severity = severity_name(part["severity"])
                return _(
                    "declare an emergency “%(trigger)s” (%(severity)s)", trigger=trigger_name(choice), severity=severity
                )
        return _("post it to the channel “%(channel)s”", channel=self._record(Channel, choice))

    # names

    def _stage(self, choice: str) -> str:
        if choice.startswith("kind:"):
            return str(STAGE_KINDS[choice.removeprefix("kind:")])
        return self._by_name(Stage, choice)

    def _by_name(self, model: Any, choice: str) -> str:
        name = choice.removeprefix("name:")
        return self._bilingual.get((model, name), name)

    def _person(self, choice: str) -> str:
        if choice == "project_owner":
            return _("the project’s owner")
        if choice == "task_owner":
            return _("the task’s owner")
        if choice.startswith(ROLE):
            role = choice.removeprefix(ROLE)
            return _("%(role)s in the project", role=ROLE_NAMES.get(role, role))
        return self._record(User, choice.removeprefix(PERSON))

    def _record(self, model: Any, key: str) -> str:
        return self._names.get((model, key)) or "…"

    @cached_property
    def _bilingual(self) -> dict[tuple[Any, str], str]:
        found = {}
        for model, kinds in ((Stage, ("moved", "move")), (Phase, ("phase",))):
            names = {name.removeprefix("name:") for name in self._choices(kinds) if name.startswith("name:")}
            called = or_(model.name_zh.in_(names), model.name_en.in_(names))
            here = select(Project.id).where(Project.workspace_id == self.workspace_id)
            query = select(model.name_zh, model.name_en).where(model.project_id.in_(here), called).distinct()
            for row in db.session.execute(query) if names else ():
                for name in {row.name_zh, row.name_en} - {None}:
                    found[model, name] = in_language(row.name_zh, row.name_en)
        return found

    @cached_property
    def _names(self) -> dict[tuple[Any, str], str]:
        people = {each.removeprefix(PERSON) for each in self._choices(("assign", "create", "notify", "owner"))}
        wanted: dict[Any, set[str]] = {
            Project: self._choices(("project",)), User: people, Channel: self._choices(("post",)),
            Inlet: self._choices(("webhook",)),
        }  # fmt: skip
        found = {}
        for model, keys in wanted.items():
            ids = {int(key) for key in keys if key.isdigit()}
            columns = (model.name_zh, model.name_en) if model is Project else (model.name,)
            for row in db.session.execute(select(model.id, *columns).where(model.id.in_(ids))) if ids else ():
                found[model, str(row[0])] = in_language(*row[1:]) if model is Project else row[1]
        return found

    def _choices(self, kinds: tuple[str, ...]) -> set[str]:
        return {part["choice"] for part in self._parts if part["kind"] in kinds and part.get("choice")}


def _day_words(part: Part) -> str:
    days, (base, side) = part["days"], part["choice"].split(":")
    match base, side if days else None:
        case "due", "before":
            return ngettext("a task is due in %(num)s day", "a task is due in %(num)s days", days)
        case "due", "after":
            return ngettext("a task was due %(num)s day ago", "a task was due %(num)s days ago", days)
        case "due", _:
            return _("a task is due on that day")
        case _, "before":
            return ngettext("the launch day is in %(num)s day", "the launch day is in %(num)s days", days)
        case _, "after":
            return ngettext("the launch day was %(num)s day ago", "the launch day was %(num)s days ago", days)
    return _("the launch day has come")


def _due_words(part: Part) -> str:
    days, (base, side) = part["days"], part["choice"].split(":")
    match base, side if days else None:
        case "today", None:
            return _("make it due on the same day")
        case "today", _:
            return ngettext(
                "make it due %(num)s working day later", "make it due %(num)s working days later", days
            )  # fmt: skip
        case _, "before":
            return ngettext(
                "make it due %(num)s working day before the launch day",
                "make it due %(num)s working days before the launch day",
                days,
            )
        case _, "after":
            return ngettext(
                "make it due %(num)s working day after the launch day",
                "make it due %(num)s working days after the launch day",
                days,
            )
    return _("make it due on the launch day")


class Runs:
    """What an automation did, the newest first; of tasks and projects that the reader does not see, nothing."""

    def __init__(self, automation: Automation, reader: User, before: int | None = None) -> None:
        self.automation, self.reader, self.before = automation, reader, before

    @cached_property
    def _found(self) -> list[AutomationRun]:
        seen = select(Task.id).where(Task.seen_by(self.reader)).correlate(None)
        projects = Project.visible_to(self.reader).with_only_columns(Project.id).correlate(None)
        aboutless = and_(AutomationRun.task_id.is_(None), AutomationRun.project_id.is_(None))
        shown = or_(
            AutomationRun.task_id.in_(seen),
            and_(AutomationRun.task_id.is_(None), AutomationRun.project_id.in_(projects)),
            aboutless,
        )
        query = select(AutomationRun).where(AutomationRun.automation_id == self.automation.id, shown)
        if self.before:
            query = query.where(AutomationRun.id < self.before)
        about = joinedload(AutomationRun.task).joinedload(Task.owner), joinedload(AutomationRun.project)
        query = query.options(*about).order_by(AutomationRun.id.desc()).limit(PAGE + 1)
        return list(db.session.scalars(query).unique())

    @property
    def rows(self) -> list[AutomationRun]:
        return self._found[:PAGE]

    @property
    def older(self) -> int | None:
        return self._found[PAGE - 1].id if len(self._found) > PAGE else None

    @cached_property
    def names(self) -> Names:
        return Names([event for events in self._events.values() for event in events], self.reader)

    def events(self, run: AutomationRun) -> list[AuditEvent]:
        """What it changed, as far as the reader sees it; of an emergency that it declared, that alone: what came of
        it stands on the emergency's own page."""
        events = self._events.get(run.change or "", [])
        laid = {event.project_id for event in events if event.action == "emergency.declared"}
        told = [event for event in events if event.project_id not in laid and event.action != "emergency.held"]
        return [*told, *(event for event in events if event.action == "emergency.declared")] if laid else events

    @cached_property
    def emergencies(self) -> dict[int, int]:
        """The playbook's project → the emergency that it was laid for."""
        declared = [e for events in self._events.values() for e in events if e.action == "emergency.declared"]
        query = select(Emergency.project_id, Emergency.id).where(
            Emergency.seen_by(self.reader), Emergency.project_id.in_({event.project_id for event in declared})
        )
        return {project_id or 0: key for project_id, key in db.session.execute(query)} if declared else {}

    @cached_property
    def _events(self) -> dict[str, list[AuditEvent]]:
        changes = {run.change for run in self.rows if run.change}
        seen = or_(
            AuditEvent.task_id.is_(None), AuditEvent.task_id.in_(select(Task.id).where(Task.seen_by(self.reader)))
        )
        query = select(AuditEvent).where(AuditEvent.change.in_(changes), seen).order_by(AuditEvent.id)
        found: dict[str, list[AuditEvent]] = {}
        options = joinedload(AuditEvent.actor), joinedload(AuditEvent.task), joinedload(AuditEvent.project)
        for event in db.session.scalars(query.options(*options)).unique() if changes else ():
            found.setdefault(event.change, []).append(event)
        return found

    def why_not(self, run: AutomationRun) -> list[str]:
        """One sentence for each thing that was in its way; what the reader may not see is only said to be there."""
        if not run.trouble:
            return []
        trouble = run.trouble
        if trouble["why"] == "loop" and trouble.get("others"):
            return [_("It and %(others)s set each other off. All of them were switched off.",
                      others=quoted(trouble["others"]))]  # fmt: skip
        if trouble["why"] != "MoveRefused":
            return [str(WHY_NOT.get(trouble["why"], WHY_NOT["broken"]))]
        stage = in_language(**trouble["stage"])
        said = [_("It may not enter “%(stage)s” yet.", stage=stage)]
        said += [_("A task that has begun needs its due day.")] if trouble["due_on"] else []
        said += [_("On hold by an emergency.")] if trouble["emergencies"] else []
        said += [_("What it is done for has not been handed in.")] if trouble["deliverable"] else []
        blockers = [self._titles[key] for key in trouble["blockers"] if key in self._titles]
        said += [_("“%(task)s” must be done first.", task=title) for title in blockers]
        items = [
            each for each in trouble["items"] if each["task"] in (None, run.task_id) or each["task"] in self._titles
        ]
        said += [_("“%(item)s” is not ticked yet.", item=in_language(each["zh"], each["en"])) for each in items]
        if len(blockers) < len(trouble["blockers"]) or len(items) < len(trouble["items"]):
            said.append(_("Blocked by a restricted task"))
        return said

    @cached_property
    def _titles(self) -> dict[int, str]:
        troubles = [run.trouble for run in self.rows if run.trouble and run.trouble["why"] == "MoveRefused"]
        ids = {key for each in troubles for key in (*each["blockers"], *(item["task"] for item in each["items"]))}
        query = select(Task.id, Task.title_zh, Task.title_en).where(
            Task.seen_by(self.reader), Task.id.in_(ids - {None})
        )
        rows = db.session.execute(query) if ids - {None} else ()
        return {row.id: in_language(row.title_zh, row.title_en) for row in rows}
