from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Mapped

from linkstar.extensions import db
from linkstar.models.audit_event import AuditEvent, record
from linkstar.models.label import Label
from linkstar.models.project import Project
from linkstar.models.refusal import MoveRefused, StaleVersion
from linkstar.models.stage import Stage
from linkstar.models.user import User

FIELDS = (
    "title_zh", "title_en", "brief_zh", "brief_en", "source_language",
    "owner_id", "start_on", "due_on", "priority", "platform", "phase_id", "blocking", "milestone",
)  # fmt: skip
WRITING = ("task.edited", "task.moved")  # a move across lanes writes an owner, a phase or a platform
SHOWN_ELSEWHERE = {"title_zh", "title_en", "owner_id", "due_on", "blocking"}  # on the cards of linked tasks


class Editable:
    """The fields of a task, and what happens when two people write them at once."""

    if TYPE_CHECKING:
        id: Mapped[int]
        workspace_id: Mapped[int]
        version: Mapped[int]
        due_on: Mapped[date | None]
        owner_id: Mapped[int]
        source_language: Mapped[str]
        translation_outdated: Mapped[bool]
        project: Mapped[Project]
        stage: Mapped[Stage]
        labels: Mapped[list[Label]]
        redraw: Any
        set_deadline: Any
        redraw_linked: Any
        tell_owner: Any

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
            raise MoveRefused(self, self.stage, ["due_on"])
        changes = {
            field: (getattr(self, field), value)
            for field, value in values.items()
            if field in FIELDS and getattr(self, field) != value
        }
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
        return record("task.edited", by=by, task=self, changes=changes, change=change, undoes=undoes)  # type: ignore[arg-type]

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
        return date.fromisoformat(value) if field in ("start_on", "due_on") and value else value

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
