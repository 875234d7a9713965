"""One project of the demo: laid by the engine, and what happened to each of its tasks until today."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from linkstar import packs
from linkstar.demo.story import Story, black_friday, moment, working_day
from linkstar.extensions import db
from linkstar.models import (
    Baseline,
    ChecklistItem,
    Comment,
    Label,
    Launch,
    Project,
    Stage,
    Task,
    Template,
    User,
    Waiver,
)

TOLD = (
    "title_zh", "title_en", "brief_zh", "brief_en", "wanted_zh", "wanted_en", "unwanted_zh", "unwanted_en",
    "platform", "priority",
)  # fmt: skip


@dataclass
class Step:
    """One task on its way: what is planned, and what has become of it by now."""

    key: str
    owner: User
    start_on: date | None
    due_on: date | None
    blocking: bool
    created: datetime
    stage: str = "backlog"
    after: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] | None = None  # a task that is not in the template, as demo.yaml tells it
    slip: dict[str, Any] = field(default_factory=dict)
    began: datetime | None = None
    ended: datetime | None = None


class Course:
    """One project: laid from its template by the engine, and what happened to each task until today."""

    project: Project
    stages: dict[str, Stage]

    def __init__(self, story: Story, chapter: dict[str, Any]) -> None:
        self.story, self.chapter = story, chapter
        anchor = chapter["anchor"]
        anchor = black_friday(story.today) if anchor == "black_friday" else working_day(story.today, anchor)
        self.anchor = anchor
        self.launch = self._launch(anchor)
        self.owner = self.launch.owner
        first = min(span.start for span in self.launch.spans.values())
        latest = story.today - timedelta(days=10)
        self.laid = moment(min(working_day(first, -2), latest), "09:30")
        self.tasks: dict[str, Task] = {}
        self.steps = {task.key: self._planned(task) for task in self.launch.tasks.values()}
        for row in chapter.get("more", ()):
            self.steps[row["key"]] = self._added(row)
        for step in self.steps.values():
            self._happen_to(step)

    # the plan

    def _launch(self, anchor: date) -> Launch:
        chapter, story = self.chapter, self.story
        template = db.session.scalars(
            select(Template).where(Template.workspace_id == story.workspaces[0].id, Template.key == chapter["template"])
        ).one()
        people = {role: story.people[name] for role, name in story.does.items()}
        content = template.newest.read()
        return Launch(
            template=content,
            version=template.newest,
            workspace_id=template.workspace_id,
            owner=people[content.owner_role],
            anchor=anchor,
            people=people,
            without=frozenset(chapter.get("without", ())),
            values={
                "name_zh": chapter["name_zh"],
                "name_en": chapter["name_en"],
                "key": chapter["key"],
                "code": chapter["code"].format(quarter=f"{anchor:%y}Q{(anchor.month + 2) // 3}"),
                "platforms": chapter["platforms"],
                "categories": chapter["categories"],
                "brand": "Shanlan",
                "store": "Shanlan US",
            },
        )

    def _planned(self, task: packs.Task) -> Step:
        chapter, today = self.chapter, self.story.today
        span = self.launch.spans[task.key]
        late = chapter.get("late", {}).get(task.key, {}) if span.finish < today <= self.anchor else {}
        if span.start > working_day(today, 1):
            stage = "backlog"
        elif span.finish < today:
            stage = late.get("stage", "done")
        else:
            stage = "review" if task.blocking and span.finish <= working_day(today, 1) else "active"
        return Step(
            key=task.key,
            owner=self.launch.owner_of(task),
            start_on=span.start,
            due_on=span.finish,
            blocking=task.blocking,
            created=self.laid,
            stage=stage,
            after=[key for key, _lag in task.after],
            labels=chapter.get("labels", {}).get(task.key, []),
            slip={name: value for name, value in late.items() if name != "stage"},
            values={
                "platform": chapter.get("elsewhere", {}).get(task.key, chapter["platform"]),
                "priority": priority(task),
            },
        )

    def _added(self, row: dict[str, Any]) -> Step:
        """A task that is not in the template, made while the project was running."""
        begun = working_day(self.story.today, row["since"])
        return Step(
            key=row["key"],
            owner=self.story.people[row["owner"]],
            start_on=begun if "due" in row else None,
            due_on=working_day(self.story.today, row["due"]) if "due" in row else None,
            blocking=False,
            created=max(moment(begun, "11:05"), self.laid + timedelta(hours=1)),
            stage=row.get("stage", "backlog"),
            after=row.get("after", []),
            labels=row.get("labels", []),
            more=row,
            values={"platform": self.chapter["platform"]} | {name: row[name] for name in TOLD if name in row},
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
        assert step.start_on and step.due_on
        number = list(self.steps).index(step.key)
        earliest = [each.ended + timedelta(minutes=12) for each in before if each.ended]
        planned = moment(step.start_on, f"{9 + number % 2:02}:{number * 7 % 60:02}")
        step.began = min(max([planned, step.created + timedelta(minutes=40), *earliest]), self.story.now)
        if step.stage == "done":
            ended = moment(step.due_on, f"{15 + number % 3:02}:{number * 11 % 60:02}")
            step.ended = min(max(ended, step.began + timedelta(hours=1)), self.story.now)

    # what happened

    def tell(self) -> None:
        tell, people = self.story.tell, self.story.people
        tell(self.laid, self._begin)
        if "baseline" in self.chapter:
            tell(self.laid + timedelta(days=1), self._take_baseline)
        for step in self.steps.values():
            if step.more:
                tell(step.created, partial(self._create, step, step.more))
            self._tell_of_work(step)
        for kind, name in (("watcher", "watch"), ("collaborator", "collaborate")):
            for key, helpers in self.chapter.get(name, {}).items():
                for helper in helpers:
                    joined = self.steps[key].created + timedelta(minutes=20)
                    tell(joined, partial(self._join, key, people[helper], kind))
        for key, said in self.chapter.get("talk", {}).items():
            for words in said:
                day = self.story.today - timedelta(days=words["days"])
                instant = max(moment(day, words["hour"]), self.steps[key].created + timedelta(hours=1))
                tell(instant, partial(self._say, key, words))

    def _tell_of_work(self, step: Step) -> None:
        tell = self.story.tell
        if step.slip and step.due_on:
            slipped = moment(working_day(step.due_on, -1), "10:05")
            tell(max(slipped, self.story.now - timedelta(days=5)), partial(self._slip, step))
        for told in self.chapter.get("waivers", ()):
            if told["task"] == step.key:
                self._tell_of_waiver(step, told)
        if step.began:
            half = step.began + ((step.ended or self.story.now) - step.began) / 2
            reviewed = step.stage == "review" or (step.ended and step.blocking)
            tell(step.began, partial(self._move, step, "active", step.owner))
            tell(half, partial(self._work, step))
            if reviewed:
                tell(half, partial(self._move, step, "review", step.owner))
        if step.ended:
            tell(step.ended, partial(self._move, step, "done", self.owner if step.blocking else step.owner))

    def _tell_of_waiver(self, step: Step, told: dict[str, Any]) -> None:
        """Somebody asks to pass an obstacle; who is named signs, an hour after the one before."""
        asked = step.began + timedelta(minutes=30) if step.began else self.story.now - timedelta(days=1, hours=20)
        self.story.tell(asked, partial(self._ask, step, told))
        for number, signer in enumerate(told.get("signed", ()), 1):
            signs = partial(self._sign, step, self.story.people[signer])
            self.story.tell(asked + timedelta(minutes=number), signs)

    def _begin(self) -> None:
        chapter, people = self.chapter, self.story.people
        if head := self.story.projects.get(chapter.get("parent")):
            self.launch.values["parent"] = head
        self.project = self.story.projects[chapter["key"]] = self.launch.create(by=self.owner)
        self.stages = {stage.kind: stage for stage in self.project.stages}
        for stage in self.project.stages:
            if stage.kind in ("active", "review"):
                count = sum(step.stage == stage.kind for step in self.steps.values())
                full = chapter.get("full") and stage.kind == "active"
                stage.wip_limit = max(count, 3) if full else count + 3
        made = db.session.scalars(select(Task).where(Task.project_id == self.project.id))
        self.tasks |= {task.key: task for task in made if task.key}
        for key, task in self.tasks.items():
            step = self.steps[key]
            task.edit(step.values, by=self.owner, labels=Label.named(task.workspace_id, step.labels))
        if head:
            maker = db.session.scalars(
                select(Task).where(Task.project_id == head.id, Task.key == chapter["made_by"])
            ).one()
            maker.subproject = self.project
        members = {member.user_id for member in self.project.members}
        helpers = {step.owner for step in self.steps.values()} | {people[name] for name in chapter.get("guests", ())}
        for person in sorted(helpers, key=lambda person: person.id):
            membership = person.membership_in(self.project.workspace_id)
            if person.id not in members and membership and membership.role != "creator":
                self.project.add_member(person, by=self.owner)

    def _take_baseline(self) -> None:
        Baseline.take(self.project, self.chapter["baseline"], by=self.owner)

    def _create(self, step: Step, row: dict[str, Any]) -> None:
        phase = next(phase for phase in self.project.phases if phase.key == row["phase"])
        task = self.tasks[step.key] = Task.create(
            self.project,
            by=self.owner,
            stage=self.stages["backlog"],
            owner=step.owner,
            phase=phase,
            parent=self.tasks[row["parent"]] if "parent" in row else None,
            labels=Label.named(self.project.workspace_id, step.labels),
            start_on=step.start_on,
            due_on=step.due_on,
            **step.values,
        )
        for text in row.get("items", ()):
            ChecklistItem.write(task, text, by=step.owner)
        for key in step.after:
            task.wait_for(self.tasks[key], by=self.owner)

    def _move(self, step: Step, kind: str, by: User) -> None:
        self.tasks[step.key].move_to(by=by, to={"stage": self.stages[kind]})

    def _work(self, step: Step) -> None:
        """Ticks what is done, with the evidence that is asked for, and hands in what the task is done for."""
        task = self.tasks[step.key]
        waived = {waiver.item_id for waiver in task.waivers}
        items = [item for checklist in task.checklists for item in checklist.items if item.id not in waived]
        if not step.more:
            items = [item for item in items if item.required]
        whole = step.ended or step.stage == "review"
        count = len(items) if whole else (step.more or {}).get("ticked", len(items) // 2)
        for item in items[:count]:
            if item.evidence_kind:
                item.give(self.story.evidence(item.evidence_kind, item.key or "item", task), by=step.owner)
            else:
                item.tick(by=step.owner)
        if step.ended and (task.deliverable_zh or task.deliverable_en):
            task.deliver(self.story.evidence("file", step.key, task), by=step.owner)

    def _ask(self, step: Step, told: dict[str, Any]) -> None:
        task = self.tasks[step.key]
        item = next((item for each in task.checklists for item in each.items if item.key == told.get("item")), None)
        blocker = self.tasks[told["blocker"]] if "blocker" in told else None
        by = self.story.people[told["by"]]
        Waiver.ask(task, told["reason"], by=by, item=item, blocker=blocker)

    def _sign(self, step: Step, signer: User) -> None:
        self.tasks[step.key].waivers[-1].vote(True, by=signer)

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


def priority(task: packs.Task) -> str:
    if task.blocking and task.milestone:
        return "urgent"
    if task.blocking or task.milestone:
        return "high"
    return "low" if task.optional else "medium"
