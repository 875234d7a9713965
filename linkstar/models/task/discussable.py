from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Mapped

from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.mailed_link import MailedLink
from linkstar.models.notification import Delivery, Notification
from linkstar.models.task.participant import Participant
from linkstar.models.user import User


class Discussable:
    """Who takes part in a task beside its owner."""

    if TYPE_CHECKING:
        id: Mapped[int]
        workspace_id: Mapped[int]
        owner_id: Mapped[int]
        participants: Mapped[list[Participant]]
        redraw: Any
        edit: Any

    def add_participant(self, user: User, kind: str, *, by: User) -> None:
        participant = db.session.get(Participant, (self.id, user.id))
        if participant is None:
            self.participants.append(Participant(user=user, kind=kind))
        elif participant.kind == kind:
            return
        else:
            participant.kind = kind
        record("participant.added", by=by, task=self, changes={kind: (None, user.id)})  # type: ignore[arg-type]

    def remove_participant(self, user: User, *, by: User) -> None:
        participant = db.session.get(Participant, (self.id, user.id))
        if participant is not None:
            self.participants.remove(participant)
            record("participant.removed", by=by, task=self, changes={participant.kind: (user.id, None)})  # type: ignore[arg-type]

    def share_with(self, creator: User, *, owner: bool, by: User) -> None:
        """Gives the task to a creator, or lets one help with it, and mails the way in: that mail tells it all."""
        if owner:
            self.edit({"owner_id": creator.id}, by=by)
            self.remove_participant(creator, by=by)
        elif self.owner_id != creator.id:
            self.add_participant(creator, "collaborator", by=by)
        if not creator.only_creates:
            return
        db.session.flush()
        here = Notification.task_id == self.id, Notification.user_id == creator.id
        for told in db.session.scalars(select(Delivery).join(Delivery.notification).where(*here)):
            if told.state == "due":
                db.session.delete(told)
        self.send_entry(creator, by=by)

    def send_entry(self, creator: User, *, by: User) -> None:
        MailedLink.send(
            "entry", user=creator, email=creator.email, name=creator.name, language=creator.language,
            workspace_id=self.workspace_id, task_id=self.id, sent_by=by,
        )  # fmt: skip
        record("entry.sent", by=by, task=self, changes={"user_id": (None, creator.id)})  # type: ignore[arg-type]

    def revoke_entry(self, link: MailedLink, *, by: User) -> None:
        link.revoke()
        record("entry.revoked", by=by, task=self, changes={"user_id": (link.user_id, None)})  # type: ignore[arg-type]

    def stop_sharing_with(self, creator: User, *, by: User) -> None:
        """The creator helps no more, and what was mailed for this task opens nothing any more."""
        self.remove_participant(creator, by=by)
        for link in self.entries:
            if link.user_id == creator.id and link.opens:
                self.revoke_entry(link, by=by)

    @property
    def entries(self) -> list[MailedLink]:
        """The links by which creators were invited to the task, the newest first."""
        query = select(MailedLink).where(MailedLink.kind == "entry", MailedLink.task_id == self.id)
        return list(db.session.scalars(query.order_by(MailedLink.id.desc())))

    def watch(self, *, by: User) -> None:
        if not self.is_watched_by(by):  # who helps with it watches it already
            self.add_participant(by, "watcher", by=by)

    def unwatch(self, *, by: User) -> None:
        participant = db.session.get(Participant, (self.id, by.id))
        if participant is not None and participant.kind == "watcher":
            self.remove_participant(by, by=by)

    def is_watched_by(self, user: User) -> bool:
        return any(participant.user_id == user.id for participant in self.participants)
