from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, String, exists, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock, packs
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import in_both, record
from linkstar.models.evidence import EVIDENCE, Evidence
from linkstar.models.gate_passage import GatePassage
from linkstar.models.project import Project
from linkstar.models.refusal import EvidenceMissing
from linkstar.models.stage import Stage
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.task import Task


LIST = ("key", "title_zh", "title_en", "source", "position")  # what is kept of a list that was removed …
ITEM = (
    "key", "text_zh", "text_en", "required", "evidence_kind", "hint_zh", "hint_en", "citation", "position",
    "ticked_at", "ticked_by_id",
)  # fmt: skip  # … and of its items


class Checklist(Base):
    """A list of things to tick off: on a task, which its required items keep from being done; or on a stage, which
    no task of the project passes before they are ticked."""

    __tablename__ = "checklist"
    __table_args__ = (CheckConstraint("(task_id is null) <> (stage_id is null)", name="task_or_stage"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    stage_id: Mapped[int | None] = mapped_column(ForeignKey("stage.id", ondelete="CASCADE"), index=True)
    key: Mapped[str | None] = mapped_column(String(60))  # what its pack calls it
    title_zh: Mapped[str | None] = mapped_column(String(120))
    title_en: Mapped[str | None] = mapped_column(String(120))
    source: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # _source() of the rule it was taken from
    position: Mapped[int] = mapped_column(default=0)

    task: Mapped["Task | None"] = relationship(back_populates="checklists")
    stage: Mapped[Stage | None] = relationship(back_populates="checklists")
    items: Mapped[list["ChecklistItem"]] = relationship(
        order_by="ChecklistItem.position", back_populates="checklist", cascade="all, delete-orphan"
    )

    @classmethod
    def of(cls, task: "Task", *, by: User) -> Self:
        """The task's own list, made when the first item is written."""
        own = next((checklist for checklist in task.checklists if not checklist.title_zh), None)
        if own is None:
            own = cls(position=len(task.checklists))
            task.checklists.append(own)
            db.session.flush()
            record("checklist.added", by=by, task=task)
        return own  # type: ignore[return-value]

    @classmethod
    def from_pack(cls, rule: packs.Checklist, *, position: int = 0) -> Self:
        """A list as a pack or a template tells it, with nothing ticked."""
        checklist = cls(
            key=rule.key, title_zh=rule.title_zh, title_en=rule.title_en, source=_source(rule), position=position
        )
        checklist.items = [
            ChecklistItem(
                key=item.key,
                text_zh=item.zh,
                text_en=item.en,
                required=item.level == "required",
                evidence_kind=item.evidence,
                hint_zh=item.evidence_zh,
                hint_en=item.evidence_en,
                citation=item.citation,
                position=number,
            )
            for number, item in enumerate(rule.items)
        ]
        return checklist

    @classmethod
    def attach(cls, rule: packs.Checklist, target: "Task | Stage", *, by: User) -> Self:
        """Puts a list of a pack on a task or on a stage."""
        checklist = cls.from_pack(rule)
        checklist._put_on(target, by)
        return checklist

    @classmethod
    def begin(cls, title: str, target: "Task | Stage", *, by: User) -> Self:
        """Begins a list of one's own on a task or on a stage."""
        checklist = cls(title_zh=title)
        checklist._put_on(target, by)
        return checklist

    def _put_on(self, target: "Task | Stage", by: User) -> None:
        self.position = len(target.checklists)
        target.checklists.append(self)
        db.session.flush()
        self._touch()
        if self.task:
            self.task.check_count += len(self.items)
        self._record("checklist.added", by, {"checklist": (None, self._name)})

    def remove(self, *, by: User) -> str:
        """Takes the list away with what was given for it, but for what a passage froze, and returns the name of the
        change. With a required item it holds something, which only who keeps the gates takes away."""
        self._touch()
        if self.holds:
            self._project.refuse_release(by)
        if self.task:
            self.task.check_count -= len(self.items)
            self.task.checked_count -= sum(bool(item.ticked_at) for item in self.items)
        changes: dict[str, tuple[Any, Any]] = {"checklist": (self._name, None)}
        changes["items"] = ([item._name for item in self.items], [])
        if self.may_come_back:
            changes["kept"] = (self._kept(), None)
        change = self._record("checklist.removed", by, changes)
        self._keep_what_is_frozen()
        db.session.delete(self)
        return change

    @property
    def may_come_back(self) -> bool:
        """Nothing hangs on it that is not kept: no evidence was given, and nobody asked to pass an item."""
        waived = exists().where(Base.metadata.tables["waiver"].c.item_id.in_([item.id for item in self.items]))
        return not any(item.evidence for item in self.items) and not db.session.scalar(select(waived))

    def _kept(self) -> dict[str, Any]:
        items = [{name: getattr(item, name) for name in ITEM} for item in self.items]
        return {**{name: getattr(self, name) for name in LIST}, "items": items}

    @classmethod
    def bring_back(cls, kept: dict[str, Any], task: "Task", *, by: User, undoes: str) -> None:
        """A list that was removed, as it was."""
        items = [
            ChecklistItem(**each | {"ticked_at": each["ticked_at"] and datetime.fromisoformat(each["ticked_at"])})
            for each in kept["items"]
        ]
        checklist = cls(**kept | {"items": items})
        task.checklists.append(checklist)
        db.session.flush()
        task.check_count += len(items)
        task.checked_count += sum(bool(item.ticked_at) for item in items)
        checklist._record("checklist.added", by, {"checklist": (None, checklist._name)}, undoes)

    def _keep_what_is_frozen(self) -> None:
        """Evidence of a passage stays, as replaced, with the task that passed."""
        given = {evidence.id for item in self.items for evidence in item.evidence}
        for evidence_id, task_id in GatePassage.frozen(self._project.id).items() if given else ():
            if evidence_id in given:
                values = {"item_id": None, "task_id": task_id}
                replaced_at = func.coalesce(Evidence.replaced_at, clock.now())
                db.session.execute(
                    update(Evidence).where(Evidence.id == evidence_id).values(replaced_at=replaced_at, **values)
                )
        for item in self.items:
            db.session.expire(item, ["evidence"])

    def add(
        self, text_zh: str | None, text_en: str | None, *, required: bool = False, evidence_kind: str | None = None
    ) -> "ChecklistItem":
        item = ChecklistItem(
            text_zh=text_zh,
            text_en=text_en,
            required=required,
            evidence_kind=evidence_kind,
            position=max((item.position for item in self.items), default=-1) + 1,
        )
        self.items.append(item)
        if self.task:
            self.task.check_count += 1
        return item

    def write(
        self, text: str, *, by: User, required: bool = False, evidence_kind: str | None = None
    ) -> "ChecklistItem":
        """Adds an item of one's own."""
        self._touch()
        item = self.add(text, None, required=required, evidence_kind=evidence_kind)
        db.session.flush()
        self._record("checklist_item.added", by, {"item": (None, text)})
        return item

    @property
    def holds(self) -> bool:
        return any(item.required for item in self.items)

    @property
    def _project(self) -> Project:
        return (self.task or self.stage).project  # type: ignore[union-attr]

    @property
    def _name(self) -> dict[str, str | None]:
        return in_both(self.title_zh, self.title_en)

    def _touch(self) -> None:
        """Locks the project; what hangs on the list is drawn anew."""
        if self.task:
            self.task.redraw()
        else:
            self.stage.project.lock()  # type: ignore[union-attr]

    def _record(self, action: str, by: User, changes: dict[str, tuple[Any, Any]], undoes: str | None = None) -> str:
        if self.task:
            return record(action, by=by, task=self.task, changes=changes, undoes=undoes)
        project = self.stage.project  # type: ignore[union-attr]
        return record(action, by=by, workspace_id=project.workspace_id, project_id=project.id, changes=changes)


def _source(rule: packs.Checklist) -> dict[str, Any] | None:
    """Whose rule it is and how sure we are of it, as the pack said when the list was taken from it."""
    if not rule.authority:
        return None
    return {
        "authority": rule.authority,
        "citation": rule.citation,
        "region": rule.region,
        "confidence": rule.confidence,
        "checked_on": rule.checked_on and rule.checked_on.isoformat(),
        "stage": rule.stage,
        "validity_zh": rule.validity_zh,
        "validity_en": rule.validity_en,
        "note_zh": rule.note_zh,
        "note_en": rule.note_en,
        "lead_time_days": rule.lead_time_days and list(rule.lead_time_days),
    }


class ChecklistItem(Base):
    __tablename__ = "checklist_item"
    __table_args__ = (CheckConstraint(f"evidence_kind in {EVIDENCE}", name="evidence_kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    checklist_id: Mapped[int] = mapped_column(ForeignKey("checklist.id", ondelete="CASCADE"), index=True)
    key: Mapped[str | None] = mapped_column(String(60))
    text_zh: Mapped[str | None] = mapped_column(String(400))
    text_en: Mapped[str | None] = mapped_column(String(400))
    required: Mapped[bool] = mapped_column(default=False)
    evidence_kind: Mapped[str | None] = mapped_column(String(8))  # what it asks for, one of EVIDENCE
    hint_zh: Mapped[str | None] = mapped_column(String(200))
    hint_en: Mapped[str | None] = mapped_column(String(200))
    citation: Mapped[str | None] = mapped_column(String(300))
    position: Mapped[int]
    ticked_at: Mapped[datetime | None] = mapped_column(Instant)
    ticked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    checklist: Mapped[Checklist] = relationship(back_populates="items")
    ticked_by: Mapped[User | None] = relationship()
    evidence: Mapped[list[Evidence]] = relationship(
        order_by=Evidence.id, back_populates="item", cascade="all, delete-orphan"
    )

    @classmethod
    def write(
        cls, task: "Task", text: str, *, by: User, required: bool = False, evidence_kind: str | None = None
    ) -> "ChecklistItem":
        """Adds an item to the task's own list."""
        return Checklist.of(task, by=by).write(text, by=by, required=required, evidence_kind=evidence_kind)

    @property
    def _name(self) -> dict[str, str | None]:
        return in_both(self.text_zh, self.text_en)

    @property
    def shown_by(self) -> Evidence | None:
        """The evidence that counts now."""
        return next((evidence for evidence in reversed(self.evidence) if not evidence.replaced_at), None)

    @property
    def needs_evidence(self) -> bool:
        return self.required and self.evidence_kind is not None

    def expired(self, today: date) -> bool:
        shown = self.shown_by
        return bool(shown and shown.valid_until and shown.valid_until < today)

    def is_open(self, today: date) -> bool:
        """Not ticked, or shown by something that is not valid any more; open_on() asks the same of the database."""
        return not self.ticked_at or self.expired(today)

    @classmethod
    def open_on(cls, today: date) -> ColumnElement[bool]:
        out_of_date = exists().where(
            Evidence.item_id == cls.id, Evidence.replaced_at.is_(None), Evidence.valid_until < today
        )
        return or_(cls.ticked_at.is_(None), out_of_date)

    def tick(self, *, by: User) -> None:
        """Says that it is so; a required item that asks for evidence is ticked only where there is some."""
        self._lock()
        if self.needs_evidence and not self.shown_by:
            raise EvidenceMissing(self)
        self._set(clock.now(), by)

    def untick(self, *, by: User) -> None:
        self._lock()
        self._set(None, by)

    def give(self, evidence: Evidence, *, by: User) -> None:
        """Puts evidence in the place of what was there, and ticks the item."""
        self._lock()
        old = self.shown_by
        if old:
            old.replaced_at = clock.now()
        task = self.checklist.task
        evidence.task, evidence.given_by = task, by
        self.evidence.append(evidence)
        db.session.flush()
        changes = {"item": (self._name, self._name), "evidence": (old.words if old else None, evidence.words)}
        self.checklist._record("evidence.given", by, changes)
        self._set(clock.now(), by)

    def _lock(self) -> None:
        """Of two people who tick at once the second sees what the first did."""
        self.checklist._touch()
        db.session.refresh(self)

    def _set(self, ticked_at: datetime | None, by: User) -> None:
        if bool(ticked_at) == bool(self.ticked_at):
            return
        self.ticked_at, self.ticked_by = ticked_at, by if ticked_at else None
        if self.checklist.task:
            self.checklist.task.checked_count += 1 if ticked_at else -1
        action = "checklist_item.ticked" if ticked_at else "checklist_item.unticked"
        self.checklist._record(action, by, {"item": (self._name, self._name)})
