from datetime import datetime


class Later(Exception):
    """Not now, and no failure: the reader's night, or a limit of the other side."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.at = at


class Gone(Exception):
    """Nobody is there any more to take it; trying again is of no use."""


class NotTaken(Exception):
    """The other side did not take it. `code` is a word of ours (slow, address …), a status, or a number of the other
    side's; `said` is what it said, as far as that may be shown. Both are kept as one line."""

    def __init__(self, code: str, said: str = "") -> None:
        super().__init__(code, said)
        self.code, self.said = code, said

    def __repr__(self) -> str:
        return f"{self.code} {self.said}".strip()


class NeverTaken(NotTaken, Gone):
    """Nobody is there any more, or the same would be refused again: somebody has to change something first."""
