"""The people of the demo, its days, and what they did in the order of time."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from io import BytesIO
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from linkstar import clock, packs, storage
from linkstar.demo.files import paper, picture
from linkstar.extensions import db
from linkstar.models import (
    Delivery,
    Evidence,
    InstalledPack,
    Membership,
    Notification,
    Project,
    Task,
    User,
    Workspace,
)
from linkstar.planning.working_days import WorkingDays

PASSWORD = "linkstar-demo"
BEIJING = ZoneInfo("Asia/Shanghai")


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
