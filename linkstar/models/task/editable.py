from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Mapped

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import AuditEvent, record
from linkstar.models.label import Label
from linkstar.models.phase import Phase
from linkstar.models.project import Project
from linkstar.models.refusal import DayPassed, MoveRefused, NotAllowed, StaleVersion
from linkstar.models.stage import Stage
from linkstar.models.task.gated import Holds
from linkstar.models.user import User

FIELDS = (
    "title_zh", "title_en", "brief_zh", "brief_en", "wanted_zh", "wanted_en", "unwanted_zh",
    "unwanted_en", "source_language",
    "owner_id", "start_on", "due_on", "priority", "platform", "phase_id", "blocking", "milestone",
    "start_at", "due_at", "locked", "start_rule", "offset", "duration", "elapsed_days", "offset_days", "role",
    "unassigned", "optional", "waiting", "deliverable_zh", "deliverable_en",
    "estimate", "publish_at", "audience_timezone", "cheerful", "counterpart_id", "partner_id", "counterpart_timezone",
    "round_trips", "remind_before",
)  # fmt: skip
WRITING = ("task.edited", "task.moved")  # a move across lanes writes an owner, a phase or a platform
DATES = frozenset({"start_on", "due_on", "start_at", "due_at", "start_rule"})  # what set_dates() writes
HELD_BY = {"owner_id", "role", "publish_at"}  # what makes it work that an emergency holds
SHOWN_ELSEWHERE = {"title_zh", "title_en", "owner_id", "due_on", "blocking"}  # on the cards of linked tasks


