from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column, relationship, undefer

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.user import User
from linkstar.models.workspace import Workspace

if TYPE_CHECKING:
    from linkstar.models.checklist import Checklist, ChecklistItem
    from linkstar.models.task import Task


class GatePassage(Base):
    """What was signed when a task passed its gate, frozen: who ticked what when, the rule's text as it was, each
    file's SHA-256, each waiver with its signatures. Rows are only ever added."""

    __tablename__ = "gate_passage"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    passed_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    passed_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    content: Mapped[dict[str, Any]] = mapped_column(JSON, deferred=True)

    task: Mapped["Task"] = relationship(back_populates="gate_passages")
    passed_by: Mapped[User] = relationship()

    @classmethod
    def freeze(cls, task: "Task", lists: list["Checklist"], *, by: User) -> None:
        """Keeps the state of the lists that the task passes, unless it is the one that was kept last."""
        project = task.project
        content = {
            "workspace": _named(db.session.get_one(Workspace, task.workspace_id), "key", "name_zh", "name_en"),
            "project": _named(project, "code", "name_zh", "name_en"),
            "task": _named(task, "code", "title_zh", "title_en"),
            "checklists": [_list_as_signed(checklist) for checklist in lists],
            "waivers": [_waiver_as_signed(waiver) for waiver in task.waivers if waiver.state == "granted"],
        }
        last = db.session.scalar(
            select(cls.content).where(cls.task_id == task.id).order_by(cls.id.desc()).limit(1)
        )  # fmt: skip
        if content == last:
            return
        db.session.add(cls(workspace_id=task.workspace_id, task=task, passed_by=by, content=content))
        record("gate.passed", by=by, task=task)

    @classmethod
    def file_keys(cls) -> set[str]:
        """Of all files that a passage froze, also where the list itself is gone."""
        shown = (item["evidence"] for content in db.session.scalars(select(cls.content)) for item in _items(content))
        return {each["file_key"] for each in shown if each and each["file_key"]}

    @classmethod
    def frozen(cls, project_id: int) -> dict[int, int]:
        """Evidence → the task for whose passage it was frozen, in the whole project."""
        query = select(cls).where(cls.task.has(project_id=project_id))
        return {
            item["evidence"]["id"]: passage.task_id
            for passage in db.session.scalars(query.options(undefer(cls.content)).order_by(cls.id))
            for item in passage.items
            if item["evidence"]
        }

    @property
    def items(self) -> list[dict[str, Any]]:
        return _items(self.content)


def _items(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for checklist in content["checklists"] for item in checklist["items"]]


def _named(record: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _list_as_signed(checklist: "Checklist") -> dict[str, Any]:
    return {
        "key": checklist.key,
        "title_zh": checklist.title_zh,
        "title_en": checklist.title_en,
        "source": checklist.source,
        "items": [_item_as_signed(item) for item in checklist.items],
    }


def _item_as_signed(item: "ChecklistItem") -> dict[str, Any]:
    shown = item.shown_by
    return {
        "id": item.id,
        "text_zh": item.text_zh,
        "text_en": item.text_en,
        "required": item.required,
        "citation": item.citation,
        "ticked_by": item.ticked_by.name if item.ticked_by else None,
        "ticked_at": item.ticked_at.isoformat() if item.ticked_at else None,
        "evidence": shown
        and {
            "id": shown.id,
            "kind": shown.kind,
            "value": shown.value,
            "file_name": shown.file_name,
            "file_key": shown.file_key,
            "size": shown.size,
            "sha256": shown.sha256,
            "valid_from": shown.valid_from and shown.valid_from.isoformat(),
            "valid_until": shown.valid_until and shown.valid_until.isoformat(),
            "given_by": shown.given_by.name,
            "given_at": shown.given_at.isoformat(),
        },
    }


def _waiver_as_signed(waiver: Any) -> dict[str, Any]:
    return {
        "obstacle": waiver.obstacle,
        "reason": waiver.reason,
        "asked_by": waiver.asked_by.name,
        "asked_at": waiver.asked_at.isoformat(),
        "signed": [
            {"name": vote.user.name, "role": vote.role, "at": vote.voted_at.isoformat(), "reason": vote.reason}
            for vote in waiver.votes
            if vote.agrees
        ],
    }
