import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Self
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    delete,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, column_property, contains_eager, joinedload, mapped_column, relationship

from linkstar import clock, packs
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.absence import Absence
from linkstar.models.audit_event import new_change, record
from linkstar.models.channel import Post
from linkstar.models.evidence import Evidence
from linkstar.models.hold import Hold
from linkstar.models.mailed_link import secrets_of
from linkstar.models.membership import Membership
from linkstar.models.notification import URGENT, Notification, notify, notify_of_emergency
from linkstar.models.project import Project
from linkstar.models.refusal import NotAllowed, Overtaken
from linkstar.models.role import EXTERNAL_ROLES
from linkstar.models.task import Task
from linkstar.models.user import SignIn, User

SOURCES = ("button", "webhook", "rule")
ACKNOWLEDGING = "em_ack"  # what the pack's playbook calls the task that is done when somebody takes it up
OPERATION = "emergency_close"  # of the pack's sensitive operations: who may close, and reopen
REOPENING = timedelta(days=30)  # after which it stays closed


class Emergency(Base):
    """A listing was taken down, somebody complains, a product is not safe: declared by a person, by a webhook or by a
    rule (models/declaration.py). A playbook is laid in hours from the moment of it, legal is told first and has
    minutes to take it up, and tasks that the plan names are on hold until it is closed."""

    __tablename__ = "emergency"
    __table_args__ = (
        CheckConstraint(f"source in {SOURCES}", name="source"),
        Index("ix_emergency_open", "workspace_id", "closed_at"),
        NUMBERED_ONCE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="SET NULL"), index=True)
    about_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="SET NULL"), index=True)
    trigger: Mapped[str] = mapped_column(String(40))  # of the pack's emergency flow
    severity: Mapped[str] = mapped_column(String(4))
    title: Mapped[str] = mapped_column(String(200))  # which listing, which product
    note: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(8), default="button")
    origin: Mapped[str | None] = mapped_column(String(64), unique=True)  # the message that declared it, once
    drill: Mapped[bool] = mapped_column(default=False)
    holds_posts: Mapped[bool] = mapped_column(default=False)  # what is not published yet is held as well
    held_at: Mapped[datetime | None] = mapped_column(Instant)  # None: not before somebody takes it up
    declared_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    declared_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    escalates_at: Mapped[datetime | None] = mapped_column(Instant)  # to the next in line; None: nobody is left, or done
    escalations: Mapped[int] = mapped_column(default=0)
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    retrospective: Mapped[str | None] = mapped_column(Text)
    reopened_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    reopened_at: Mapped[datetime | None] = mapped_column(Instant)  # or when it was nobody's again

    project: Mapped[Project | None] = relationship(foreign_keys=[project_id])  # the playbook that was laid
    about: Mapped[Project | None] = relationship(foreign_keys=[about_id])  # the launch that it hits
    declared_by: Mapped[User] = relationship(foreign_keys=[declared_by_id])
    acknowledged_by: Mapped[User | None] = relationship(foreign_keys=[acknowledged_by_id])
    closed_by: Mapped[User | None] = relationship(foreign_keys=[closed_by_id])
    reopened_by: Mapped[User | None] = relationship(foreign_keys=[reopened_by_id])
    holds: Mapped[list[Hold]] = relationship(back_populates="emergency", cascade="all, delete-orphan")

    # who sees it, and who may do what

    @classmethod
    def visible_to(cls, user: User) -> Select[Self]:
        return select(cls).where(cls.seen_by(user))

    @classmethod
    def seen_by(cls, user: User) -> ColumnElement[bool]:
        """Everybody inside the workspace: whoever prepares the next shipment has to know."""
        inside = [each.workspace_id for each in user.memberships if not each.external]
        return cls.workspace_id.in_(inside)

    @classmethod
    def raging(cls) -> ColumnElement[bool]:
        """It is open, and no drill."""
        return cls.closed_at.is_(None) & ~cls.drill

    @hybrid_property
    def withdrawn(self) -> bool:
        """It is over, and nobody ever took it up."""
        return self.closed_at is not None and self.acknowledged_at is None and self.reopened_at is None

    @withdrawn.inplace.expression
    @classmethod
    def _withdrawn(cls) -> ColumnElement[bool]:
        return cls.closed_at.is_not(None) & cls.acknowledged_at.is_(None) & cls.reopened_at.is_(None)

    @classmethod
    def called_off(cls) -> Select[int | None]:
        """The playbooks in which nothing is to be done any more."""
        return select(cls.project_id).where(cls.withdrawn, cls.project_id.is_not(None)).correlate(None)

    @classmethod
    def launches_in(cls, workspace_id: int, user: User) -> Select[Project]:
        """Project.at_work_in() without the playbooks, which no emergency hits and no rule is made for."""
        playbooks = select(cls.project_id).where(cls.project_id.is_not(None))
        return Project.at_work_in(workspace_id, user).where(Project.id.not_in(playbooks))

    @classmethod
    def settled(cls) -> ColumnElement[bool]:
        """Of a task of a playbook: it is over with its emergency. What was to be done later, such as the
        retrospective, goes on; where the emergency was withdrawn, nothing does."""
        over = cls.withdrawn | (cls.closed_at >= Task.late_from)
        return select(cls.id).where(cls.project_id == Task.project_id, over).correlate(Task).exists()

    @staticmethod
    def may_be_declared_by(user: User, workspace_id: int, about: Project | None) -> bool:
        """Inside the workspace, by who may create in the project that it hits (about no project: anywhere) or sees
        every project. Nobody from outside: neither creators nor seats that only read."""
        membership = user.membership_in(workspace_id)
        if membership is None or membership.external:
            return False
        if membership.scope("view") == "all":
            return True
        return about.allows(user, "create") if about else membership.scope("create") != "none"

    @classmethod
    def may_hold(cls, user: User, workspace_id: int, about: Project | None) -> bool:
        """May the person stop the ads by the alarm alone? An alarm must be quick, so whoever creates no more than work
        of the own may raise it; what it names is held when somebody of those told takes it up."""
        membership = user.membership_in(workspace_id)
        if membership is None or not cls.may_be_declared_by(user, workspace_id, about):
            return False
        if membership.scope("view") == "all":
            return True
        return (about.scope(user, "create") if about else membership.scope("create")) in ("all", "member")

    def may_be_acknowledged_by(self, user: User) -> bool:
        """By those who were told, as long as nobody has taken it up."""
        return self.waiting and self._was_told(user)

    @property
    def waiting(self) -> bool:
        """Is it open, and has nobody taken it up?"""
        return self.acknowledged_at is None and self.closed_at is None

    def _was_told(self, user: User) -> bool:
        return user.is_inside(self.workspace_id) and user.id in self.told_ids()

    def may_be_closed_by(self, user: User) -> bool:
        return self.closed_at is None and (self.may_be_withdrawn_by(user) or self.ends_by(user))

    def may_be_withdrawn_by(self, user: User) -> bool:
        """A false alarm: by who declared it, as long as nobody has taken it up, or opened it again."""
        mine = user.id == self.declared_by_id and user.is_inside(self.workspace_id)
        return mine and self.waiting and self.reopened_at is None

    def may_be_reopened_by(self, user: User) -> bool:
        """By who may close it, for some days."""
        return self.closed_at is not None and clock.now() <= self.closed_at + REOPENING and self.ends_by(user)

    def ends_by(self, user: User) -> bool:
        """By the pack's approvers (legal) and by PMO; by an administrator where the workspace has neither."""
        membership = user.membership_in(self.workspace_id)
        if membership is None:
            return False
        closers = {*packs.pack().operation(OPERATION).approvers, "pmo"}
        if membership.role in closers:
            return True
        return membership.administers and not any(each.role in closers for each in self._members())

    # who is told

    @property
    def level(self) -> packs.Severity:
        return packs.emergency_flow().of(self.severity)

    @property
    def patience(self) -> timedelta:
        return timedelta(minutes=self.level.ack_minutes)

    def told_ids(self, since: datetime | None = None) -> set[int]:
        called = ("emergency",) if since else ("emergency", "emergency_reopened")
        here = Notification.emergency_id == self.id, Notification.kind.in_(called)
        query = select(Notification.user_id).where(*here)
        return set(db.session.scalars(query.where(Notification.created_at >= since) if since else query))

    def tell_first(self, *, by: User) -> list[User]:
        """Legal in the same moment and before the others; of each role who fills it, or stands in for who is away.
        Where nobody has any of them, the next in line."""
        fill = staff(self.workspace_id, self.about)
        people = [fill[role][0] for role in self._roles if fill.get(role)] or self.next_in_line()
        self._tell(people, by)
        return people

    @property
    def _roles(self) -> list[str]:
        """The roles of the severity, legal first."""
        return self.level.in_order

    def next_in_line(self) -> list[User]:
        """The next person of one of the roles, legal's first; then PMO, then the administrators."""
        fill, told = staff(self.workspace_id, self.about), self.told_ids(since=self.reopened_at)
        for role in self._roles:
            for person in fill.get(role, ()):
                if person.id not in told:
                    return [person]
        for role in ("pmo", "admin"):
            if left := [person for person in fill.get(role, ()) if person.id not in told]:
                return left
        return []

    def _tell(self, people: Iterable[User], by: User | None) -> None:
        """Who has just pressed the button knows; it stands in the inbox, and no mail asks to take it up."""
        people = list(dict.fromkeys(people))
        pressed = self.declared_by if self.source == "button" and not self.reopened_at and len(people) > 1 else None
        for person in people:
            notify_of_emergency(person, by=by, emergency=self, in_inbox_only=by is not None and person is pressed)
            db.session.flush()  # in this order

    def _tell_on(self, kind: str, *, by: User, but: Iterable[User] = (), fields: list[str] | None = None) -> None:
        """To all who were told of it and are still inside, how it goes on."""
        told = self.told_ids() - {by.id, *(person.id for person in but)}
        for member in self._members():
            if member.user_id in told:
                notify_of_emergency(member.user, kind, by=by, emergency=self, fields=fields or [])

    def _members(self) -> list[Membership]:
        return _insiders(self.workspace_id)

    @classmethod
    def due(cls) -> list[int]:
        """Those that nobody has taken up in time."""
        waiting = cls.escalates_at <= clock.now(), cls.acknowledged_at.is_(None), cls.closed_at.is_(None)
        return list(db.session.scalars(select(cls.id).where(*waiting).order_by(cls.escalates_at)))

    def escalate(self) -> None:
        """Tells the next in line, once, however many try."""
        people = self.next_in_line()
        claimed = db.session.execute(
            update(Emergency)
            .where(Emergency.id == self.id, Emergency.escalations == self.escalations)
            .where(Emergency.escalates_at <= clock.now())
            .where(Emergency.acknowledged_at.is_(None), Emergency.closed_at.is_(None))
            .values(
                escalations=Emergency.escalations + int(bool(people)),
                escalates_at=clock.now() + self.patience if people else None,
            )
            .execution_options(synchronize_session=False)
        )
        if not claimed.rowcount:  # type: ignore[attr-defined]
            return
        self._tell(people, None)
        for person in people:
            self.write_down("emergency.escalated", by=None, changes={"user_id": (None, person.id)})
        db.session.refresh(self)

    # what happens to it

    def acknowledge(self, *, by: User) -> None:
        """Somebody takes it up; nobody else is called, and what an alarm alone did not hold is held now."""
        self._lock()
        if not self._was_told(by):
            raise NotAllowed("acknowledge")
        if not self.waiting:
            raise Overtaken("changed_since")
        self.acknowledged_by, self.acknowledged_at, self.escalates_at = by, clock.now(), None
        severity = self.severity, self.severity
        change = self.write_down("emergency.acknowledged", by=by, changes={"severity": severity})
        if self.held_at is None:
            self.hold(by=by, change=change)
        self.finish(ACKNOWLEDGING, by=by)
        self.announce("acknowledged")

    def due_to_acknowledge(self) -> None:
        """What is done by taking it up has as long as the severity gives."""
        here = Task.project == self.project, Task.key == ACKNOWLEDGING
        if (task := db.session.scalar(select(Task).where(*here))) and self.escalates_at:
            task.due_at = self.escalates_at
            task.due_on = task.due_at.astimezone(ZoneInfo(task.owner.timezone)).date()
            task.set_deadline()

    def finish(self, key: str | None, *, by: User) -> None:
        """What was done by declaring or taking it up is done in the playbook, too, if nothing there holds it."""
        here = Task.project_id == self.project_id, Task.key == key, Task.trashed_at.is_(None)
        task = db.session.scalar(select(Task).where(*here, Task.completed_at.is_(None)))
        if task is None:
            return
        done = next(stage for stage in task.project.stages if stage.kind == "done")
        holds = task.holds_at(done)
        if holds.blockers or holds.items or holds.due_on or holds.emergencies:
            return
        if holds.deliverable:
            when = f"{clock.now():%Y-%m-%d %H:%M} UTC"  # no name, which would outlast its person in the trail
            task.deliver(Evidence(workspace_id=self.workspace_id, kind="text", value=when), by=by)
        task.move_to(by=by, to={"stage": done})

    def hold(self, *, by: User, change: str) -> None:
        """The ads work of the launch that it hits, and of its sub-projects: open tasks that are given to the role ads,
        or owned by who has it; with `holds_posts` also what is not published yet. What lies in the trash may come
        back, and is held as well; what is added later, hold_added() holds. A drill only writes down which."""
        tasks = self._to_hold()
        self._forget_holds()
        self.holds, self.held_at = [Hold(task_id=task.id, task=task) for task in tasks], clock.now()
        if not self.drill:
            self._redraw(tasks)
            self._note_tasks("emergency.held", tasks, by=by, change=change)
            here = [task for task in tasks if not task.trashed_at and not task.project.trashed_at]
            self._tell_owners("held", here, by=by if self.source == "button" else None)
        db.session.flush()

    @classmethod
    def hold_added(cls, task: Task, *, by: User) -> list["Emergency"]:
        """What became ads work of a launch that it holds, since it holds it; to be called under the project's lock."""
        launch = [key for key in (task.project_id, task.project.parent_id) if key]
        holding = select(cls).where(cls.raging(), cls.held_at.is_not(None), cls.about_id.in_(launch))
        without = cls.id.not_in(select(Hold.emergency_id).where(Hold.task_id == task.id))
        found = [each for each in db.session.scalars(holding.where(without)) if each._to_hold(Task.id == task.id)]
        for emergency in found:
            db.session.add(Hold(emergency_id=emergency.id, task_id=task.id))
            emergency._note_tasks("emergency.held", [task], by=by, change=new_change())
        db.session.flush()
        return found

    def _tell_owners(self, kind: str, tasks: Iterable[Task], *, by: User | None) -> None:
        """Each once, however many tasks. What it is called is told to nobody outside the workspace."""
        owned: dict[User, list[Task]] = {}
        for task in tasks:
            owned.setdefault(task.owner, []).append(task)
        for owner, mine in owned.items():
            title = self.title if owner.is_inside(self.workspace_id) else ""
            notify(owner, kind, by=by, task=mine[0], fields=[title, str(len(mine))])

    def _to_hold(self, *which: ColumnElement[bool]) -> list[Task]:
        if self.about is None:
            return []
        launch = or_(Project.id == self.about.id, Project.parent_id == self.about.id)
        projects = select(Project.id).where(launch)
        advertisers = select(Membership.user_id).where(
            Membership.workspace_id == self.workspace_id, Membership.role == "ads"
        )
        named = [Task.role == "ads", Task.owner_id.in_(advertisers)]
        if self.holds_posts:
            named.append(Task.publish_at.is_not(None))
        return list(
            db.session.scalars(
                select(Task)
                .where(Task.project_id.in_(projects), or_(*named))
                .where(Task.completed_at.is_(None), *which)
                .order_by(Task.id)
            )
        )

    def close(self, retrospective: str, *, by: User) -> None:
        """With what was learnt; what it held may start again, and its owners are told. Who declared it withdraws it in
        this way."""
        self._lock()
        if not self.may_be_closed_by(by):
            if self.ends_by(by) or by.id == self.declared_by_id:
                raise Overtaken("changed_since")
            raise NotAllowed("close")
        change = new_change()
        self.closed_by, self.closed_at, self.retrospective = by, clock.now(), retrospective
        self.escalates_at = None
        self.write_down("emergency.closed", by=by, change=change, changes={"retrospective": (None, retrospective)})
        if not self.drill:
            self._release(by, change)
            self._tell_on("emergency_over", by=by, fields=["withdrawn"] if self.withdrawn else [])
        self.announce("closed")

    def reopen(self, why: str, *, by: User) -> None:
        """It goes on: who had taken it up has it; else they are called from the first one on. All who were told of it
        hear so. It holds what is open now."""
        self._lock()
        if not self.may_be_reopened_by(by):
            if self.closed_at is None and self.ends_by(by):
                raise Overtaken("changed_since")
            raise NotAllowed("close")
        self.closed_by = self.closed_at = None
        self.reopened_by, self.reopened_at = by, clock.now()
        change = self.write_down("emergency.reopened", by=by, changes={"why": (None, why)})
        self.hold(by=by, change=change)
        if self.acknowledged_by and self.acknowledged_by.is_inside(self.workspace_id):
            self._tell_on("emergency_reopened", by=by)
        else:
            self.acknowledged_by = self.acknowledged_at = None
            self.escalates_at = self.reopened_at + self.patience
            self._tell_on("emergency_reopened", by=by, but=self.tell_first(by=by))
        self.announce("reopened")

    @classmethod
    def taken_up_by(cls, user: User, workspace_id: int) -> list[Self]:
        mine = cls.acknowledged_by_id == user.id, cls.closed_at.is_(None), cls.workspace_id == workspace_id
        return list(db.session.scalars(select(cls).where(*mine).order_by(cls.id)))

    def abandon(self, *, by: User) -> None:
        """Who had taken it up has left: it is nobody's, and they are called from the first one on."""
        self._lock()
        left = self.acknowledged_by_id, None
        self.acknowledged_by = self.acknowledged_at = None
        self.reopened_at = clock.now()
        self.escalates_at = self.reopened_at + self.patience
        self.write_down("emergency.abandoned", by=by, changes={"user_id": left})
        self.tell_first(by=by)

    def _release(self, by: User, change: str) -> None:
        query = select(Task).join(Hold, Hold.task_id == Task.id).where(Hold.emergency_id == self.id).order_by(Task.id)
        tasks = list(db.session.scalars(query))
        self._redraw(tasks)
        self._note_tasks("emergency.released", tasks, by=by, change=change)
        self._forget_holds()
        held = select(Hold.task_id).where(Hold.task_id.in_([task.id for task in tasks]), Hold.real())
        still = set(db.session.scalars(held))
        living = [task for task in tasks if not task.completed_at and not task.trashed_at]
        here = [task for task in living if task.id not in still and not task.project.trashed_at]
        self._tell_owners("released", here, by=by)

    def _forget_holds(self) -> None:
        db.session.execute(delete(Hold).where(Hold.emergency_id == self.id).execution_options(**QUIETLY))
        db.session.expire(self, ["holds"])

    @staticmethod
    def _redraw(tasks: Iterable[Task]) -> None:
        """Their cards say something else now. The projects in the order of their ids, as a plan locks them."""
        projects = {task.project_id: task.project for task in tasks}
        revisions = {key: projects[key].touch() for key in sorted(projects)}
        for task in tasks:
            task.revision = revisions[task.project_id]

    def _note_tasks(self, action: str, tasks: Iterable[Task], *, by: User, change: str) -> None:
        title = {"emergency": (None, self.title) if action == "emergency.held" else (self.title, None)}
        for task in tasks:
            record(action, by=by, task=task, change=change, changes=title)

    def write_down(
        self, action: str, *, by: User | None, changes: dict[str, tuple[object, object]], change: str | None = None
    ) -> str:
        """In the trail of its playbook, where its page finds it."""
        told = {"emergency": (self.title, self.title), **changes}
        here = {"workspace_id": self.workspace_id, "project_id": self.project_id}
        return record(action, by=by, change=change, changes=told, **here)  # type: ignore[arg-type]

    def announce(self, what: str) -> None:
        """To the channels: declared, acknowledged, closed, reopened; each once, and again after it was reopened."""
        again = f":{self.reopened_at:%Y%m%dT%H%M%S%f}" if self.reopened_at else ""
        Post.tell(
            f"emergency.{what}", workspace_id=self.workspace_id, key=f"emergency:{self.id}:{what}{again}",
            emergency=self, project=self.project, drill=self.drill,
        )  # fmt: skip

    def _lock(self) -> None:
        """Until the end of the transaction; what was read of it is read again."""
        db.session.refresh(self, with_for_update={"of": Emergency})


