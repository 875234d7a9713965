"""What a verb raises when it must not be done: facts, not sentences. Templates find the words, twice."""

from typing import Any


class Refusal(Exception):
    """Something was asked that the rules do not let pass; nothing has changed."""


class NotAllowed(Refusal):
    """The person sees the record, but may not do this to it."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class StaleVersion(Refusal):
    """Somebody changed the record since the version that the writer saw."""

    def __init__(self, seen: int, current: int) -> None:
        super().__init__(seen, current)
        self.seen, self.current = seen, current


class PositionGone(Refusal):
    """The neighbours that were to mark the new place do not stand there any more."""


class MoveRefused(Refusal):
    """The task lacks something that the stage asks for: `missing` holds the names of the fields."""

    def __init__(self, task: Any, stage: Any, missing: list[str]) -> None:
        super().__init__(missing)
        self.task, self.stage, self.missing = task, stage, missing


class KeyReused(Refusal):
    """The idempotency key stands for another request already."""


class UndoRefused(Refusal):
    """The change cannot be taken back: `reason` is 'gone', 'changed_since' or 'not_yours'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
