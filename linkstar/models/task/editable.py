from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Mapped

from linkstar.extensions import db
from linkstar.models.audit_event import AuditEvent, record
from linkstar.models.label import Label
from linkstar.models.phase import Phase
from linkstar.models.project import Project
from linkstar.models.refusal import MoveRefused, StaleVersion
from linkstar.models.stage import Stage
from linkstar.models.task.gated import Holds
from linkstar.models.user import User

FIELDS = (
    "title_zh", "title_en", "brief_zh", "brief_en", "source_language",
    "owner_id", "start_on", "due_on", "priority", "platform", "phase_id", "blocking", "milestone",
    "start_at", "due_at", "locked", "start_rule", "offset", "duration", "elapsed_days", "offset_days", "role",
    "unassigned", "optional", "waiting", "deliverable_zh", "deliverable_en",
)  # fmt: skip
WRITING = ("task.edited", "task.moved")  # a move across lanes writes an owner, a phase or a platform
DATES = frozenset({"start_on", "due_on", "start_at", "due_at", "start_rule"})  # what set_dates() writes
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
        labels: Mapped[list[Label]]
        unassigned: Mapped[bool]
        duration: Mapped[float | None]
        start_rule: Mapped[str | None]
        redraw: Any
        set_deadline: Any
        redraw_linked: Any
        tell_owner: Any
        refuse_if_held: Any

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
        if changes.keys() & {"start_on", "due_on"} and undoes is None:
            changes |= self._dates_by_hand()
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
        if changes.keys() & {"owner_id", "due_on"}:
            self.set_deadline()
        if changes.keys() & SHOWN_ELSEWHERE:
            self.redraw_linked()
        if "owner_id" in changes:
            self.tell_owner(by)
        change = record("task.edited", by=by, task=self, changes=changes, change=change, undoes=undoes)  # type: ignore[arg-type]
        if changes.keys() & {"start_on", "due_on"} and undoes is None:
            self._take_anchor_along(by, change)
        return change

    def _take_anchor_along(self, by: User, change: str) -> None:
        """The project's anchor day is the day of the task that stands on it."""
        day = self.start_on or self.due_on
        if day and self.key and self.key == self.project.anchor_key and day != self.project.anchor_on:
            self.project.move_anchor(day, by=by, change=change)

    def set_dates(
        self, values: dict[str, Any], *, by: User, revision: int, change: str, undoes: str | None = None
    ) -> None:
        """Writes what a plan computed, one of many in one change, under a lock that is held: touch() gave the
        revision. Dates only, and what says where they come from."""
        changes = {name: (getattr(self, name), value) for name, value in values.items() if getattr(self, name) != value}
        if not changes:
            return
        for name, (_old, new) in changes.items():
            setattr(self, name, new)
        self.version += 1
        self.revision = revision
        self.set_deadline()
        record("task.edited", by=by, task=self, changes=changes, change=change, undoes=undoes)  # type: ignore[arg-type]

    def _dates_by_hand(self) -> dict[str, tuple[Any, Any]]:
        """Dates that somebody chose are not computed any more, and a day has no hour."""
        changes: dict[str, tuple[Any, Any]] = {
            name: (getattr(self, name), None) for name in ("start_at", "due_at") if getattr(self, name)
        }
        if self.duration is not None and self.start_rule != "by_hand" and self.key != self.project.anchor_key:
            changes["start_rule"] = (self.start_rule, "by_hand")
        return changes

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
        if value and field in ("start_at", "due_at"):
            return datetime.fromisoformat(value)
        return date.fromisoformat(value) if value and field in ("start_on", "due_on") else value

    def changed_since(self, version: int) -> dict[str, tuple[Any, Any]]:
        """Field → (value at that version, value now) for all that others wrote after it."""
        events = db.session.scalars(
            select(AuditEvent)
            .where(AuditEvent.task_id == self.id, AuditEvent.task_version > version, AuditEvent.action.in_(WRITING))
            .order_by(AuditEvent.id)
        )
        since: dict[str, tuple[Any, Any]] = {}
        for event in events:
            for field, (old, new) in event.changes.items():
                if field not in FIELDS and field != "labels":
                    continue
                since[field] = (since[field][0] if field in since else old, new)
        return since
