"""What somebody is reminded of in one morning, in one message instead of many."""

from collections.abc import Iterable
from dataclasses import dataclass

from linkstar.models import Notification, User

PRESSING = (  # kinds of reminders, from those that press most
    "overdue", "due", "gate", "approval", "escalated", "cutoff", "expiring", "started", "idle",
)  # fmt: skip


@dataclass(frozen=True)
class Bundle:
    """The most pressing first."""

    notices: list[Notification]

    @classmethod
    def of(cls, notices: Iterable[Notification]) -> "Bundle":
        place = {kind: number for number, kind in enumerate(PRESSING)}
        return cls(sorted(notices, key=lambda notice: (place.get(notice.kind, len(place)), notice.id)))

    @property
    def user(self) -> User:
        return self.notices[0].user
