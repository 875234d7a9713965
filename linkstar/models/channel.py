import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
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
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.heard import Heard
from linkstar.models.notification import Delivery, Notification, notify_of_channel
from linkstar.models.project import Project
from linkstar.models.sealed import Sealed
from linkstar.models.task import Task
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.emergency import Emergency

KINDS = ("slack", "feishu", "wecom", "dingtalk", "webhook")
EVENTS = (  # what a channel can be told of; the names are those of the webhooks
    "task.created", "task.moved", "task.completed", "task.overdue", "task.unblocked", "gate.passed", "gate.waiting",
    "project.created", "project.idle", "approval.asked", "compliance.expiring", "cutoff.near",
    "emergency.declared", "emergency.acknowledged", "emergency.closed",
)  # fmt: skip


class Channel(Base):
    """A place outside where a team wants to hear of what happens: the robot of a group chat, or an address that takes
    signed JSON. It tells what its owner may see of one project, or of all; no field that is not everybody's."""

    __tablename__ = "channel"
    __table_args__ = (CheckConstraint(f"kind in {KINDS}", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(2), default="zh")
    address: Mapped[str] = mapped_column(Sealed("channel address"))
    secret: Mapped[str | None] = mapped_column(Sealed("channel secret"))  # what its messages are signed with
    events: Mapped[list[str]] = mapped_column(JSON, default=list)
    drills: Mapped[bool] = mapped_column(default=False)  # takes the messages of drills, and those alone
    active: Mapped[bool] = mapped_column(default=True)
    trouble: Mapped[str | None] = mapped_column(Text)  # what the other side said last, where it did not take a message
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    owner: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()
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
        if kind == "webhook" and not values.get("secret"):
            values["secret"] = f"whsec_{secrets.token_urlsafe(24)}"
        channel = cls(workspace_id=workspace_id, kind=kind, owner=by, **values)
        db.session.add(channel)
        db.session.flush()
        Heard.begin(workspace_id)
        record("channel.added", by=by, workspace_id=workspace_id, changes={"channel": (None, channel.name)})
        return channel

    def edit(self, values: dict[str, Any], *, by: User) -> None:
        """Whoever changes it owns it: it tells what that person may see. What it was told to forget or to learn of
        addresses and secrets is nowhere in the trail."""
        changed = [name for name, new in values.items() if getattr(self, name) != new]
        if not changed:
            return
        for name in changed:
            setattr(self, name, values[name])
        self.owner, self.version = by, self.version + 1
        if "address" in changed or "secret" in changed:
            self.trouble = None
        record("channel.edited", by=by, workspace_id=self.workspace_id, changes={"channel": (self.name, self.name)})

    def remove(self, *, by: User) -> None:
        """With what is on its way to it."""
        record("channel.removed", by=by, workspace_id=self.workspace_id, changes={"channel": (self.name, None)})
        db.session.delete(self)

    @property
    def host(self) -> str:
        """All of the address that may be shown: the rest of it is a key."""
        return urlsplit(self.address).hostname or ""

    @property
    def first_event(self) -> str | None:
        """Of a hook the only one."""
        return self.events[0] if self.events else None

    @property
    def tells(self) -> bool:
        """It is on, and its owner is inside."""
        return self.active and self.owner.active and self.owner.is_inside(self.workspace_id)

    # what it is told

    @classmethod
    def listening(cls, event: str, workspace_id: int, projects: Iterable[int], *, drill: bool) -> list["Channel"]:
        """Those that want to hear of it: of all projects, or of one of these."""
        query = (
            select(cls)
            .where(cls.workspace_id == workspace_id, cls.active, cls.drills == drill)
            .where(or_(cls.project_id.is_(None), cls.project_id.in_(list(projects))))
            .options(joinedload(cls.owner))
            .order_by(cls.id)
        )
        return [channel for channel in db.session.scalars(query) if event in channel.events]

    def may_tell_of(self, task: Task | None, project: Project | None) -> bool:
        """It tells what its owner may see, at this moment; of things of no project, whoever is inside the workspace."""
        owner = self.owner
        if not owner.active or not owner.is_inside(self.workspace_id):
            return False
        if task:
            return db.session.scalar(select(Task.id).where(Task.id == task.id, Task.seen_by(owner))) is not None
        if project:
            seen = Project.id == project.id, Project.trashed_at.is_(None), Project.seen_by(owner)
            return db.session.scalar(select(Project.id).where(*seen)) is not None
        return True

    def test(self) -> None:
        """A message that says only that it comes from here; tried once."""
        self.post("test", f"test:{secrets.token_urlsafe(8)}")

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
        insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
        db.session.flush()  # what it is about may be new
        values = {
            "workspace_id": self.workspace_id, "channel_id": self.id, "event": event, "key": key, "facts": facts or {},
            "task_id": task.id if task else None, "project_id": project.id if project else None,
            "emergency_id": emergency.id if emergency else None,
        }  # fmt: skip
        row = insert(Post).values(values).on_conflict_do_nothing(index_elements=["channel_id", "key"])
        post_id = db.session.scalar(row.returning(Post.id))
        if post_id:
            db.session.add(Delivery(medium="channel", post_id=post_id))
            db.session.info["notified"] = True
        return post_id

    def tell_owner(self) -> None:
        """That it takes no messages; once a day."""
        today = Notification.created_at > clock.now() - timedelta(days=1)
        mine = Notification.user_id == self.owner_id, Notification.workspace_id == self.workspace_id
        query = select(Notification.fields).where(*mine, Notification.kind == "channel_failed", today)
        if self.owner.active and [self.name] not in db.session.scalars(query).all():
            notify_of_channel(self.owner, self)


class Post(Base):
    """One thing that one channel is told, once."""

    __tablename__ = "post"
    __table_args__ = (UniqueConstraint("channel_id", "key"), Index("ix_post_told", "channel_id", "told_at"))

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
    def tell(
        cls,
        event: str,
        *,
        workspace_id: int,
        key: str,
        task: Task | None = None,
        project: Project | None = None,
        emergency: "Emergency | None" = None,
        facts: dict[str, Any] | None = None,
        drill: bool = False,
    ) -> None:
        """Tells each channel that listens, once for each key: whoever says the same again says nothing.

        `facts` is what cannot be read from the records later: `by` (a person's id), `days` (a number), `on` (a day as
        ISO text), `what`, `from` and `to` (names as in_both() has them).
        """
        if event not in EVENTS:
            raise ValueError(f"channels are not told of {event}")
        about = task.project if task else project
        if about and about.draft_of_id:
            return
        projects = {about.id} if about else set()
        if emergency:
            projects |= {key for key in (emergency.project_id, emergency.about_id) if key}
        drill = drill or bool(about and about.drill)
        for channel in Channel.listening(event, workspace_id, projects, drill=drill):
            if channel.may_tell_of(task, None if emergency else project):
                channel.post(event, key, task=task, project=about, emergency=emergency, facts=facts)

    @classmethod
    def tell_of_many(cls, event: str, *, workspace_id: int, key: str, tasks: list[Task]) -> None:
        """One post for what happened to many tasks at once; each channel is told of those that are its own."""
        real = {task.id: task.project_id for task in tasks if not task.project.draft_of_id and not task.project.drill}
        for channel in Channel.listening(event, workspace_id, set(real.values()), drill=False):
            if not channel.may_tell_of(None, None):
                continue
            seen = select(Task.id).where(Task.id.in_(real), Task.seen_by(channel.owner)).order_by(Task.id)
            mine = [task_id for task_id in db.session.scalars(seen) if channel.project_id in (None, real[task_id])]
            if mine:
                channel.post(event, key, project=channel.project, facts={"tasks": mine})
