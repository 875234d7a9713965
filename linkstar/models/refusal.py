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
    """Something holds the task back from the stage or the phase that it was to enter; what, the Holds say."""

    def __init__(self, holds: Any, task: Any, stage: Any, phase: Any) -> None:
        super().__init__(holds)
        self.holds, self.task, self.stage, self.phase = holds, task, stage, phase


class EvidenceMissing(Refusal):
    """A required item is ticked only with the evidence that it asks for."""

    def __init__(self, item: Any) -> None:
        super().__init__(item)
        self.item = item


class CycleRefused(Refusal):
    """The dependency would close a circle: `tasks` are the ones in it, in order."""

    def __init__(self, tasks: list[Any]) -> None:
        super().__init__(tasks)
        self.tasks = tasks


class StillUsed(Refusal):
    """What is to be taken away still holds `count` tasks."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class FlowBroken(Refusal):
    """A project's stages begin with a backlog and end with done."""


class CodesUsedUp(Refusal):
    """The naming rule has no number left."""


class DayPassed(Refusal):
    """A project's anchor is not put on a day that has passed."""


class AlreadySplit(Refusal):
    """The task has its steps."""


class KeyReused(Refusal):
    """The idempotency key stands for another request already."""


class FileRefused(Refusal):
    """The file is not taken: `reason` is 'empty', 'kind', 'large' (than `limit`) or 'full' (the workspace's quota)."""

    def __init__(self, reason: str, name: str, limit: int = 0) -> None:
        super().__init__(reason, name, limit)
        self.reason, self.name, self.limit = reason, name, limit


class UndoRefused(Refusal):
    """The change cannot be taken back: `reason` is 'gone', 'changed_since', 'not_yours' or 'late'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Overtaken(Refusal):
    """What was asked for does not fit any more: `reason` is 'gone', 'changed_since' or, of who asked, 'rights_lost'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AlreadyDecided(Refusal):
    """Somebody else decided on the request, or it was taken back."""


class LastAdministrator(Refusal):
    """A workspace keeps somebody who can let others in."""


class StillOwns(Refusal):
    """Who owns projects or open tasks is no outsider who is given single tasks: they are handed over first."""


class MemberChanged(Refusal):
    """The person has left the workspace since, or has another role by now."""


class MatrixChanged(Refusal):
    """Somebody changed what the roles may do since the writer looked."""


class TooManyChannels(Refusal):
    """A workspace tells what happens to `limit` channels at most."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class CannotTakeOver(Refusal):
    """The person named does not see everything that is to be handed over."""


class ErasureRefused(Refusal):
    """A person's data cannot be erased now: `reason` is 'yourself', 'belongs' or 'erased'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CannotAutomate(Refusal):
    """An automation cannot do this now: `reason` is 'rights_lost', 'gone', 'no_task', 'no_project', 'no_stage',
    'nobody', 'no_anchor', 'dates_crossed', 'no_list' or 'no_channel'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
