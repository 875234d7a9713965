from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Mapped

from linkstar.extensions import db
from linkstar.models.audit_event import record
from linkstar.models.task.participant import Participant
from linkstar.models.user import User


class Discussable:
    """Who takes part in a task beside its owner."""

    if TYPE_CHECKING:
        id: Mapped[int]
        owner_id: Mapped[int]
        participants: Mapped[list[Participant]]
        redraw: Any

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

    def watch(self, *, by: User) -> None:
        if not self.is_watched_by(by):  # who helps with it watches it already
            self.add_participant(by, "watcher", by=by)

    def unwatch(self, *, by: User) -> None:
        participant = db.session.get(Participant, (self.id, by.id))
        if participant is not None and participant.kind == "watcher":
            self.remove_participant(by, by=by)

    def is_watched_by(self, user: User) -> bool:
        return any(participant.user_id == user.id for participant in self.participants)
