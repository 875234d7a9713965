import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, defer, joinedload, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.api_token import ApiToken
from linkstar.models.audit_event import record
from linkstar.models.heard import Heard
from linkstar.models.notification import Delivery, Notification, notify_of_channel
from linkstar.models.project import Project
from linkstar.models.refusal import TooManyChannels
from linkstar.models.sealed import Sealed
from linkstar.models.task import Task
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.emergency import Emergency

KINDS = ("slack", "feishu", "wecom", "dingtalk", "webhook")
EVENTS = (  # what a channel can be told of; the names are those of the webhooks
    "task.created", "task.moved", "task.completed", "task.overdue", "task.unblocked", "gate.passed", "gate.waiting",
    "project.created", "project.idle", "approval.asked", "compliance.expiring", "cutoff.near",
    "emergency.declared", "emergency.acknowledged", "emergency.closed", "emergency.reopened",
)  # fmt: skip
TEST = "test"  # what a channel says when its owner tries it; watched by who sent it, and counted nowhere
AT_MOST = 200  # of one workspace: each thing that happens is told to all of them
AT_ONCE = 500  # rows in one statement


class Channel(Base):
    """A place outside where a team wants to hear of what happens: the robot of a group chat, or an address that takes
    signed JSON. It tells what its owner may see of one project, or of all; no field that is not everybody's."""

    __tablename__ = "channel"
    __table_args__ = (CheckConstraint(f"kind in {KINDS}", name="kind"), NUMBERED_ONCE)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(2), default="zh")
    address: Mapped[str | None] = mapped_column(Sealed("channel address"), nullable=False)  # None: cannot be read
    secret: Mapped[str | None] = mapped_column(Sealed("channel secret"))  # what its messages are signed with
    events: Mapped[list[str]] = mapped_column(JSON, default=list)
    drills: Mapped[bool] = mapped_column(default=False)  # takes the messages of drills, and those alone
    active: Mapped[bool] = mapped_column(default=True)
    trouble: Mapped[str | None] = mapped_column(Text)  # what the other side said last, where it did not take a message
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    # the token that a program made it with, and with which it goes
    token_id: Mapped[int | None] = mapped_column(ForeignKey("api_token.id", ondelete="CASCADE"), index=True)

    owner: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()
    token: Mapped[ApiToken | None] = relationship(back_populates="hooks")
    posts: Mapped[list["Post"]] = relationship(back_populates="channel", passive_deletes=True)

    # who keeps it

    @classmethod
    def visible_to(cls, user: User) -> Select["Channel"]:
        """Whoever keeps the workspace has all of them; others have their own, which programs made for them."""
        ways: list[ColumnElement[bool]] = []
        for membership in user.memberships:
            if not membership.external:
                here = cls.workspace_id == membership.workspace_id
                ways.append(here if membership.keeps_workspace else and_(here, cls.owner_id == user.id))
        return select(cls).where(or_(false(), *ways))

    @classmethod
    def open(cls, workspace_id: int, kind: str, *, by: User, **values: Any) -> "Channel":
        """Tells what happens from now on, and nothing of the past."""
        if cls.count_in(workspace_id) >= AT_MOST:
            raise TooManyChannels(AT_MOST)
        if kind == "webhook" and not values.get("secret"):
            values["secret"] = f"whsec_{secrets.token_urlsafe(24)}"
        channel = cls(workspace_id=workspace_id, kind=kind, owner=by, **values)
        db.session.add(channel)
        db.session.flush()
        Heard.begin(workspace_id)
        record("channel.added", by=by, workspace_id=workspace_id, changes={"channel": (None, channel.name)})
        return channel

    @classmethod
    def count_in(cls, workspace_id: int) -> int:
        return db.session.scalar(select(func.count()).where(cls.workspace_id == workspace_id)) or 0

    def edit(self, values: dict[str, Any], *, by: User) -> None:
        """Another person who says anew where it goes owns it from then on: it tells what that person may see. Whoever
        changes something else changes nothing of that. What it was told to forget or to learn of addresses and secrets
        is nowhere in the trail."""
        changed = [name for name, new in values.items() if getattr(self, name) != new]
        taken_over = "address" in values and self.owner_id != by.id
        if not changed and not taken_over:
            return
        for name in changed:
            setattr(self, name, values[name])
        if taken_over:
            self.owner, self.token_id = by, None
        self.version += 1
        if "address" in changed or "secret" in changed:
            self.trouble = None
        record("channel.edited", by=by, workspace_id=self.workspace_id, changes={"channel": (self.name, self.name)})

    def remove(self, *, by: User | None) -> None:
        """With what is on its way to it."""
        record("channel.removed", by=by, workspace_id=self.workspace_id, changes={"channel": (self.name, None)})
        db.session.delete(self)

    @property
    def host(self) -> str:
        """All of the address that may be shown: the rest of it is a key."""
        return urlsplit(self.address or "").hostname or ""

    @property
    def what_is_wrong(self) -> str | None:
        """Why it takes nothing, as it is kept of deliveries."""
        return self.trouble if self.address else "sealed"

    @property
    def may_go_inside(self) -> bool:
        """Of those who have channels, only who keeps the workspace may name addresses of the house."""
        membership = self.owner.membership_in(self.workspace_id)
        return membership is not None and membership.keeps_workspace

    @property
    def first_event(self) -> str | None:
        """Of a hook the only one."""
        return self.events[0] if self.events else None

    @property
    def tells(self) -> bool:
        """It is on, and somebody stands behind it."""
        return self.active and self._stands

    @property
    def _stands(self) -> bool:
        """Its owner is inside, and the token that it was made with, where a program made it, still opens."""
        return self.owner.active and self.owner.is_inside(self.workspace_id) and not self.has_run_out

    @property
    def has_run_out(self) -> bool:
        """With the token of the program that made it."""
        return self.token is not None and self.token.has_run_out

    # what it is told

    def wants(self, told: "Tidings") -> bool:
        """It listens to such a thing, of all projects or of one of these."""
        here = self.project_id is None or self.project_id in told.projects
        return here and told.event in self.events and self.drills == told.of_drill

    def may_tell_of(self, task: Task | None, project: Project | None) -> bool:
        """It tells what its owner may see, at this moment; of things of no project, whoever is inside the workspace."""
        owner = self.owner
        if not self._stands:
            return False
        if task:
            return db.session.scalar(select(Task.id).where(Task.id == task.id, Task.seen_by(owner))) is not None
        if project:
            seen = Project.id == project.id, Project.trashed_at.is_(None), Project.seen_by(owner)
            return db.session.scalar(select(Project.id).where(*seen)) is not None
        return True

    def test(self) -> None:
        """A message that says only that it comes from here; tried once."""
        self.post(TEST, f"test:{secrets.token_urlsafe(8)}")

    def post(
        self,
        event: str,
        key: str,
        *,
        task: Task | None = None,
        project: Project | None = None,
        emergency: "Emergency | None" = None,
        facts: dict[str, Any] | None = None,
    ) -> int | None:
        """Puts one thing on its way to this channel; the id of the post, None where it was put there before."""
        told = Tidings(event, key, task=task, project=project, emergency=emergency, facts=facts or {})
        return next(iter(Post.write([told.row(self)])), None)

    def tell_owner(self) -> None:
        """That it takes no messages; once a day."""
        today = Notification.created_at > clock.now() - timedelta(days=1)
        mine = Notification.user_id == self.owner_id, Notification.workspace_id == self.workspace_id
        query = select(Notification.fields).where(*mine, Notification.kind == "channel_failed", today)
        told = {fields[0] for fields in db.session.scalars(query) if fields}
        if self.owner.active and self.name not in told:
            notify_of_channel(self.owner, self)


