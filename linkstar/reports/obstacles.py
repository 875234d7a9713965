"""What holds a task back from a place, as far as one reader may know it."""

from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import db
from linkstar.i18n import _, both, day
from linkstar.models import Checklist, ChecklistItem, Emergency, Phase, Project, Stage, Task, User, Waiver
from linkstar.models.task.gated import Holds


class Obstacles:
    def __init__(self, task: Task, stage: Stage, phase: Phase | None, reader: User, holds: Holds | None = None) -> None:
        self.task, self.stage, self.phase, self.reader = task, stage, phase, reader
        self.holds = task.holds_at(stage, phase) if holds is None else holds
        behind = {item.checklist.task_id for item in self.holds.items} | {each.id for each in self.holds.blockers}
        seen = select(Task.id).where(Task.seen_by(reader), Task.id.in_(behind - {None, task.id}))
        self._seen = {task.id, *db.session.scalars(seen)} if behind - {None, task.id} else {task.id}

    def __bool__(self) -> bool:
        return bool(self.holds)

    @property
    def name(self) -> str:
        """Where it may not go: the stage, or the phase where only that is new."""
        return both(self.phase if self.phase and self.stage.id == self.task.stage_id else self.stage, "name")

    @property
    def only_due_on(self) -> bool:
        return self.holds.due_on and self.count == 1

    @property
    def count(self) -> int:
        lists = self.holds.blockers, self.holds.items, self.holds.emergencies
        return sum((self.holds.due_on, self.holds.deliverable, *map(len, lists)))

    @property
    def emergencies(self) -> list[Emergency]:
        """What happened is told to those inside."""
        return self.holds.emergencies if self.reader.is_inside(self.task.workspace_id) else []

    @property
    def blockers(self) -> list[Task]:
        return [blocker for blocker in self.holds.blockers if blocker.id in self._seen]

    @property
    def lists(self) -> list[tuple[Checklist, list[ChecklistItem]]]:
        """The open items that the reader sees, by their lists."""
        seen = [item for item in self.holds.items if self._sees(item)]
        return [(checklist, list(items)) for checklist, items in groupby(seen, lambda item: item.checklist)]

    @property
    def restricted(self) -> bool:
        """Is there something among it that the reader may not see?"""
        untold = self.holds.emergencies and not self.emergencies
        behind = untold or len(self.blockers) < len(self.holds.blockers)
        return bool(behind) or not all(map(self._sees, self.holds.items))

    def _sees(self, item: ChecklistItem) -> bool:
        stage = item.checklist.stage
        return stage.project.known_to(self.reader) if stage else item.checklist.task_id in self._seen

    def may_tick(self, checklist: Checklist) -> bool:
        return may_tick(checklist, self.reader)

    @cached_property
    def may_ask_for_waiver(self) -> bool:
        return Waiver.may_be_asked_by(self.reader, self.task)

    def waiver_of(self, obstacle: ChecklistItem | Task) -> Waiver | None:
        """The request to pass this obstacle that nobody has decided yet."""
        asked = (waiver for waiver in self.task.waivers if waiver.state == "asked")
        return next((waiver for waiver in asked if obstacle in (waiver.item, waiver.blocker)), None)

    def expired(self, item: ChecklistItem) -> bool:
        return item.expired(clock.today(ZoneInfo(self.task.owner.timezone)))

    @property
    def sentences(self) -> list[str]:
        """The same facts where no dialog can stand, one sentence each."""
        said = [_("A task that has begun needs its due day.")] if self.holds.due_on else []
        said += [_("On hold until the emergency “%(title)s” is closed.", title=each.title) for each in self.emergencies]
        said += [_blocker_words(blocker) for blocker in self.blockers]
        said += [self._item_words(item) for _checklist, items in self.lists for item in items]
        if self.restricted:
            said.append(_("Blocked by a restricted task"))
        if self.holds.deliverable:
            wanted = both(self.task, "deliverable")
            owner = self.task.owner.name
            said.append(_("“%(deliverable)s” has not been handed in by %(owner)s.", deliverable=wanted, owner=owner))
        return said

    def _item_words(self, item: ChecklistItem) -> str:
        target = item.checklist.task or item.checklist.stage.project  # type: ignore[union-attr]
        words = {"item": both(item, "text"), "owner": target.owner.name}
        if item.ticked_at:
            return _("The evidence for “%(item)s” has expired; ask %(owner)s.", **words)
        return _("“%(item)s” is not ticked yet; ask %(owner)s.", **words)


def _blocker_words(blocker: Task) -> str:
    words = {"task": both(blocker, "title"), "owner": blocker.owner.name}
    if blocker.due_on is None:
        return _("“%(task)s” by %(owner)s must be done first.", **words)
    return _("“%(task)s” by %(owner)s must be done first; it is due %(day)s.", day=day(blocker.due_on), **words)


def may_tick(checklist: Checklist, reader: User) -> bool:
    """Ticking is editing: of the task, or of the project on whose stage the list stands."""
    target: Task | Project = checklist.task or checklist.stage.project  # type: ignore[union-attr]
    return target.allows(reader, "edit")
