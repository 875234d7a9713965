import secrets
from datetime import datetime
from typing import Self

from flask import current_app
from sqlalchemy import BigInteger, ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock, storage
from linkstar.extensions import Base, Instant, db
from linkstar.models.attachment import Attachment, AttachmentVersion, ReceivedFile, largest
from linkstar.models.evidence import Evidence
from linkstar.models.refusal import FileRefused, NotAllowed
from linkstar.models.task import Task
from linkstar.models.user import User
from linkstar.models.workspace import Workspace

WARNS_FROM = 80  # percent


class Upload(Base):
    """A file on its way in, piece by piece, so that a broken line costs nothing. Its bytes grow in the storage,
    which alone knows how many there are. What came of it is kept for who did not hear the last answer."""

    __tablename__ = "upload"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: secrets.token_urlsafe(16))
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    attachment_id: Mapped[int | None] = mapped_column(  # of which it is a new version
        ForeignKey("attachment.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    file_name: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    shared: Mapped[bool] = mapped_column(default=False)
    file_key: Mapped[str] = mapped_column(String(80), unique=True)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("attachment_version.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    last_piece_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    task: Mapped[Task] = relationship()
    attachment: Mapped[Attachment | None] = relationship()
    version: Mapped[AttachmentVersion | None] = relationship()
    user: Mapped[User] = relationship()

    @classmethod
    def begin(
        cls, task: Task, name: str, size: int, *, by: User, shared: bool = False, attachment: Attachment | None = None
    ) -> Self:
        """Raises FileRefused before a byte is sent, where it can be known."""
        if not (attachment.may_get_version(by) if attachment else Attachment.may_be_added(task, by)):
            raise NotAllowed("edit")
        StorageUse(task.workspace_id).refuse(name, size, by=by)
        upload = cls(
            workspace_id=task.workspace_id, task=task, attachment=attachment, user=by, file_name=name, size=size,
            shared=shared, file_key=storage.begin(),
        )  # fmt: skip
        db.session.add(upload)
        db.session.flush()
        return upload

    @property
    def received(self) -> int:
        return storage.grown(self.file_key)

    def become(self, file: ReceivedFile) -> AttachmentVersion:
        """The file is whole: it becomes an attachment, or a version of one. Raises FileRefused where others have
        filled the workspace since it was begun."""
        db.session.get_one(Workspace, self.workspace_id).hold()
        StorageUse(self.workspace_id).refuse_over(file.file_name, file.size)
        if self.attachment:
            self.version = self.attachment.add_version(file, by=self.user)
        else:
            self.version = Attachment.add(self.task, file, by=self.user, shared=self.shared).newest
        return self.version

    def cancel(self) -> None:
        storage.abandon(self.file_key)
        db.session.delete(self)

    @classmethod
    def unfinished(cls, task: Task, user: User) -> list[Self]:
        query = select(cls).where(cls.task_id == task.id, cls.user_id == user.id, cls.version_id.is_(None))
        return list(db.session.scalars(query.order_by(cls.id)))


class StorageUse:
    """How much the files of a workspace take up, with those in the trash, of what they may."""

    def __init__(self, workspace_id: int) -> None:
        self.workspace_id = workspace_id
        self.quota: int = current_app.config["STORAGE_QUOTA"]
        attachments = (
            select(func.coalesce(func.sum(AttachmentVersion.size), 0))
            .join(AttachmentVersion.attachment)
            .where(Attachment.workspace_id == workspace_id)
        )
        evidence = select(func.coalesce(func.sum(Evidence.size), 0)).where(Evidence.workspace_id == workspace_id)
        row = db.session.execute(select(attachments.scalar_subquery(), evidence.scalar_subquery())).one()
        self.used = int(row[0]) + int(row[1])

    @property
    def percent(self) -> int:
        return min(100, self.used * 100 // self.quota)

    @property
    def warns(self) -> bool:
        return self.percent >= WARNS_FROM

    def refuse(self, name: str, size: int, *, by: User) -> None:
        """Raises FileRefused where a file of this name and size is not to be sent. What the same person is sending
        already counts; nobody else's does, or one who only begins would keep all others out."""
        limit = largest(name)
        if size == 0:
            raise FileRefused("empty", name)
        if size > limit:
            raise FileRefused("large", name, limit)
        sending = select(func.coalesce(func.sum(Upload.size), 0)).where(
            Upload.workspace_id == self.workspace_id, Upload.user_id == by.id, Upload.version_id.is_(None)
        )
        self.refuse_over(name, int(db.session.scalar(sending) or 0) + size)

    def refuse_over(self, name: str, size: int) -> None:
        if self.used + size > self.quota:
            raise FileRefused("full", name, self.quota)
