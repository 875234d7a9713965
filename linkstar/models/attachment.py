from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Self

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, String, UniqueConstraint, and_, false, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock, pictures, storage
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.refusal import FileRefused, NotAllowed
from linkstar.models.task import Task
from linkstar.models.task.visible import other_creators
from linkstar.models.user import User

LARGEST_FILM = 2_000_000_000
LARGEST_OTHER = 200_000_000


def largest(name: str) -> int:
    """How many bytes a file of this name may have; raises FileRefused where its kind is not taken."""
    ending = f".{name.rpartition('.')[2].lower()}"
    kinds = [kind for kind, endings in storage.KINDS.items() if ending in endings]
    if not kinds:
        raise FileRefused("kind", name)
    return LARGEST_FILM if any(kind.startswith("video/") for kind in kinds) else LARGEST_OTHER


@dataclass(frozen=True)
class ReceivedFile:
    """Bytes that somebody sent, stored and judged, and no record's yet."""

    file_key: str
    preview_key: str | None
    file_name: str
    media_type: str
    size: int
    sha256: str

    @classmethod
    def judge(cls, stored: storage.Stored, name: str) -> Self:
        """Raises FileRefused where the content is not what may be kept; then nothing of it is."""
        with storage.open(stored.key) as file:
            media_type = storage.kind_of(file, name)
            drawn = pictures.preview(file) if media_type in storage.PHOTOS else None
        if media_type is None:
            storage.delete(stored.key)
            raise FileRefused("kind" if stored.size else "empty", name)
        preview = storage.put(BytesIO(drawn), limit=len(drawn)) if drawn else None
        return cls(stored.key, preview.key if preview else None, name, media_type, stored.size, stored.sha256)

    def forget(self) -> None:
        for key in (self.file_key, self.preview_key):
            if key:
                storage.delete(key)


@contextmanager
def kept(files: Iterable[ReceivedFile]) -> Iterator[None]:
    """Where what follows fails, and no record comes of the files, they go again."""
    try:
        yield
    except BaseException:
        for file in files:
            file.forget()
        raise


