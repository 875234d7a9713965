"""One believable company and its launches, made through the models' own verbs; demo.yaml tells the story."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from math import ceil, floor
from operator import itemgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from click import ClickException
from flask import current_app
from sqlalchemy import select, update

from linkstar import clock, packs
from linkstar.extensions import db
from linkstar.i18n import _
from linkstar.models import (
    Checklist,
    ChecklistItem,
    Comment,
    Delivery,
    Dependency,
    Label,
    Membership,
    Notification,
    Phase,
    Project,
    Stage,
    Task,
    User,
    Workspace,
)
from linkstar.words import ROLE_NAMES

PASSWORD = "linkstar-demo"
BEIJING = ZoneInfo("Asia/Shanghai")
STORY = Path(__file__).with_name("demo.yaml")


def load() -> None:
    """Makes the demo's two workspaces and commits them; does nothing where they are."""
    if current_app.config["MODE"] == "production":
        raise ClickException(
            _("Everybody knows the demo's password, so production does not load it. Start with --no-demo.")
        )
    if db.session.scalar(select(Workspace.id).where(Workspace.key == "shanlan")):
        return
    told = packs.read(STORY)
    story = Story(told)
    for chapter in told["projects"]:
        Course(story, chapter).tell()
    tell_of_neighbour(story, told["neighbour"])
    story.happen()
    story.calm_down()
    db.session.commit()


def sign_ins() -> list[str]:
    """A line for each person of the demo: address, role, password. Nothing where there is no demo."""
    told = packs.read(STORY)
    emails = [f"{name}@example.com" for name in told["people"]] + [told["neighbour"]["person"]["email"]]
    memberships = db.session.scalars(
        select(Membership)
        .join(Membership.user)
        .join(Membership.workspace)
        .where(User.email.in_(emails), Workspace.key.in_(("shanlan", told["neighbour"]["workspace"]["key"])))
        .order_by(Membership.id)
    )
    return [
        _(
            "%(email)s – %(role)s – password %(password)s",
            email=membership.user.email,
            role=ROLE_NAMES[membership.role],
            password=PASSWORD,
        )
        for membership in memberships
    ]


def working_day(start: date, distance: int) -> date:
    """So many days from Monday to Friday after the start (negative: before); 0 is the start itself."""
    step = timedelta(days=1 if distance > 0 else -1)
    while distance:
        start += step
        if start.weekday() < 5:
            distance -= step.days
    return start


def black_friday(today: date) -> date:
    """The next one, or the last where it is at most three weeks past."""
    fridays = (
        date(year, 11, 1) + timedelta(days=(3 - date(year, 11, 1).weekday()) % 7 + 22)
        for year in (today.year - 1, today.year, today.year + 1)
    )
    return next(friday for friday in fridays if friday >= today - timedelta(days=21))


def moment(day: date, hour: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(hour), BEIJING)


