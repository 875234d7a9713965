"""One believable company and its launches, made through the models' own verbs; demo.yaml tells the story."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from click import ClickException
from flask import current_app
from sqlalchemy import select

from linkstar import packs
from linkstar.demo.course import Course
from linkstar.demo.story import PASSWORD, Story, black_friday, moment, working_day
from linkstar.extensions import db
from linkstar.i18n import _
from linkstar.models import Absence, HandoverNote, Membership, Partner, Project, Stage, Task, User, Workspace
from linkstar.words import ROLE_NAMES

__all__ = ["PASSWORD", "black_friday", "load", "sign_ins", "working_day"]

CALIFORNIA = ZoneInfo("America/Los_Angeles")
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


def tell_of_two_sides(story: Story) -> None:
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
