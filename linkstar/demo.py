"""One believable company and its launches, made through the models' own verbs; demo.yaml tells the story."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import Any
from zlib import compress, crc32
from zoneinfo import ZoneInfo

from click import ClickException
from flask import current_app
from sqlalchemy import select, update

from linkstar import clock, packs, storage
from linkstar.extensions import db
from linkstar.i18n import _
from linkstar.models import (
    Absence,
    ChecklistItem,
    Comment,
    Delivery,
    Evidence,
    HandoverNote,
    InstalledPack,
    Label,
    Launch,
    Membership,
    Notification,
    Partner,
    Project,
    Stage,
    Task,
    Template,
    User,
    Waiver,
    Workspace,
)
from linkstar.planning.working_days import WorkingDays
from linkstar.words import ROLE_NAMES

PASSWORD = "linkstar-demo"
BEIJING = ZoneInfo("Asia/Shanghai")
CALIFORNIA = ZoneInfo("America/Los_Angeles")
TOLD = (
    "title_zh", "title_en", "brief_zh", "brief_en", "wanted_zh", "wanted_en", "unwanted_zh", "unwanted_en",
    "platform", "priority",
)  # fmt: skip
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
    away = working_day(story.today, 6), working_day(story.today, 8)
    Absence.write(story.workspaces[0].id, story.people["finance"], *away, by=story.people["finance"])
    tell_of_two_sides(story)
    story.calm_down()
    db.session.commit()


def tell_of_two_sides(story: "Story") -> None:
    """A laboratory that answers from California, a note for who sleeps there, and posts by the audience's clock."""
    legal, content = story.people["legal"], story.people["content"]
    for person in (legal, story.people["ops"], story.people["pmo"]):
        person.works_from = time(8, 30)  # so that they meet the people over there
    laboratory = {
        "name": "BayLab", "timezone": CALIFORNIA.key, "works_from": time(9), "works_until": time(18), "answer_days": 2
    }  # fmt: skip
    partner = Partner.create(story.workspaces[0].id, laboratory, by=legal)
    here = Task.workspace_id == story.workspaces[0].id, Task.completed_at.is_(None)
    report = db.session.scalars(select(Task).where(*here, Task.key == "fcc_grant")).one()
    report.edit({"partner_id": partner.id}, by=legal)
    HandoverNote.write(
        report, story.people["partner"], by=legal, done="Model name on the label is LUMO-G1 now.",
        needed="Please ask BayLab for the chamber slot on Thursday.", decide="One spare sample or two?",
    )  # fmt: skip
    posts = select(Task).where(*here, Task.platform.in_(("tiktok", "tiktok_shop", "instagram", "youtube")))
    coming = posts.where(Task.due_on >= story.today, ~Task.milestone).order_by(Task.due_on, Task.id).limit(12)
    for task in db.session.scalars(coming).all():
        at = datetime.combine(task.due_on or story.today, time(9), CALIFORNIA).astimezone(UTC)
        task.edit({"publish_at": at, "audience_timezone": CALIFORNIA.key}, by=content)


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
    """So many Chinese working days after the start (negative: before); 0 is the start itself."""
    return WorkingDays("CN").shift(start, distance) if distance else start


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
        self.projects: dict[str | None, Project] = {}
        self.files = {"file": paper(), "photo": picture()}
        with clock.at(moment(self.today - timedelta(days=350), "10:30")):
            InstalledPack.install(self.workspaces[0], packs.pack(), by=self.people["pmo"])
            db.session.flush()

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

    def evidence(self, kind: str, name: str, task: Task) -> Evidence:
        """Something of the kind that an item asks for; files are small ones that open."""
        evidence = Evidence(workspace_id=task.workspace_id, kind=kind)
        if kind in self.files:
            stored = storage.put(BytesIO(self.files[kind]), limit=1_000_000)
            suffix, evidence.media_type = ("pdf", "application/pdf") if kind == "file" else ("png", "image/png")
            evidence.file_name = f"{task.project.key}-{name}.{suffix}"
            evidence.file_key, evidence.size, evidence.sha256 = stored.key, stored.size, stored.sha256
            return evidence
        evidence.value = {
            "url": f"https://docs.example.com/{task.project.key.lower()}/{name}",
            "number": "12",
            "text": "已逐条核对,结论见资料库",
            "date": clock.today(BEIJING).isoformat(),
        }[kind]
        return evidence

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


def tell_of_neighbour(story: Story, told: dict[str, Any]) -> None:
    """Another company, of which the first must not see anything."""
    [lead] = story.found(told["workspace"], [told["person"]])
    workspace = story.workspaces[-1]
    waiting: list[tuple[Task, Stage]] = []

    def begin() -> None:
        stages = {stage.kind: stage for stage in Stage.usual()}
        project = Project.create(by=lead, workspace_id=workspace.id, stages=list(stages.values()), **told["project"])
        for row in told["tasks"]:
            values = {name: row[name] for name in ("title_zh", "title_en")}
            if "due_on" in row:
                values["due_on"] = working_day(story.today, row["due_on"])
            task = Task.create(project, by=lead, stage=stages["backlog"], owner=lead, platform="walmart", **values)
            if row["stage"] != "backlog":
                waiting.append((task, stages[row["stage"]]))

    def go_on() -> None:
        for task, stage in waiting:
            task.move_to(by=lead, to={"stage": stage})

    story.tell(moment(working_day(story.today, -9), "10:00"), begin)
    story.tell(moment(working_day(story.today, -3), "16:40"), go_on)


def paper() -> bytes:
    """One white page as PDF."""
    parts = [b"%PDF-1.4\n"]
    places = []
    for number, body in enumerate(
        (
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        ),
        1,
    ):
        places.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj%sendobj\n" % (number, body))
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = sum(map(len, parts))
    parts.append(b"xref\n0 4\n0000000000 65535 f \n" + table)
    parts.append(b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)
    return b"".join(parts)


def picture() -> bytes:
    """Eight by eight grey points as PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + crc32(kind + body).to_bytes(4, "big")

    header = (8).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = compress((b"\0" + b"\xb4" * 8) * 8)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