class Story:
    """The people, and what they did. Acts are told project by project and happen in the order of time."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.now, self.today = clock.now(), clock.today(BEIJING)
        self.acts: list[tuple[datetime, Callable[[], Any]]] = []
        self.does = told["does"]
        self.workspaces: list[Workspace] = []
        people = [row | {"email": f"{name}@example.com"} for name, row in told["people"].items()]
        shanlan = {"key": "shanlan", "name_zh": "山岚户外", "name_en": "Shanlan Outdoor"}
        self.people = dict(zip(told["people"], self.found(shanlan, people), strict=True))

    def found(self, values: dict[str, str], people: list[dict[str, str]]) -> list[User]:
        """A workspace with its people, a year ago."""
        with clock.at(moment(self.today - timedelta(days=360), "10:00")):
            workspace = Workspace(**values)
            self.workspaces.append(workspace)
            users = []
            for person in people:
                user = User(**{name: value for name, value in person.items() if name != "role"})
                user.set_password(PASSWORD)
                db.session.add(Membership(workspace=workspace, user=user, role=person["role"]))
                users.append(user)
            db.session.flush()
        return users

    def tell(self, instant: datetime, act: Callable[[], Any]) -> None:
        self.acts.append((min(instant, self.now), act))

    def happen(self) -> None:
        for instant, act in sorted(self.acts, key=itemgetter(0)):
            with clock.at(instant):
                act()

    def calm_down(self) -> None:
        """What is older than a day and a half has been read, and nothing of it goes out by mail."""
        here = Notification.workspace_id.in_([workspace.id for workspace in self.workspaces])
        read = update(Notification).where(here, Notification.created_at < self.now - timedelta(hours=36))
        mine = Delivery.notification_id.in_(select(Notification.id).where(here))
        sent = update(Delivery).where(mine).values(state="sent", sent_at=Delivery.due_at)
        db.session.flush()
        for statement in (read.values(read_at=Notification.created_at), sent):
            db.session.execute(statement.execution_options(synchronize_session=False))
        db.session.info.pop("notified", None)


@dataclass
class Step:
    """One task to be: its values, and what has become of it by now."""

    key: str
    owner: User
    values: dict[str, Any]
    phase: str
    created: datetime
    stage: str = "backlog"
    after: list[str] = field(default_factory=list)
    lag: int = 0
    labels: list[str] = field(default_factory=list)
    parent: str | None = None
    checklists: list[packs.Checklist] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    ticked: int = 0
    slip: dict[str, Any] = field(default_factory=dict)
    began: datetime | None = None
    ended: datetime | None = None


class Course:
    """One project: its template laid around the anchor day, and what happened to each task until today."""

    project: Project
    phases: dict[str, Phase]
    stages: dict[str, Stage]

    def __init__(self, story: Story, chapter: dict[str, Any]) -> None:
        self.story, self.chapter = story, chapter
        self.template = packs.template(chapter["template"])
        anchor = chapter["anchor"]
        self.anchor = (
            black_friday(story.today) if anchor == "black_friday" else working_day(story.today, anchor)
        )
        self.owner = story.people[story.does[self.template.owner_role]]
        planned = [(phase.key, task) for phase in self.template.phases for task in phase.tasks]
        days = {task.key: self._days(task) for _phase, task in planned}
        first = min(start for start, _due in days.values())
        latest = story.today - timedelta(days=10)
        self.laid = moment(min(working_day(first, -2), latest), "09:30")
        self.tasks: dict[str, Task] = {}
        self.steps: dict[str, Step] = {}
        for phase, task in planned:
            self.steps[task.key] = self._planned(phase, task, *days[task.key])
        for row in chapter["more"]:
            self.steps[row["key"]] = self._added(row)
        for step in self.steps.values():
            self._happen_to(step)

    # the plan

    def _days(self, task: packs.Task) -> tuple[date, date]:
        """First and last day; halves are planning values: a start is rounded down, a finish up."""
        if task.offset_calendar_days is not None:
            start = self.anchor + timedelta(days=task.offset_calendar_days)
        else:
            start = working_day(self.anchor, floor(task.offset))
        if task.elapsed_calendar_days:
            return start, start + timedelta(days=task.elapsed_calendar_days - 1)
        if not task.duration:
            return start, start
        return start, max(start, working_day(self.anchor, ceil(task.offset + task.duration) - 1))

    def _planned(self, phase: str, task: packs.Task, start: date, due: date) -> Step:
        chapter, today = self.chapter, self.story.today
        someday = task.key in chapter["someday"]
        late = chapter["late"].get(task.key, {}) if due < today <= self.anchor else {}
        if someday or start > working_day(today, 1):
            stage = "backlog"
        elif due < today:
            stage = late.get("stage", "done")
        else:
            stage = "review" if task.blocking and due <= working_day(today, 1) else "active"
        fits = {name: set(chapter[name]) for name in ("categories", "platforms")}
        return Step(
            key=task.key,
            owner=self.story.people[self.story.does[task.role]],
            phase=phase,
            created=self.laid,
            stage=stage,
            after=task.depends_on,
            lag=ceil(task.lag),
            labels=chapter["labels"].get(task.key, []),
            checklists=[each for each in map(packs.checklist, task.checklists) if each.applies(**fits)],
            slip={name: value for name, value in late.items() if name != "stage"},
            values={
                "title_zh": task.title_zh,
                "title_en": task.title_en,
                "brief_zh": brief(task.note_zh, "**交付物**：{}", task.deliverable_zh),
                "brief_en": brief(task.note_en, "**Deliverable:** {}", task.deliverable_en),
                "start_on": None if someday else start,
                "due_on": None if someday else due,
                "platform": chapter["elsewhere"].get(task.key, chapter["platform"]),
                "priority": priority(task),
                "milestone": task.milestone,
                "blocking": task.blocking,
            },
        )

    def _added(self, row: dict[str, Any]) -> Step:
        """A task that is not in the template, made while the project was running."""
        own = {"platform": self.chapter["platform"]} | {
            name: row[name]
            for name in ("title_zh", "title_en", "brief_zh", "brief_en", "platform", "priority")
            if name in row
        }
        begun = working_day(self.story.today, row["since"])
        if "due" in row:
            own |= {"start_on": begun, "due_on": working_day(self.story.today, row["due"])}
        taken = ("key", "phase", "stage", "after", "labels", "parent", "items", "ticked")
        return Step(
            owner=self.story.people[row["owner"]],
            created=max(moment(begun, "11:05"), self.laid + timedelta(hours=1)),
            values=own,
            **{name: row[name] for name in taken if name in row},
        )

    def _happen_to(self, step: Step) -> None:
        """No task begins before those are done that it waits for, whatever its days say."""
        if step.began:
            return
        before = [self.steps[key] for key in step.after]
        for each in before:
            self._happen_to(each)
        if any(each.stage != "done" for each in before):
            step.stage = "backlog"
        if step.stage == "backlog":
            return
        number = list(self.steps).index(step.key)
        earliest = [each.ended + timedelta(minutes=12) for each in before if each.ended]
        planned = moment(step.values["start_on"], f"{9 + number % 2:02}:{number * 7 % 60:02}")
        step.began = min(max([planned, step.created + timedelta(minutes=40), *earliest]), self.story.now)
        if step.stage == "done":
            ended = moment(step.values["due_on"], f"{15 + number % 3:02}:{number * 11 % 60:02}")
            step.ended = min(max(ended, step.began + timedelta(hours=1)), self.story.now)

    # what happened

    def tell(self) -> None:
        tell, people = self.story.tell, self.story.people
        tell(self.laid, self._begin)
        for step in self.steps.values():
            tell(step.created, partial(self._create, step))
        for step in self.steps.values():
            tell(step.created, partial(self._wait, step))
            self._tell_of_work(step)
        for kind, name in (("watcher", "watch"), ("collaborator", "collaborate")):
            for key, helpers in self.chapter[name].items():
                for helper in helpers:
                    joined = self.steps[key].created + timedelta(minutes=20)
                    tell(joined, partial(self._join, key, people[helper], kind))
        for key, said in self.chapter["talk"].items():
            for words in said:
                day = self.story.today - timedelta(days=words["days"])
                instant = max(moment(day, words["hour"]), self.steps[key].created + timedelta(hours=1))
                tell(instant, partial(self._say, key, words))

    def _tell_of_work(self, step: Step) -> None:
        if step.slip:
            slipped = moment(working_day(step.values["due_on"], -1), "10:05")
            tell_at = max(slipped, self.story.now - timedelta(days=5))
            self.story.tell(tell_at, partial(self._slip, step))
        if step.began:
            half = step.began + ((step.ended or self.story.now) - step.began) / 2
            self.story.tell(step.began, partial(self._move, step, "active", step.owner))
            self.story.tell(half, partial(self._tick, step))
            if step.stage == "review" or (step.ended and step.values.get("blocking")):
                self.story.tell(half, partial(self._move, step, "review", step.owner))
        if step.ended:
            reviewer = self.owner if step.values.get("blocking") else step.owner
            self.story.tell(step.ended, partial(self._move, step, "done", reviewer))

    def _begin(self) -> None:
        chapter, people = self.chapter, self.story.people
        stages, phases = Stage.usual(), self.template.phases
        for stage in stages:
            if stage.kind in ("active", "review"):
                count = sum(step.stage == stage.kind for step in self.steps.values())
                full = chapter.get("full") and stage.kind == "active"
                stage.wip_limit = max(count, 3) if full else count + 3
        self.stages = {stage.kind: stage for stage in stages}
        self.phases = {
            phase.key: Phase(name_zh=phase.name_zh, name_en=phase.name_en, position=position)
            for position, phase in enumerate(phases)
        }
        quarter = f"{self.anchor:%y}Q{(self.anchor.month + 2) // 3}"
        self.project = Project.create(
            by=self.owner,
            workspace_id=self.story.workspaces[0].id,
            code=chapter["code"].format(quarter=quarter),
            key=chapter["key"],
            name_zh=chapter["name_zh"],
            name_en=chapter["name_en"],
            anchor_on=self.anchor,
            anchor_name_zh=self.template.anchor["name_zh"],
            anchor_name_en=self.template.anchor["name_en"],
            stages=stages,
            phases=list(self.phases.values()),
        )
        owners = {step.owner.id: step.owner for step in self.steps.values()}
        guests = {people[name].id: people[name] for name in chapter["guests"]}
        for person in (owners | guests).values():
            membership = person.membership_in(self.project.workspace_id)
            if person is not self.owner and membership and membership.role != "creator":
                self.project.add_member(person, by=self.owner)

    def _create(self, step: Step) -> None:
        task = Task.create(
            self.project,
            by=self.owner,
            stage=self.stages["backlog"],
            owner=step.owner,
            phase=self.phases[step.phase],
            parent=self.tasks[step.parent] if step.parent else None,
            labels=Label.named(self.project.workspace_id, step.labels),
            **step.values,
        )
        self.tasks[step.key] = task
        length = 6 if len(step.checklists) == 1 else 3
        for position, source in enumerate(step.checklists):
            checklist = Checklist(title_zh=source.title_zh, title_en=source.title_en, position=position)
            task.checklists.append(checklist)
            for item in source.items[:length]:
                checklist.add(item.zh, item.en, required=item.level == "required")
        for text in step.items:
            ChecklistItem.write(task, text, by=step.owner)

    def _wait(self, step: Step) -> None:
        for key in step.after:
            db.session.add(
                Dependency(
                    predecessor_id=self.tasks[key].id, successor_id=self.tasks[step.key].id, lag=step.lag
                )
            )

    def _move(self, step: Step, kind: str, by: User) -> None:
        self.tasks[step.key].move_to(by=by, to={"stage": self.stages[kind]})

    def _tick(self, step: Step) -> None:
        items = [item for checklist in self.tasks[step.key].checklists for item in checklist.items]
        count = len(items) if step.ended else step.ticked or len(items) // 2
        for item in items[:count]:
            item.tick(by=step.owner)

    def _slip(self, step: Step) -> None:
        values = dict(step.slip)
        if "due" in values:
            values["due_on"] = working_day(self.story.today, values.pop("due"))
        self.tasks[step.key].edit(values, by=self.owner)

    def _join(self, key: str, person: User, kind: str) -> None:
        self.tasks[key].add_participant(person, kind, by=self.owner)

    def _say(self, key: str, words: dict[str, Any]) -> None:
        author = self.story.people[words["by"]]
        Comment.post(self.tasks[key], words["text"], by=author, shared=words.get("shared", False))


def brief(note: str | None, frame: str, deliverable: str | None) -> str | None:
    """Short Markdown: what to mind, then what comes out of it."""
    parts = [note, frame.format(deliverable) if deliverable else None]
    return "\n\n".join(part for part in parts if part) or None


def priority(task: packs.Task) -> str:
    if task.blocking and task.milestone:
        return "urgent"
    if task.blocking or task.milestone:
        return "high"
    return "low" if task.optional else "medium"


def tell_of_neighbour(story: Story, told: dict[str, Any]) -> None:
    """Another company, of which the first must not see anything."""
    [lead] = story.found(told["workspace"], [told["person"]])
    workspace = story.workspaces[-1]
    waiting: list[tuple[Task, Stage]] = []

    def begin() -> None:
        stages = {stage.kind: stage for stage in Stage.usual()}
        project = Project.create(
            by=lead, workspace_id=workspace.id, stages=list(stages.values()), **told["project"]
        )
        for row in told["tasks"]:
            values = {name: row[name] for name in ("title_zh", "title_en")}
            if "due_on" in row:
                values["due_on"] = working_day(story.today, row["due_on"])
            task = Task.create(
                project, by=lead, stage=stages["backlog"], owner=lead, platform="walmart", **values
            )
            if row["stage"] != "backlog":
                waiting.append((task, stages[row["stage"]]))

    def go_on() -> None:
        for task, stage in waiting:
            task.move_to(by=lead, to={"stage": stage})

    story.tell(moment(working_day(story.today, -9), "10:00"), begin)
    story.tell(moment(working_day(story.today, -3), "16:40"), go_on)
