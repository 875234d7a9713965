"""What an automation can be made of, and whether it fits what has happened. A part is {"kind": …} and what the kind
takes; its `choice` is a key out of a list: kind:review or name:待审核 for a stage, person:12 or role:legal for
somebody, anchor:before for what days are counted from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Part = Mapping[str, Any]

WHEN: dict[str, tuple[str, ...]] = {
    "moved": ("choice",),
    "late": (),
    "gate": (),
    "ticked": ("text",),
    "complete": (),
    "date": ("days", "choice"),
    "webhook": ("choice",),
}
IF: dict[str, tuple[str, ...]] = {
    "project": ("choice",),
    "phase": ("choice",),
    "role": ("choice",),
    "platform": ("choice",),
    "owner": ("choice",),
    "priority": ("choice",),
    "label": ("choice",),
    "blocking": (),
    "milestone": (),
    "title": ("text",),
}
THEN: dict[str, tuple[str, ...]] = {
    "move": ("choice",),
    "assign": ("choice",),
    "due": ("days", "choice"),
    "checklist": ("choice",),
    "create": ("text", "text_en", "choice", "days"),
    "notify": ("choice", "text"),
    "post": ("choice",),
    "declare": ("choice", "severity"),
}
OF_A_TASK = frozenset({"move", "assign", "due", "checklist"})  # actions that need one
ROUNDS = 2  # an automation that set itself going so often by way of others goes round for ever
DEEPEST = 12  # so many automations may set each other going, even if none comes twice
MOST_AN_HOUR = 100  # runs of one automation that no person and no day set going


@dataclass(frozen=True)
class Facts:
    """What conditions are held against; of something that is about no task, its project alone."""

    project_id: int | None
    phase: tuple[str | None, ...] = ()  # its names
    role: str | None = None
    platform: str | None = None
    owner_id: int | None = None
    priority: str | None = None
    labels: frozenset[str] = frozenset()
    blocking: bool = False
    milestone: bool = False
    titles: tuple[str, ...] = ()

    def fulfil(self, conditions: Iterable[Part]) -> bool:
        return all(self._fulfils(each) for each in conditions)

    def _fulfils(self, condition: Part) -> bool:
        choice = condition.get("choice")
        match condition["kind"]:
            case "project":
                return choice == str(self.project_id)
            case "phase":
                return is_named(choice, self.phase)
            case "owner":
                return choice == str(self.owner_id)
            case "label":
                return choice in self.labels
            case "title":
                return contains(self.titles, condition["text"])
            case "blocking" | "milestone" as what:
                return bool(getattr(self, what))
        return choice is not None and choice == getattr(self, condition["kind"])


@dataclass(frozen=True)
class Happening:
    """Something that can set automations going: one of WHEN, with the stage that was entered, the words that were
    ticked, or the choice that stands for it."""

    kind: str
    stage: tuple[str | None, ...] = ()  # its kind, then its names
    texts: tuple[str, ...] = ()
    choice: str | None = None

    def sets_going(self, trigger: Part) -> bool:
        if trigger["kind"] != self.kind:
            return False
        if self.kind == "moved":
            return not trigger["choice"] or (bool(self.stage) and is_stage(trigger["choice"], *self.stage))
        if self.kind == "ticked":
            return not trigger.get("text") or contains(self.texts, trigger["text"])
        return self.kind != "webhook" or trigger["choice"] == self.choice


def is_stage(choice: str, kind: str | None, *names: str | None) -> bool:
    return choice == f"kind:{kind}" or is_named(choice, names)


def is_named(choice: str | None, names: Iterable[str | None]) -> bool:
    """Stages and phases go by their names, so that one automation serves many projects."""
    return choice is not None and any(choice == f"name:{name}" for name in names if name)


def contains(texts: Iterable[str], wanted: str) -> bool:
    return any(wanted.casefold() in text.casefold() for text in texts)


def counted_from(part: Part) -> tuple[str, int]:
    """What its days are counted from (due, anchor, today), and how many days after that; negative for days before."""
    base, _colon, side = part["choice"].partition(":")
    return base, -part["days"] if side == "before" else part["days"]


def circle_of(before: Sequence[int], last: int) -> list[int]:
    """The automations that set each other going for ever, `last` among them; none as long as there may be an end to
    it. `before` are those that led to it, the first one first."""
    if before.count(last) < ROUNDS and len(before) <= DEEPEST:
        return []
    since = before.index(last) if last in before else len(before)
    return list(dict.fromkeys([*before[since:], last]))
