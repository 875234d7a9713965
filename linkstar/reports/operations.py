"""How the program's unseen half is doing at this moment."""

from collections.abc import Mapping
from datetime import datetime, time
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from linkstar import clock
from linkstar.models import User
from linkstar.models.backlog import Backlog, Sent, backlogs, sent_since
from linkstar.queue import Pulse


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