class Post(Base):
    """One thing that one channel is told, once."""

    __tablename__ = "post"
    __table_args__ = (
        UniqueConstraint("channel_id", "key"),
        Index("ix_post_told", "channel_id", "told_at"),
        NUMBERED_ONCE,  # programs know it by this number
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(80))  # what it is about: event:123 of the trail, reminder:45, test:…
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    emergency_id: Mapped[int | None] = mapped_column(ForeignKey("emergency.id", ondelete="CASCADE"), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # what cannot be read from the records later
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    told_at: Mapped[datetime | None] = mapped_column(Instant)  # when a message with it at the head went out last

    channel: Mapped[Channel] = relationship(back_populates="posts")
    task: Mapped[Task | None] = relationship()
    project: Mapped[Project | None] = relationship()
    emergency: Mapped["Emergency | None"] = relationship()
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="post", cascade="all, delete-orphan")

    @classmethod
    def tell(cls, event: str, *, workspace_id: int, key: str, **about: Any) -> None:
        """Tells each channel that listens, once for each key: whoever says the same again says nothing."""
        Audience(workspace_id).tell([Tidings(event, key, **about)])

    @classmethod
    def is_test(cls) -> ColumnElement[bool]:
        """Of a delivery: it carries a test."""
        return select(cls.id).where(cls.id == Delivery.post_id, cls.event == TEST).exists()

    @classmethod
    def write(cls, rows: list[dict[str, Any]]) -> list[int]:
        """Puts posts on their way; the ids of those that were not there before."""
        insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
        db.session.flush()  # what they are about may be new
        ids: list[int] = []
        for start in range(0, len(rows), AT_ONCE):
            fresh = insert(cls).values(rows[start : start + AT_ONCE])
            once = fresh.on_conflict_do_nothing(index_elements=["channel_id", "key"])
            there = sorted(db.session.scalars(once.returning(cls.id)))
            if there:
                db.session.execute(insert(Delivery).values([{"medium": "channel", "post_id": key} for key in there]))
            ids += there
        if ids:
            db.session.info["notified"] = True
        return ids


