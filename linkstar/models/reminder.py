from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.channel import Post
from linkstar.models.notification import Notification, notify, notify_of_approval, notify_of_project
from linkstar.models.project import Project
from linkstar.models.task import Task
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.approval import Approval

KINDS = (
    "due", "overdue", "escalated", "started", "gate", "approval", "expiring", "cutoff", "idle",
)  # fmt: skip
STATES = ("due", "told", "dropped")
EVENTS = {  # kind → what channels are told of it
    "overdue": "task.overdue",
    "expiring": "compliance.expiring",
    "cutoff": "cutoff.near",
    "idle": "project.idle",
    "gate": "gate.waiting",
}
LONGEST_KEY = 80  # of a post
AT_ONCE = 500  # rows in one statement


class Reminder(Base):
    """One person is to be told one thing once: so many days before or after the day that `version` names. The unique
    index makes it once, however many timetables run; the row waits in the database until its moment has come, so that
    none is lost while the queue is away."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("user_id", "subject", "kind", "step", "version"),
        CheckConstraint(f"kind in {KINDS}", name="kind"),
        CheckConstraint(f"state in {STATES}", name="state"),
        Index("ix_reminder_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    subject: Mapped[str] = mapped_column(String(100))  # task:12, project:3, evidence:5, cutoff:fba_bfcm:awd …
    kind: Mapped[str] = mapped_column(String(12))
    step: Mapped[int]  # days before the day (or after it, where it has passed)
    version: Mapped[str] = mapped_column(String(40))  # the day that it counts from; another day is another reminder
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id", ondelete="CASCADE"), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # names in both languages, numbers
    due_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(8), default="due")
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    user: Mapped[User] = relationship()
    task: Mapped[Task | None] = relationship()
    project: Mapped[Project | None] = relationship()
    approval: Mapped["Approval | None"] = relationship()

    @classmethod
    def write(cls, fresh: Sequence[dict[str, Any]], changed: Sequence[dict[str, Any]] = ()) -> None:
        """Rows with all their columns, in one order for all who write, so that two never wait for each other. What is
        there already stays; of `changed`, an id, the state that it was found in, and its state and moment from now on,
        what somebody told or dropped meanwhile stays as it is."""
        insert = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
        for start in range(0, len(fresh), AT_ONCE):
            db.session.execute(insert(cls).values(fresh[start : start + AT_ONCE]).on_conflict_do_nothing())
        for each in changed:
            found = update(cls).where(cls.id == each["id"], cls.state == each["was"])
            values = {"state": each["state"], "due_at": each["due_at"]}
            db.session.execute(found.values(values).execution_options(synchronize_session=False))

    @classmethod
    def due(cls) -> list[int]:
        waiting = cls.state == "due", cls.due_at <= clock.now()
        return list(db.session.scalars(select(cls.id).where(*waiting).order_by(cls.due_at, cls.id)))

    @classmethod
    def more_come_to(cls, user: User) -> bool:
        """Their moment has come, and they are told in the next moments."""
        told = select(Notification.id).where(Notification.reminder_id == cls.id).exists()
        waiting = cls.user_id == user.id, cls.state == "due", cls.due_at <= clock.now(), ~told
        return db.session.scalar(select(cls.id).where(*waiting).limit(1)) is not None

    def claim(self) -> bool:
        """It is told in this transaction, and in no other."""
        claimed = db.session.execute(
            update(Reminder)
            .where(Reminder.id == self.id, Reminder.state == "due", Reminder.due_at <= clock.now())
            .values(state="told", told_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        db.session.refresh(self)
        return bool(claimed.rowcount)  # type: ignore[attr-defined]

    def drop(self) -> None:
        """It is not true any more."""
        self.state, self.told_at = "dropped", None

    def tell(self) -> None:
        """Into the person's inbox, and to the channels that listen, which hear it once whoever is told."""
        if self.approval:
            notify_of_approval(self.user, self.kind, by=None, approval=self.approval, reminder=self)
        elif self.task:
            notify(self.user, self.kind, by=None, task=self.task, reminder=self)
        elif self.project:
            notify_of_project(self.user, self.kind, by=None, project=self.project, reminder=self)
        if event := EVENTS.get(self.kind):
            facts = {"on": self.version, "days": self.step, "what": self.facts.get("name")}
            Post.tell(
                event, workspace_id=self.workspace_id, key=self._key, task=self.task, project=self.project,
                facts={name: value for name, value in facts.items() if value is not None},
            )  # fmt: skip

    @property
    def _key(self) -> str:
        """That a task is late is told to channels once, not at each step."""
        steps = () if self.kind == "overdue" else (self.step,)
        key = ":".join(map(str, ("reminder", self.subject, self.kind, *steps, self.version)))
        return key if len(key) <= LONGEST_KEY else f"reminder:{sha256(key.encode()).hexdigest()}"
