from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.notification import notify
from linkstar.models.task import Task
from linkstar.models.user import User


class Mention(Base):
    """A person whom a comment calls by @name."""

    __tablename__ = "mention"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)

    user: Mapped[User] = relationship()


class Comment(Base):
    """Something said on a task. Inside the team unless it is shared; what an outsider says is always shared."""

    __tablename__ = "comment"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    body: Mapped[str] = mapped_column(Text)
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    task: Mapped[Task] = relationship(back_populates="comments")
    author: Mapped[User] = relationship()
    mentions: Mapped[list[Mention]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    @classmethod
    def post(cls, task: Task, body: str, *, by: User, shared: bool = False) -> Self:
        """Says something on a task and tells who is mentioned in it and may read it."""
        task.redraw()
        shared = shared or not task.seen_whole_by(by)
        comment = cls(task=task, author=by, body=body, shared=shared)
        db.session.add(comment)
        db.session.flush()
        people = [person for person in task.readers() if shared or task.seen_whole_by(person)]
        called = _called(body, people)
        for person in called:
            comment.mentions.append(Mention(user=person))
            notify(person, "mentioned", by=by, task=task, comment=comment)
        for person in people:
            if person not in called and task.is_watched_by(person):
                notify(person, "commented", by=by, task=task, comment=comment)
        task.comment_count += 1
        record("comment.added", by=by, task=task, changes={"comment": (None, comment.id)})
        return comment

    @classmethod
    def on(cls, task: Task, *, reader: User) -> list[Self]:
        """What the reader may read on a task, oldest first."""
        query = select(cls).where(cls.task_id == task.id).order_by(cls.id)
        if not task.seen_whole_by(reader):
            query = query.where(cls.shared)
        return list(db.session.scalars(query))


def _called(text: str, people: list[User]) -> list[User]:
    """Whom a text calls by @name; 王蕾 is not called by @王蕾蕾."""
    called = []
    for person in sorted(people, key=lambda person: -len(person.name)):
        if f"@{person.name}" in text:
            called.append(person)
            text = text.replace(f"@{person.name}", "")
    return called
