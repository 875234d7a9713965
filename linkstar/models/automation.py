from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    and_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.heard import Heard
from linkstar.models.notification import notify_of_automation
from linkstar.models.project import Project
from linkstar.models.refusal import NotAllowed, StaleVersion
from linkstar.models.user import User
from linkstar.planning.automating import Part

if TYPE_CHECKING:
    from linkstar.models.task import Task

STATES = ("due", "done", "nothing", "refused", "stopped")
PARTS = ("name", "trigger", "conditions", "actions")  # what somebody writes of an automation


class Automation(Base):
    """When something happens, and if it is so, then do this: with the rights of its owner, and no others."""

    __tablename__ = "automation"
    __table_args__ = NUMBERED_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    name: Mapped[str] = mapped_column(String(80))
    trigger: Mapped[dict[str, Any]] = mapped_column(JSON)  # parts as planning.automating has them
    conditions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    actions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    active: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime | None] = mapped_column(Instant)  # it is on; what was before sets nothing going
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    owner: Mapped[User] = relationship()
    project: Mapped[Project | None] = relationship()
    runs: Mapped[list["AutomationRun"]] = relationship(
        back_populates="automation", cascade="all, delete-orphan", passive_deletes=True
    )

    # who sees it, and who keeps it

    @classmethod
    def seen_by(cls, user: User) -> ColumnElement[bool]:
        """What runs over the whole workspace is for everybody inside to read, and what runs over a project for who
        sees that; Automations leaves out those that name another project."""
        inside = [each.workspace_id for each in user.memberships if not each.external]
        projects = select(Project.id).where(Project.trashed_at.is_(None), Project.seen_by(user))
        return and_(cls.workspace_id.in_(inside), or_(cls.project_id.is_(None), cls.project_id.in_(projects)))

    @staticmethod
    def may_be_made_by(user: User, workspace_id: int, project: Project | None) -> bool:
        """Over the whole workspace by who keeps it; over a project by its owner too."""
        membership = user.membership_in(workspace_id)
        if membership is None or membership.external or not user.active:
            return False
        return membership.keeps_workspace or (project is not None and project.owner_id == user.id)

    def is_kept_by(self, user: User) -> bool:
        return self.may_be_made_by(user, self.workspace_id, self.project)

    @property
    def parts(self) -> list[Part]:
        return [self.trigger, *self.conditions, *self.actions]

    @property
    def project_keys(self) -> set[str]:
        """The projects that its conditions name."""
        return {each["choice"] for each in self.conditions if each["kind"] == "project"}

    # how it changes

    @classmethod
    def create(cls, workspace_id: int, project: Project | None, values: dict[str, Any], *, by: User) -> Self:
        """It is off until somebody switches it on."""
        cls._refuse(by, workspace_id, project)
        automation = cls(workspace_id=workspace_id, project=project, owner=by, **values)
        db.session.add(automation)
        db.session.flush()
        automation._record("automation.added", by, None, automation.name)
        return automation

    def edit(self, values: dict[str, Any], project: Project | None, *, by: User, version: int) -> None:
        """Whoever writes it owns it from then on: nobody makes another person do something."""
        self._lock()
        self._refuse(by, self.workspace_id, self.project)
        self._refuse(by, self.workspace_id, project)
        if version != self.version:
            raise StaleVersion(version, self.version)
        old = self.name
        for name in PARTS:
            setattr(self, name, values[name])
        self.project, self.owner = project, by
        self.version += 1
        self.since = clock.now() if self.active else None
        self._record("automation.edited", by, old, self.name)

    def switch(self, on: bool, *, by: User) -> None:
        """On, in the name of who does it; off by who keeps it."""
        self._lock()
        self._refuse(by, self.workspace_id, self.project)
        if on == self.active:
            return
        if on:
            self.owner, self.since = by, clock.now()
            Heard.begin(self.workspace_id)
        self._set(on, by)

    def stop(self, others: Sequence[str] = ()) -> None:
        """Switched off by the program, because it runs in a circle with these `others` or without end; its owner is
        told."""
        self._set(False, None)
        notify_of_automation(self.owner, "automation_stopped", self, others)

    def pause(self) -> None:
        """Switched off by the program, because something that it names is gone; its owner is told."""
        self._set(False, None)
        notify_of_automation(self.owner, "automation_paused", self)

    def remove(self, *, by: User) -> None:
        self._refuse(by, self.workspace_id, self.project)
        self._record("automation.removed", by, self.name, None)
        db.session.delete(self)

    def _lock(self) -> None:
        """Until the end of the transaction; what was read of it is read again."""
        db.session.refresh(self, with_for_update={"of": Automation})

    def _set(self, on: bool, by: User | None) -> None:
        self.active, self.since = on, self.since if on else None
        self._record("automation.switched", by, self.name, self.name, active=(not on, on))

    @classmethod
    def _refuse(cls, by: User, workspace_id: int, project: Project | None) -> None:
        if not cls.may_be_made_by(by, workspace_id, project):
            raise NotAllowed("edit")

    def _record(self, action: str, by: User | None, old: str | None, new: str | None, **more: tuple[Any, Any]) -> None:
        record(
            action, by=by, workspace_id=self.workspace_id, project_id=self.project_id,
            changes={"automation": (old, new), **more},
        )  # fmt: skip

    @classmethod
    def active_in(cls, workspace_id: int) -> list[Self]:
        here = select(cls).where(cls.workspace_id == workspace_id, cls.active)
        return list(db.session.scalars(here.order_by(cls.id)))

    @classmethod
    def workspaces(cls) -> list[int]:
        """Those in which some automation is on."""
        return list(
            db.session.scalars(select(cls.workspace_id).where(cls.active).distinct().order_by(cls.workspace_id))
        )


