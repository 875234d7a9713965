from collections.abc import Collection
from functools import cached_property
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import in_both, new_change, one_act
from linkstar.models.automation import Automation, AutomationRun
from linkstar.models.calendar_day import calendars_of
from linkstar.models.channel import Channel
from linkstar.models.checklist import Checklist
from linkstar.models.declaration import Declaration
from linkstar.models.emergency import Emergency
from linkstar.models.membership import Membership
from linkstar.models.missing import PERSON, Missing
from linkstar.models.notification import notify, notify_of_project
from linkstar.models.occasion import facts_of
from linkstar.models.project import Project
from linkstar.models.refusal import CannotAutomate, MoveRefused, NotAllowed, Refusal
from linkstar.models.stage import Stage
from linkstar.models.task import Task
from linkstar.models.template import library_of
from linkstar.models.user import User
from linkstar.planning.automating import Facts, Part, counted_from, is_stage
from linkstar.planning.working_days import OutOfRange

ROLE = "role:"


class Deed:
    """One run carried out: all of its actions or none, in the name and with the rights that the automation's owner has
    at this moment, through the same verbs as everybody's."""

    def __init__(self, run: AutomationRun) -> None:
        self.run, self.automation = run, run.automation
        self.by = self.automation.owner
        self.left: dict[str, Any] | None = None  # why one of the actions was left out

    @classmethod
    def carry_out(cls, run_id: int) -> None:
        cls(db.session.get_one(AutomationRun, run_id)).do()

    @staticmethod
    def give_up(run_id: int) -> None:
        """It broke on our side: what it did is undone, and it is not tried for ever."""
        run = db.session.get_one(AutomationRun, run_id)
        if run.claim():
            run.end("refused", {"why": "broken"})

    def do(self) -> None:
        """Claims the run and ends it; to be committed, or called again."""
        if not self.run.claim():
            return
        if not self.automation.active:
            self.run.end("stopped", {"why": "off"})
            return
        if self.automation.since and self.run.created_at < self.automation.since:
            self.run.end("stopped", {"why": "changed"})
            return
        if Missing(self.automation.workspace_id, [self.automation]).of(self.automation):
            self.automation.pause()
            self.run.end("stopped", {"why": "names_gone"})
            return
        change = new_change()
        try:
            with one_act(change, "automation"), db.session.begin_nested():
                self._refuse_without_rights()
                done = self._is_still_so and any([self._act(number) for number in range(len(self.automation.actions))])
        except (Refusal, OutOfRange) as refusal:
            self.run.end("refused", trouble_of(refusal))
            return
        self.run.change = change if done else None
        self.run.end("done" if done else "nothing", self.left)

    @property
    def _is_still_so(self) -> bool:
        if self.automation.project_id not in (None, self.project.id if self.project else None):
            return False
        facts = facts_of(self.task) if self.task else Facts(self.project.id if self.project else None)
        return facts.fulfil(self.automation.conditions)

    @cached_property
    def task(self) -> Task | None:
        return self.run.task

    @cached_property
    def project(self) -> Project | None:
        return self.task.project if self.task else self.run.project

    def _refuse_without_rights(self) -> None:
        """Who left, or does not keep it any more, does nothing; and nobody does anything to what he does not see."""
        if not self.automation.is_kept_by(self.by):
            raise CannotAutomate("rights_lost")
        if self.run.key.startswith(("event:", "late:", "due:")) and self.task is None:
            raise CannotAutomate("gone")
        if self.project:
            seen = Project.visible_to(self.by).where(Project.id == self.project.id)
            if db.session.scalar(seen) is None or self.project.draft_of_id:
                raise CannotAutomate("gone" if self.project.trashed_at else "rights_lost")
        if self.task and db.session.scalar(Task.visible_to(self.by).where(Task.id == self.task.id)) is None:
            raise CannotAutomate("gone" if self.task.trashed_at else "rights_lost")

    def _act(self, number: int) -> bool:
        """Does one of the actions; False where it was so already."""
        action = self.automation.actions[number]
        match action["kind"]:
            case "move":
                return self._move(action)
            case "assign":
                return self._edit({"owner_id": self._people(action["choice"])[0].id})
            case "due":
                return self._set_due(action)
            case "checklist":
                return self._add_list(action)
            case "create":
                return self._create(action)
            case "notify":
                return self._notify(action)
            case "post":
                return self._post(action, number)
            case "declare":
                return self._declare(action)
        raise CannotAutomate("gone")

    def _task_for(self, permission: str) -> Task:
        if self.task is None:
            raise CannotAutomate("no_task")
        if not self.task.allows(self.by, permission):
            raise NotAllowed(permission)
        return self.task

    @property
    def _its_project(self) -> Project:
        if self.project is None:
            raise CannotAutomate("no_project")
        return self.project

    def _move(self, action: Part) -> bool:
        task = self._task_for("move")
        stage = stage_for(action["choice"], task.project.stages, task.stage)
        if stage is None:
            raise CannotAutomate("no_stage")
        if stage.id == task.stage_id:
            return False
        task.move_to(by=self.by, to={"stage": stage})
        return True

    def _edit(self, values: dict[str, Any]) -> bool:
        return self._task_for("edit").edit(values, by=self.by) is not None

    def _set_due(self, action: Part) -> bool:
        task = self._task_for("edit")
        today = clock.today(ZoneInfo(task.owner.timezone))
        name, days = counted_from(action)
        base = today if name == "today" else task.project.anchor_on
        if base is None:
            raise CannotAutomate("no_anchor")
        due_on = self._calendar(task.owner).shift(base, days)
        if task.start_on and task.start_on > due_on:
            raise CannotAutomate("dates_crossed")
        return self._edit({"due_on": due_on})

    def _calendar(self, person: User) -> Any:
        return calendars_of(self.automation.workspace_id)[person.country]

    def _add_list(self, action: Part) -> bool:
        task = self._task_for("edit")
        if any(each.key == action["choice"] for each in task.checklists):
            return False
        rule = library_of(task.workspace_id).get(action["choice"])
        if rule is None:
            raise CannotAutomate("no_list")
        Checklist.attach(rule, task, by=self.by)
        return True

    def _create(self, action: Part) -> bool:
        project = self._its_project
        if not project.allows(self.by, "create"):
            raise NotAllowed("create")
        owner = self._people(action["choice"])[0]
        if all(each.id != owner.id for each in project.people()):  # who owns a task, but no other
            raise CannotAutomate("nobody")
        today = clock.today(ZoneInfo(owner.timezone))
        due_on = None if action.get("days") is None else self._calendar(owner).shift(today, action["days"])
        titles = {"title_zh": action.get("text"), "title_en": action.get("text_en")}
        source = "zh" if action.get("text") else "en"
        Task.create(
            project, by=self.by, stage=project.stages[0], owner=owner, due_on=due_on, source_language=source, **titles
        )
        return True

    def _notify(self, action: Part) -> bool:
        """Also to the automation's owner: it was not the owner who did something, but the program. What the automation
        is called is told to nobody outside the workspace."""
        for person in self._people(action["choice"]):
            name = self.automation.name if person.is_inside(self.automation.workspace_id) else ""
            fields = [name, action["text"]]
            if self.task:
                notify(person, "automation", by=None, task=self.task, fields=fields)
            else:
                notify_of_project(person, "automation", by=None, project=self._its_project, fields=fields)
        return True

    def _post(self, action: Part, number: int) -> bool:
        """Where its owner has the channel, as far as both its owner and the channel's may see what it is about."""
        channel = db.session.scalar(Channel.visible_to(self.by).where(Channel.id == int(action["choice"])))
        if channel is None or channel.workspace_id != self.automation.workspace_id or not channel.active:
            raise CannotAutomate("no_channel")
        if channel.token_id:  # a program's own
            raise CannotAutomate("no_channel")
        if channel.project_id not in (None, self.project.id if self.project else None):
            raise CannotAutomate("no_channel")
        if not channel.may_tell_of(self.task, self.project):
            raise CannotAutomate("no_channel")
        facts = {"what": in_both(self.automation.name, self.automation.name), "by": self.by.id}
        key = f"run:{self.run.id}:{number}"
        told = channel.post("automation.ran", key, task=self.task, project=self.project, facts=facts)
        return told is not None

    def _declare(self, action: Part) -> bool:
        """Never two about one project that are open; on PostgreSQL nobody else looks meanwhile."""
        mine = self.automation
        db.session.execute(select(Automation.id).where(Automation.id == mine.id).with_for_update())
        about, origin = self.project, origin_of(mine) + sha256(self.run.key.encode()).hexdigest()[:32]
        why = declares_none(mine, [about.id if about else None]).get(about.id if about else None)
        if why is None and db.session.scalar(select(Emergency.id).where(Emergency.origin == origin)):
            why = "declared"
        if why:
            self.left = {"why": why}
            return False
        title = f"{mine.name} · {self.task.code}" if self.task else mine.name  # who reads it may not see the task
        Declaration(
            workspace_id=mine.workspace_id, trigger=action["choice"], severity=action["severity"], title=title[:200],
            about=about, source="rule", origin=origin,
        ).declare(by=self.by)  # fmt: skip
        return True

    def _people(self, choice: str) -> list[User]:
        """Who is meant, of those who can own a task of the project."""
        if self.project is None:
            people = self._inside()
        else:
            people = self.project.people()
            if choice == "project_owner":
                people = [each for each in people if each.id == self.project.owner_id]
            if choice == "task_owner":
                people = [self.task.owner] if self.task else []
        if choice.startswith(ROLE):
            people = sorted(self._in_role(people, choice.removeprefix(ROLE)), key=self._takes_no_part)
        if choice.startswith(PERSON):
            people = [each for each in people if each.id == int(choice.removeprefix(PERSON))]
        if not people:
            raise CannotAutomate("nobody")
        return people

    def _inside(self) -> list[User]:
        query = select(User).join(User.memberships).where(Membership.workspace_id == self.automation.workspace_id)
        people = db.session.scalars(query.where(User.active).options(contains_eager(User.memberships)))
        return [each for each in people.unique() if each.is_inside(self.automation.workspace_id)]

    def _in_role(self, people: list[User], role: str) -> list[User]:
        members = ((each, each.membership_in(self.automation.workspace_id)) for each in people)
        return [each for each, member in members if member and member.role == role]

    def _takes_no_part(self, person: User) -> bool:
        return self.project is not None and all(each.user_id != person.id for each in self.project.members)