class Editable:
    """The fields of a task, and what happens when two people write them at once."""

    if TYPE_CHECKING:
        id: Mapped[int]
        workspace_id: Mapped[int]
        version: Mapped[int]
        revision: Mapped[int]
        key: Mapped[str | None]
        start_on: Mapped[date | None]
        due_on: Mapped[date | None]
        owner_id: Mapped[int]
        phase_id: Mapped[int | None]
        source_language: Mapped[str]
        translation_outdated: Mapped[bool]
        project: Mapped[Project]
        stage: Mapped[Stage]
        phase: Mapped[Phase | None]
        owner: Mapped[User]
        labels: Mapped[list[Label]]
        start_at: Mapped[datetime | None]
        due_at: Mapped[datetime | None]
        deliverable_zh: Mapped[str | None]
        deliverable_en: Mapped[str | None]
        unassigned: Mapped[bool]
        duration: Mapped[float | None]
        start_rule: Mapped[str | None]
        redraw: Any
        set_deadline: Any
        redraw_linked: Any
        refuse_stranger: Any
        tell_owner: Any
        tell_changed: Any
        refuse_if_held: Any
        heed_emergencies: Any

        @property
        def blocks_somebody(self) -> bool: ...

    def edit(
        self,
        values: dict[str, Any],
        *,
        by: User,
        version: int | None = None,
        labels: list[Label] | None = None,
        change: str | None = None,
        undoes: str | None = None,
    ) -> str | None:
        """Writes the fields that differ and returns the name of the change, None where nothing differs.

        `version` is the one that the writer saw; without it (undo, bulk edit) the last writer wins.
        """
        self.redraw()
        if version is not None and version != self.version:
            raise StaleVersion(version, self.version)
        if "due_on" in values and values["due_on"] is None and self.stage.kind != "backlog":
            raise MoveRefused(Holds(due_on=True), self, self.stage, self.phase)
        if values.get("phase_id", self.phase_id) != self.phase_id:
            self.refuse_if_held(self.stage, db.session.get(Phase, values["phase_id"] or 0), by=by)
        changes = {
            field: (getattr(self, field), value)
            for field, value in values.items()
            if field in FIELDS and getattr(self, field) != value
        }
        if "owner_id" in changes:
            self.refuse_stranger(db.session.get_one(User, changes["owner_id"][1]))
        if self._takes_hold_away(changes):
            self.project.refuse_release(by)
        if changes.keys() & {"start_on", "due_on"} and undoes is None:
            changes |= self._dates_by_hand(changes)
            self._refuse_anchor(changes, by)
        if "owner_id" in changes and self.unassigned and "unassigned" not in values:
            changes["unassigned"] = (True, False)
        if labels is not None and (names := sorted(label.name for label in self.labels)) != (
            wanted := sorted(label.name for label in labels)
        ):
            changes["labels"] = (names, wanted)
            self.labels = labels
        if not changes:
            return None
        for field, (_old, new) in changes.items():
            if field != "labels":
                setattr(self, field, new)
        self.version += 1
        self._mark_translation(set(changes))
        db.session.flush()
        db.session.expire(self, ["owner", "phase"])
        if changes.keys() & HELD_BY:
            self.heed_emergencies(by=by)
        if changes.keys() & {"owner_id", "due_on"}:
            self.set_deadline()
        if changes.keys() & SHOWN_ELSEWHERE:
            self.redraw_linked()
        if "owner_id" in changes:
            self.tell_owner(by)
        if undoes is None:
            self.tell_changed(changes, by=by)
        change = record("task.edited", by=by, task=self, changes=changes, change=change, undoes=undoes)  # type: ignore[arg-type]
        if changes.keys() & {"start_on", "due_on"} and undoes is None:
            self._take_anchor_along(by, change)
        return change

    def _takes_hold_away(self, changes: dict[str, tuple[Any, Any]]) -> bool:
        """The task would hold nobody any more, or be done without its deliverable."""
        if "blocking" in changes and self.blocks_somebody:
            return True
        named = [self.deliverable_zh, self.deliverable_en]
        left = [changes.get(name, (None, getattr(self, name)))[1] for name in ("deliverable_zh", "deliverable_en")]
        return any(named) and not any(left)

    @property
    def stands_on_anchor(self) -> bool:
        return self.key is not None and self.key == self.project.anchor_key

    def _refuse_anchor(self, changes: dict[str, tuple[Any, Any]], by: User) -> None:
        """Who moves the task on which the plan hangs moves the project's anchor."""
        start_on, due_on = (changes.get(name, (None, getattr(self, name)))[1] for name in ("start_on", "due_on"))
        if not self.stands_on_anchor or (start_on or due_on) in (None, self.project.anchor_on):
            return
        self.refuse_anchor_day(start_on or due_on, by)

    def refuse_anchor_day(self, day: date, by: User) -> None:
        if not self.project.allows(by, "edit"):
            raise NotAllowed("edit")
        if self.project.unit != "hour" and day < clock.today(ZoneInfo(by.timezone)):
            raise DayPassed

    def _take_anchor_along(self, by: User, change: str) -> None:
        """The project's anchor day is the day of the task that stands on it."""
        anchor = self.start_at or self.start_on or self.due_on
        if anchor and self.stands_on_anchor and anchor != (self.project.anchor_at or self.project.anchor_on):
            self.project.move_anchor(anchor, by=by, change=change)

    def set_dates(
        self, values: dict[str, Any], *, by: User, revision: int, change: str, undoes: str | None = None
    ) -> Collection[str]:
        """Writes what a plan computed, one of many in one change, under a lock that is held: touch() gave the
        revision. Dates only, and what says where they come from. Gives back the fields that are other ones now."""
        changes = {name: (getattr(self, name), value) for name, value in values.items() if getattr(self, name) != value}
        if not changes:
            return ()
        for name, (_old, new) in changes.items():
            setattr(self, name, new)
        self.version += 1
        self.revision = revision
        self.set_deadline()
        record("task.edited", by=by, task=self, changes=changes, change=change, undoes=undoes)  # type: ignore[arg-type]
        return changes

    def _dates_by_hand(self, chosen: dict[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
        """Dates that somebody chose are not computed any more; a plan that counts hours keeps the time of day."""
        times = {"start_at": self._time_on(self.start_at, chosen.get("start_on"))}
        times["due_at"] = self._time_on(self.due_at, chosen.get("due_on"))
        if times["start_at"] and times["due_at"]:
            times["start_at"] = min(times["start_at"], times["due_at"])
        changes: dict[str, tuple[Any, Any]] = {
            name: (getattr(self, name), moment)
            for name, moment in times.items()
            if name not in chosen and moment != getattr(self, name)
        }
        if self.duration is not None and self.start_rule != "by_hand" and not self.stands_on_anchor:
            changes["start_rule"] = (self.start_rule, "by_hand")
        return changes

    def _time_on(self, moment: datetime | None, day: tuple[Any, Any] | None) -> datetime | None:
        """The moment at the same time of day where its owner lives, so many days later as the day is."""
        if moment is None or day is None:
            return moment
        old, new = day
        if old is None or new is None or self.project.unit != "hour":
            return None
        local = moment.astimezone(ZoneInfo(self.owner.timezone)) + (new - old)
        return local.astimezone(UTC)

    def _mark_translation(self, changed: set[str]) -> None:
        """A translation that did not follow its source is marked, until it is touched itself."""
        source, other = (self.source_language, "en" if self.source_language == "zh" else "zh")
        if {f"title_{other}", f"brief_{other}"} & changed:
            self.translation_outdated = False
        elif {f"title_{source}", f"brief_{source}"} & changed:
            has_translation = getattr(self, f"title_{other}") or getattr(self, f"brief_{other}")
            self.translation_outdated = bool(has_translation)

    @classmethod
    def typed(cls, field: str, value: Any) -> Any:
        """A value as the audit trail keeps it, turned back into the column's own type."""
        if value and field in ("start_at", "due_at", "publish_at"):
            return datetime.fromisoformat(value)
        return date.fromisoformat(value) if value and field in ("start_on", "due_on") else value

    def changed_since(self, version: int) -> dict[str, tuple[Any, Any]]:
        """Field → (value at that version, value now) for all that others wrote after it."""
        events = db.session.scalars(
            select(AuditEvent)
            .where(AuditEvent.of_task(self), AuditEvent.task_version > version)  # type: ignore[arg-type]
            .where(AuditEvent.action.in_(WRITING))
            .order_by(AuditEvent.id)
        )
        since: dict[str, tuple[Any, Any]] = {}
        for event in events:
            for field, (old, new) in event.changes.items():
                if field not in FIELDS and field != "labels":
                    continue
                since[field] = (since[field][0] if field in since else old, new)
        return since