class AutomationRun(Base):
    """What one automation did about one thing that happened, or why it did not."""

    __tablename__ = "automation_run"
    __table_args__ = (
        UniqueConstraint("automation_id", "key"),
        CheckConstraint(f"state in {STATES}", name="state"),
        Index("ix_automation_run_due", "state", "id"),
        Index("ix_automation_run_lately", "automation_id", "created_at"),
        NUMBERED_ONCE,  # what it told a channel is known by this number
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    automation_id: Mapped[int] = mapped_column(ForeignKey("automation.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(80))  # what set it going: event:123 of the trail, late:…, due:…, post:…
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(8), default="due")
    depth: Mapped[int] = mapped_column(default=0)  # how many automations set each other going before it
    chain: Mapped[list[int]] = mapped_column(JSON, default=list)  # which ones, the first one first
    change: Mapped[str | None] = mapped_column(String(32), index=True)  # of the trail: what it did
    trouble: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # why not: facts, no sentence
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    done_at: Mapped[datetime | None] = mapped_column(Instant)

    automation: Mapped[Automation] = relationship(back_populates="runs")
    task: Mapped["Task | None"] = relationship()
    project: Mapped[Project | None] = relationship()

    @classmethod
    def write(cls, rows: Iterable[dict[str, Any]]) -> None:
        """Each once: the same automation is set going by the same thing no second time."""
        written = [{"depth": 0, "chain": [], "state": "due", "trouble": None, "done_at": None} | row for row in rows]
        if written:
            insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
            db.session.execute(insert(cls).on_conflict_do_nothing(index_elements=["automation_id", "key"]), written)

    @classmethod
    def due(cls) -> list[int]:
        return list(db.session.scalars(select(cls.id).where(cls.state == "due").order_by(cls.id).limit(1000)))

    def claim(self) -> bool:
        """In this transaction it is nobody else's; who comes second finds it done."""
        mine = update(AutomationRun).where(AutomationRun.id == self.id, AutomationRun.state == "due")
        values = {"state": "nothing", "done_at": clock.now()}
        claimed = db.session.execute(mine.values(values).execution_options(synchronize_session=False))
        db.session.refresh(self)
        return bool(claimed.rowcount)  # type: ignore[attr-defined]

    def end(self, state: str, trouble: dict[str, Any] | None = None) -> None:
        self.state, self.trouble, self.done_at = state, trouble, clock.now()