QUIETLY = {"synchronize_session": False}


def _urgent() -> ColumnElement[bool]:
    """Of a notice: an emergency, what it holds, and whatever is told of the playbook of one that rages."""
    playbooks = select(Emergency.project_id).where(Emergency.raging(), Emergency.project_id.is_not(None))
    tasks = select(Task.id).where(Task.project_id.in_(playbooks)).correlate(None)
    about = Notification.task_id.in_(tasks), Notification.project_id.in_(playbooks.correlate(None))
    return func.coalesce(or_(Notification.kind.in_(URGENT), *about), false())  # most are of no project, or no task


Notification.urgent = column_property(_urgent(), deferred=True)


def _insiders(workspace_id: int) -> list[Membership]:
    query = (
        select(Membership)
        .join(Membership.user)
        .where(Membership.workspace_id == workspace_id, User.active, Membership.role.not_in(EXTERNAL_ROLES))
        .options(contains_eager(Membership.user).selectinload(User.memberships))
        .order_by(Membership.id)
    )
    return list(db.session.scalars(query))


def staff(workspace_id: int, about: Project | None) -> dict[str, list[User]]:
    """Role → who has it inside the workspace: those who take part in the launch first, those who are away last."""
    taking_part = {member.user_id for member in about.members} if about else set()
    members = _insiders(workspace_id)
    here = Absence.workspace_id == workspace_id, Absence.user_id.in_([member.user_id for member in members])
    away: dict[int, list[Absence]] = {}
    for absence in db.session.scalars(select(Absence).where(*here)):
        away.setdefault(absence.user_id, []).append(absence)

    def last(member: Membership) -> tuple[bool, bool]:
        today = clock.today(ZoneInfo(member.user.timezone))
        is_away = any(each.first_on <= today <= each.last_on for each in away.get(member.user_id, ()))
        return is_away, member.user_id not in taking_part

    fill: dict[str, list[User]] = {}
    for member in sorted(members, key=last):
        fill.setdefault(member.role, []).append(member.user)
    return fill