def origin_of(automation: Automation) -> str:
    """How the origin of all emergencies begins that it declared."""
    return f"rule:{automation.id}:"


def declares_none(automation: Automation, projects: Collection[int | None]) -> dict[int | None, str]:
    """Of these projects, about which it declares no emergency now, and why: one that it declared is still open, or the
    project is itself the playbook of one, whose tasks would declare others without end."""
    laid = select(Emergency.project_id).where(Emergency.project_id.in_({*projects} - {None}))
    still = Emergency.origin.startswith(origin_of(automation)), Emergency.closed_at.is_(None)
    open_about = set(db.session.scalars(select(Emergency.about_id).where(*still)))
    why: dict[int | None, str] = {each: "declared" for each in projects if each in open_about}
    return why | dict.fromkeys(db.session.scalars(laid), "playbook")


def stage_for(choice: str, stages: list[Stage], now: Stage | None) -> Stage | None:
    """The first one that is meant; where the task stands, if that is meant too."""
    meant = [each for each in stages if is_stage(choice, each.kind, each.name_zh, each.name_en)]
    return now if now in meant else next(iter(meant), None)


def trouble_of(refusal: Exception) -> dict[str, Any]:
    """Facts that are put into words when somebody reads them, as far as the reader may know."""
    if isinstance(refusal, CannotAutomate):
        return {"why": refusal.reason}
    if not isinstance(refusal, MoveRefused):
        return {"why": type(refusal).__name__}
    holds = refusal.holds
    return {
        "why": "MoveRefused",
        "stage": in_both(refusal.stage.name_zh, refusal.stage.name_en),
        "due_on": holds.due_on,
        "deliverable": holds.deliverable,
        "blockers": [each.id for each in holds.blockers],
        "items": [{"zh": i.text_zh, "en": i.text_en, "task": i.checklist.task_id} for i in holds.items],
        "emergencies": len(holds.emergencies),
    }
