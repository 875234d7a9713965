from datetime import datetime


class Later(Exception):
    """Not now, and no failure: the reader's night, or a limit of the other side."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.at = at


class Gone(Exception):
    """Nobody is there any more to take it; trying again is of no use."""
