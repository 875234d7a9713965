from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey, Index, Text, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.absence import Absence
from linkstar.models.audit_event import record
from linkstar.models.calendar_day import calendars_of
from linkstar.models.notification import notify
from linkstar.models.refusal import NotAllowed
from linkstar.models.task import Task
from linkstar.models.task.two_sided import side_of
from linkstar.models.user import User


class HandoverNote(Base):
    """What one side of an ocean leaves for the other when it goes home: done, needed, to be decided. It arrives when
    the other side's next working day begins, or at once where it is at work."""

    __tablename__ = "handover_note"
    __table_args__ = (Index("ix_handover_note_due", "delivered_at", "deliver_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    recipient_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    done: Mapped[str | None] = mapped_column(Text)
    needed: Mapped[str | None] = mapped_column(Text)
    decide: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    deliver_at: Mapped[datetime] = mapped_column(Instant)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)

    task: Mapped[Task] = relationship()
    author: Mapped[User] = relationship(foreign_keys=[author_id])
    recipient: Mapped[User] = relationship(foreign_keys=[recipient_id])

    @staticmethod
    def may_be_written(task: Task, by: User) -> bool:
        """By who sees the task and may speak there; creators have their briefs."""
        membership = by.membership_in(task.workspace_id)
        return membership is not None and membership.of_the_team and task.may_be_discussed_by(by)

    @classmethod
    def recipients(cls, task: Task, by: User) -> list[User]:
        """Who of the team sees the task; for an outsider, as far as the task or a note has told who there is."""
        people = [
            person
            for person in task.readers()
            if person.id != by.id and (here := person.membership_in(task.workspace_id)) and here.of_the_team
        ]
        if task.seen_whole_by(by):
            return people
        wrote = select(cls.author_id).where(cls.task_id == task.id, cls.recipient_id == by.id).distinct()
        told = {task.owner_id, task.project.owner_id, *db.session.scalars(wrote)}
        if task.owner_id == by.id and task.counterpart_id:
            told.add(task.counterpart_id)
        return [person for person in people if person.id in told]

    @classmethod
    def write(
        cls, task: Task, recipient: User, *, by: User, done: str | None, needed: str | None, decide: str | None
    ) -> Self:
        if not cls.may_be_written(task, by) or recipient not in cls.recipients(task, by):
            raise NotAllowed("view")
        now = clock.now()
        note = cls(
            workspace_id=task.workspace_id, task=task, author=by, recipient=recipient, done=done, needed=needed,
            decide=decide, created_at=now, deliver_at=_arrives(task.workspace_id, recipient, now),
        )  # fmt: skip
        db.session.add(note)
        db.session.flush()
        task.redraw()
        record("handover_note.written", by=by, task=task, changes={"user_id": (None, recipient.id)})
        return note

    @classmethod
    def due(cls) -> list[int]:
        waiting = cls.delivered_at.is_(None), cls.deliver_at <= clock.now()
        return list(db.session.scalars(select(cls.id).where(*waiting).order_by(cls.deliver_at)))

    def deliver(self) -> None:
        """Once, however many try; to nobody who does not see the task any more."""
        claimed = db.session.execute(
            update(HandoverNote)
            .where(HandoverNote.id == self.id, HandoverNote.delivered_at.is_(None))
            .values(delivered_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        seen = Task.visible_to(self.recipient).where(Task.id == self.task_id)
        if claimed.rowcount and self.recipient.active and db.session.scalar(seen):  # type: ignore[attr-defined]
            notify(self.recipient, "handed_over", by=self.author, task=self.task, handover_note=self)

    @classmethod
    def of(cls, task: Task, person: User | None = None) -> list[Self]:
        """The newest first; of one person's only what that person wrote or gets."""
        query = select(cls).where(cls.task_id == task.id)
        if person:
            query = query.where(or_(cls.recipient_id == person.id, cls.author_id == person.id))
        return list(db.session.scalars(query.order_by(cls.id.desc()).limit(5)))


def _arrives(workspace_id: int, recipient: User, now: datetime) -> datetime:
    """Now where the reader is at work, or when the next working day begins on which the reader is there."""
    away = Absence.away([workspace_id], [recipient.id]).get((workspace_id, recipient.id), ())
    side = side_of(recipient, calendars_of(workspace_id), away)
    return now if side.works(now) else side.opens(now) or now
