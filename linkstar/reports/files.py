"""The files of one task, as one reader may see them."""

from contextlib import suppress
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import joinedload, lazyload

from linkstar import storage
from linkstar.extensions import db
from linkstar.models import Attachment, AttachmentVersion, Task, Upload, User


class Files:
    def __init__(self, task: Task, reader: User, outsiders: list[User]) -> None:
        self.task, self.reader = task, reader
        self.outsiders = outsiders  # to whom a shared file is seen, as far as the reader may know
        self.whole = task.seen_whole_by(reader)

    @cached_property
    def attachments(self) -> list[Attachment]:
        """The newest first."""
        query = (
            select(Attachment)
            .where(Attachment.task_id == self.task.id, Attachment.seen_by(self.reader))
            .options(
                joinedload(Attachment.versions)
                .joinedload(AttachmentVersion.sent_by, innerjoin=True)
                .options(lazyload(User.memberships))
            )
            .order_by(Attachment.id.desc())
        )
        return list(db.session.scalars(query).unique())

    @cached_property
    def uploads(self) -> list[tuple[Upload, int]]:
        """What the reader began to send here and is still to be finished, and how much of it has arrived."""
        found = []
        for upload in Upload.unfinished(self.task, self.reader):
            with suppress(storage.Missing):
                found.append((upload, upload.received))
        return found

    @property
    def may_add(self) -> bool:
        return Attachment.may_be_added(self.task, self.reader)

    def versions(self, attachment: Attachment) -> list[AttachmentVersion]:
        return attachment.versions_for(self.reader)

    def shared_matters(self, attachment: Attachment) -> bool:
        """Is there a difference to be seen between what is shared and what is not?"""
        return self.whole and bool(self.outsiders or attachment.shared)