class Attachment(Base):
    """A file on a task, in one or more versions. Inside the team unless it is shared; what an outsider sends is
    always shared."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_task_trashed", "task_id", "trashed_at"), NUMBERED_ONCE)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    added_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    trashed_at: Mapped[datetime | None] = mapped_column(Instant)

    task: Mapped[Task] = relationship(back_populates="attachments")
    added_by: Mapped[User] = relationship()
    versions: Mapped[list["AttachmentVersion"]] = relationship(
        order_by="AttachmentVersion.number", back_populates="attachment", cascade="all, delete-orphan"
    )

    # who sees it, and who may do what

    @classmethod
    def seen_by(cls, user: User) -> ColumnElement[bool]:
        """The one condition under which a file exists for a person: its task does, and outside the team it was shared
        or is the person's own."""
        ways: list[ColumnElement[bool]] = []
        for membership in user.memberships:
            way = [cls.workspace_id == membership.workspace_id]
            if membership.external:
                way.append(or_(cls.shared, cls.added_by_id == user.id))
            if membership.role == "creator":
                way.append(cls.added_by_id.not_in(other_creators(membership.workspace_id, user)))
            ways.append(and_(*way))
        tasks = select(Task.id).where(Task.seen_by(user))
        return and_(cls.trashed_at.is_(None), or_(false(), *ways), cls.task_id.in_(tasks))

    @staticmethod
    def may_be_added(task: Task, user: User) -> bool:
        """Whoever sees a task may add a file, like a comment."""
        membership = user.membership_in(task.workspace_id)
        return membership is not None and task.project.reach(user) != "view" and task.project.draft_of_id is None

    def may_get_version(self, user: User) -> bool:
        """Outsiders replace what they sent themselves."""
        return self.may_be_added(self.task, user) and (self.task.seen_whole_by(user) or self.added_by_id == user.id)

    def may_be_trashed_by(self, user: User) -> bool:
        """By who added it; and inside by who edits the task."""
        edits = self.task.seen_whole_by(user) and self.task.allows(user, "edit")
        return self.may_be_added(self.task, user) and (self.added_by_id == user.id or edits)

    def may_be_shared_by(self, user: User) -> bool:
        return self.task.seen_whole_by(user) and self.may_be_trashed_by(user)

    def versions_for(self, user: User) -> list["AttachmentVersion"]:
        """The newest first. What is shared is the newest; what came before it was for those inside and who sent it."""
        whole = self.task.seen_whole_by(user)
        return [
            version
            for version in reversed(self.versions)
            if whole or version.sent_by_id == user.id or (self.shared and version is self.newest)
        ]

    @property
    def newest(self) -> "AttachmentVersion":
        return self.versions[-1]

    # how it changes

    @classmethod
    def add(cls, task: Task, file: ReceivedFile, *, by: User, shared: bool = False) -> Self:
        if not cls.may_be_added(task, by):
            raise NotAllowed("edit")
        task.redraw()
        attachment = cls(
            workspace_id=task.workspace_id, task=task, added_by=by, shared=shared or not task.seen_whole_by(by)
        )
        db.session.add(attachment)
        attachment._append(file, by)
        task.file_count += 1
        attachment._record("attachment.added", by, file=(None, file.file_name))
        return attachment

    def add_version(self, file: ReceivedFile, *, by: User) -> "AttachmentVersion":
        """What was there before stays, with who sent it."""
        if not self.may_get_version(by):
            raise NotAllowed("edit")
        self.task.redraw()
        before = self.newest
        version = self._append(file, by)
        self._record(
            "attachment.version", by, file=(before.file_name, file.file_name), number=(before.number, version.number)
        )
        return version

    def share(self, *, by: User) -> None:
        """Whoever sees the task sees the file from now on, outsiders too."""
        self._set_shared(True, by)

    def unshare(self, *, by: User) -> None:
        self._set_shared(False, by)

    def trash(self, *, by: User) -> str:
        if not self.may_be_trashed_by(by):
            raise NotAllowed("edit")
        self.task.redraw()
        self.trashed_at = clock.now()
        self.task.file_count -= 1
        return self._record("attachment.trashed", by, file=(self.newest.file_name, None))

    def restore(self, *, by: User, undoes: str | None = None) -> str:
        self.task.redraw()
        self.trashed_at = None
        self.task.file_count += 1
        return self._record("attachment.restored", by, undoes, file=(None, self.newest.file_name))

    def _append(self, file: ReceivedFile, by: User) -> "AttachmentVersion":
        version = AttachmentVersion(number=len(self.versions) + 1, sent_by=by, **vars(file))
        self.versions.append(version)
        db.session.flush()
        return version

    def _set_shared(self, shared: bool, by: User) -> None:
        if not self.may_be_shared_by(by):
            raise NotAllowed("edit")
        self.task.redraw()
        if self.shared != shared:
            self.shared = shared
            name = self.newest.file_name
            self._record("attachment.shared" if shared else "attachment.unshared", by, file=(name, name))

    def _record(self, action: str, by: User, undoes: str | None = None, **changes: tuple[object, object]) -> str:
        told = {"attachment": (None, self.id), **changes}
        return record(action, by=by, task=self.task, undoes=undoes, changes=told)


class AttachmentVersion(Base):
    """The bytes of an attachment as somebody sent them. The name is that of the sender's file."""

    __tablename__ = "attachment_version"
    __table_args__ = (UniqueConstraint("attachment_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attachment_id: Mapped[int] = mapped_column(ForeignKey("attachment.id", ondelete="CASCADE"))
    number: Mapped[int]
    file_key: Mapped[str] = mapped_column(String(80), unique=True)
    preview_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    file_name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    sent_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    sent_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    attachment: Mapped[Attachment] = relationship(back_populates="versions")
    sent_by: Mapped[User] = relationship()

    @classmethod
    def keys(cls) -> Iterator[str]:
        """All that the storage keeps for attachments."""
        for row in db.session.execute(select(cls.file_key, cls.preview_key)):
            yield from filter(None, row)
