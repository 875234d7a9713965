"""How the program's unseen half is doing at this moment."""

from collections.abc import Mapping
from datetime import datetime, time
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from redis.exceptions import RedisError

from linkstar import clock, queue
from linkstar.models import User
from linkstar.models.backlog import Backlog, Sent, backlogs, sent_since


class Pulse(NamedTuple):
    """What the queue's server says."""

    depth: int
    worker: datetime | None
    timetable: datetime | None

    @classmethod
    def feel(cls, config: Mapping[str, Any]) -> "Pulse | None":
        """None where it does not answer."""
        connection = queue.connect(config["REDIS_URL"])
        try:
            return cls(queue.depth(connection), queue.last_beat(connection), queue.last_turn(connection))
        except RedisError:
            return None


class Operations:
    """For who administers a workspace: the program's pulse, and what of the workspace waits and went out today."""

    def __init__(self, config: Mapping[str, Any], workspace_id: int, reader: User) -> None:
        self.pulse = Pulse.feel(config)
        self._workspace_id, self._reader = workspace_id, reader

    @cached_property
    def waiting(self) -> dict[str, Backlog]:
        return backlogs(self._workspace_id)

    @cached_property
    def today(self) -> dict[str, Sent]:
        """By medium, of the reader's day."""
        zone = ZoneInfo(self._reader.timezone)
        return sent_since(datetime.combine(clock.today(zone), time(), zone), self._workspace_id)