@dataclass(frozen=True)
class Tidings:
    """Something that channels can be told of.

    `facts` is what cannot be read from the records later: `by` (a person's id), `days` (a number), `on` (a day as ISO
    text), `what`, `from` and `to` (names as in_both() has them). `tasks` is what happened to many at once: each channel
    is told of those that are its own.
    """

    event: str
    key: str
    task: Task | None = None
    project: Project | None = None
    emergency: "Emergency | None" = None
    facts: dict[str, Any] = field(default_factory=dict)
    drill: bool = False
    tasks: Sequence[Task] = ()

    @property
    def about(self) -> Project | None:
        return self.task.project if self.task else self.project

    @property
    def of_drill(self) -> bool:
        return self.drill or bool(self.about and self.about.drill)

    @property
    def of_draft(self) -> bool:
        """Of the draft of a template, which nobody is told of."""
        return bool(self.about and self.about.draft_of_id)

    @cached_property
    def projects(self) -> set[int]:
        also = (self.emergency.project_id, self.emergency.about_id) if self.emergency else ()
        every = (self.about.id if self.about else None, *also, *self.many.values())
        return {project_id for project_id in every if project_id}

    @cached_property
    def many(self) -> dict[int, int]:
        """Of many tasks those that are told of, each with its project's id."""
        return {
            each.id: each.project_id for each in self.tasks if not each.project.draft_of_id and not each.project.drill
        }

    def row(self, channel: Channel, **more: Any) -> dict[str, Any]:
        return {
            "workspace_id": channel.workspace_id, "channel_id": channel.id, "event": self.event, "key": self.key,
            "task_id": self.task.id if self.task else None, "project_id": self.about.id if self.about else None,
            "emergency_id": self.emergency.id if self.emergency else None, "facts": self.facts,
        } | more  # fmt: skip


class Audience:
    """The channels of a workspace that listen, without their addresses: read once, whatever there is to be told."""

    def __init__(self, workspace_id: int) -> None:
        query = (
            select(Channel)
            .where(Channel.workspace_id == workspace_id, Channel.active)
            .options(defer(Channel.address), defer(Channel.secret))
            .options(joinedload(Channel.owner).selectinload(User.memberships), joinedload(Channel.token))
            .order_by(Channel.id)
        )
        self.channels = [each for each in db.session.scalars(query) if each.tells]

    def tell(self, tidings: Sequence[Tidings]) -> None:
        """By what the owners may see at this moment, for each of them asked once."""
        if unknown := {each.event for each in tidings} - set(EVENTS):
            raise ValueError(f"channels are not told of {unknown}")
        pairs = [
            (told, channel) for told in tidings if not told.of_draft for channel in self.channels if channel.wants(told)
        ]
        tasks, projects = _seen_of(pairs)
        rows = []
        for told, channel in pairs:
            owner_id = channel.owner_id
            if told.tasks:
                mine = sorted(
                    key for key in tasks[owner_id] & told.many.keys() if channel.project_id in (None, told.many[key])
                )
                if mine:
                    rows.append(told.row(channel, project_id=channel.project_id, facts={"tasks": mine}))
            elif told.task:
                rows += [told.row(channel)] if told.task.id in tasks[owner_id] else []
            elif told.emergency or not told.project or told.project.id in projects[owner_id]:
                rows.append(told.row(channel))
        Post.write(rows)


Seen = dict[int, set[int]]  # by the id of who sees


def _seen_of(pairs: list[tuple[Tidings, Channel]]) -> tuple[Seen, Seen]:
    """Of what is to be told, what the owners of the channels see: tasks, and projects."""
    tasks, projects = Seen(), Seen()
    for told, channel in pairs:
        tasks.setdefault(channel.owner_id, set()).update(told.many, [told.task.id] if told.task else ())
        alone = told.project and not (told.task or told.emergency)
        projects.setdefault(channel.owner_id, set()).update([told.project.id] if alone and told.project else ())
    for owner in {channel.owner_id: channel.owner for _told, channel in pairs}.values():
        if wanted := tasks[owner.id]:
            seen = select(Task.id).where(Task.id.in_(wanted), Task.seen_by(owner))
            tasks[owner.id] = set(db.session.scalars(seen))
        if wanted := projects[owner.id]:
            here = Project.id.in_(wanted), Project.trashed_at.is_(None), Project.seen_by(owner)
            projects[owner.id] = set(db.session.scalars(select(Project.id).where(*here)))
    return tasks, projects
