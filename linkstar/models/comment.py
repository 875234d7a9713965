from datetime import datetime
from typing import Self

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.notification import notify
from linkstar.models.refusal import NotAllowed, StaleVersion
from linkstar.models.task import Task
from linkstar.models.task.visible import other_creators
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
    __table_args__ = NUMBERED_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    body: Mapped[str] = mapped_column(Text)
    shared: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    edited_at: Mapped[datetime | None] = mapped_column(Instant)
    trashed_at: Mapped[datetime | None] = mapped_column(Instant)

    task: Mapped[Task] = relationship(back_populates="comments")
    author: Mapped[User] = relationship()
    mentions: Mapped[list[Mention]] = relationship(cascade="all, delete-orphan")

    @classmethod
    def post(cls, task: Task, body: str, *, by: User, shared: bool = False) -> Self:
        """Says something on a task and tells who is mentioned in it and may read it."""
        if not task.may_be_discussed_by(by):
            raise NotAllowed("comment")
        task.redraw()
        shared = shared or not task.seen_whole_by(by)
        comment = cls(task=task, author=by, body=body, shared=shared)
        db.session.add(comment)
        db.session.flush()
        people = comment._readers()
        called = comment._call(people)
        for person in people:
            owns_brief = person.id == task.owner_id and person.creates_in(task.workspace_id)
            concerned = owns_brief or task.is_watched_by(person)
            if person not in called and concerned and comment.is_read_by(person):
                notify(person, "commented", by=by, task=task, comment=comment)
        task.comment_count += 1
        record("comment.added", by=by, task=task, changes={"comment": (None, comment.id)})
        return comment

    @classmethod
    def on(cls, task: Task, *, reader: User) -> list[Self]:
        """What the reader may read on a task, oldest first; of what was taken back, only that there was something."""
        query = select(cls).where(cls.task_id == task.id).order_by(cls.id)
        if task.seen_whole_by(reader):
            return list(db.session.scalars(query))
        others = _creators_beside(reader, task)
        said = db.session.scalars(query.where(cls.shared).options(selectinload(cls.mentions)))
        return [comment for comment in said if not comment._is_between(others, reader)]

    def is_read_by(self, user: User) -> bool:
        """May somebody who sees the task read this on it?"""
        if self.trashed_at:
            return False
        if self.task.seen_whole_by(user):
            return True
        return self.shared and not self._is_between(_creators_beside(user, self.task), user)

    def edit(self, body: str, *, by: User, version: int) -> None:
        """Other words, at which `edited` is seen; who is called only now is told. The trail keeps both."""
        self._hold(by)
        if not self.task.may_be_discussed_by(by):
            raise NotAllowed("comment")
        if version != self.version:
            raise StaleVersion(version, self.version)
        if body == self.body:
            return
        old, self.body = self.body, body
        self.version += 1
        self.edited_at = clock.now()
        self._call(self._readers())
        texts = self._for_good(old), self._for_good(body)
        record("comment.edited", by=by, task=self.task, changes={"comment": (self.id, self.id), "body": texts})

    def trash(self, *, by: User) -> str:
        self._hold(by)
        self.trashed_at = clock.now()
        self.task.comment_count -= 1
        return record("comment.trashed", by=by, task=self.task, changes={"comment": (None, self.id)})

    def restore(self, *, by: User, undoes: str | None = None) -> str:
        self.task.redraw()
        self.trashed_at = None
        self.task.comment_count += 1
        return record("comment.restored", by=by, task=self.task, undoes=undoes, changes={"comment": (None, self.id)})

    def _is_between(self, others: set[int], reader: User) -> bool:
        """Creators are nothing to each other: one is shown neither what another says nor what names another."""
        called = {mention.user_id for mention in self.mentions}
        return self.author_id in others or (bool(called & others) and reader.id not in (self.author_id, *called))

    def _hold(self, by: User) -> None:
        """Everybody has a say over what he said himself, and nobody else."""
        self.task.redraw()
        if self.author_id != by.id or self.trashed_at:
            raise NotAllowed("edit")

    def _readers(self) -> list[User]:
        return [person for person in self.task.readers() if self.is_read_by(person)]

    def _call(self, people: list[User]) -> list[User]:
        """Whom the text calls; each is told once."""
        called = _called(self.body, people)
        told = {mention.user_id for mention in self.mentions}
        for person in called:
            if person.id not in told:
                self.mentions.append(Mention(user=person))
                notify(person, "mentioned", by=self.author, task=self.task, comment=self)
        return called

    def _for_good(self, text: str) -> str:
        """As the trail keeps it: whom it calls as a number, because a name may have to be forgotten."""
        for mention in sorted(self.mentions, key=lambda mention: -len(mention.user.name)):
            text = text.replace(f"@{mention.user.name}", f"@#{mention.user.id}")
        return text


def _creators_beside(reader: User, task: Task) -> set[int]:
    """The other creators of the workspace, for a creator; to anybody else nobody is hidden."""
    membership = reader.membership_in(task.workspace_id)
    if membership is None or membership.role != "creator":
        return set()
    return set(db.session.scalars(other_creators(task.workspace_id, reader)))


def _called(text: str, people: list[User]) -> list[User]:
    """Whom a text calls by @name; 王蕾 is not called by @王蕾蕾."""
    called = []
    for person in sorted(people, key=lambda person: -len(person.name)):
        if f"@{person.name}" in text:
            called.append(person)
            text = text.replace(f"@{person.name}", "")
    return called