class Inlet(Base):
    """An address that other programs may post to: to declare an emergency, or to set automations going. The row holds
    no secret: the token follows from its key and SECRET_KEY and is looked up by its hash."""

    __tablename__ = "inlet"
    __table_args__ = NUMBERED_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))  # in whose name, and with whose rights
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(12))  # emergency, automation
    key: Mapped[str] = mapped_column(String(32))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(Instant)

    owner: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()

    @classmethod
    def create(cls, workspace_id: int, name: str, purpose: str, *, by: User, project: Project | None = None) -> Self:
        key = secrets.token_urlsafe(16)
        inlet = cls(workspace_id=workspace_id, name=name, purpose=purpose, key=key, owner=by, project=project)
        inlet.token_hash = SignIn.digest(inlet.token)
        db.session.add(inlet)
        db.session.flush()
        record("inlet.made", by=by, workspace_id=workspace_id, changes={"inlet": (None, name)})
        return inlet

    def revoke(self, *, by: User) -> None:
        """It takes nothing more from the next time on."""
        record("inlet.revoked", by=by, workspace_id=self.workspace_id, changes={"inlet": (self.name, None)})
        db.session.delete(self)

    @property
    def token(self) -> str:
        return secrets_of(self.key, "inlet")

    @classmethod
    def of(cls, workspace_id: int) -> list[Self]:
        here = select(cls).where(cls.workspace_id == workspace_id)
        return list(db.session.scalars(here.options(joinedload(cls.owner), joinedload(cls.project)).order_by(cls.id)))

    @classmethod
    def bearing(cls, token: str) -> Self | None:
        """The one with this token, if it opens anything."""
        inlet = db.session.scalar(select(cls).where(cls.token_hash == SignIn.digest(token)))
        return inlet if inlet and inlet.opens else None

    @property
    def opens(self) -> bool:
        """Is its owner still inside, and was not let in anew since? Who left and came back left the old ones behind."""
        if not self.owner.active or self.owner.lacks_second_factor:
            return False
        membership = self.owner.membership_in(self.workspace_id)
        return membership is not None and not membership.external and membership.created_at <= self.created_at

    def origin_of(self, key: str) -> str:
        """What stands for one message that came in here, however often it comes."""
        return sha256(f"{self.id} {key}".encode("utf-8", "surrogatepass")).hexdigest()
