from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar.extensions import Base
from linkstar.models.project import Project

KINDS = ("backlog", "active", "review", "done")


class Stage(Base):
    """流程节点: where a task stands in its flow (待办, 进行中, 待审核, 完成)."""

    __tablename__ = "stage"
    __table_args__ = (CheckConstraint(f"kind in {KINDS}", name="kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    name_zh: Mapped[str | None] = mapped_column(String(60))
    name_en: Mapped[str | None] = mapped_column(String(60))
    wip_limit: Mapped[int | None]
    position: Mapped[int]

    project: Mapped[Project] = relationship(back_populates="stages")

    @classmethod
    def usual(cls) -> list["Stage"]:
        """待办, 进行中, 待审核, 完成: the flow of a project that brings none of its own."""
        rows = (
            ("backlog", "待办", "To do", None),
            ("active", "进行中", "In progress", None),
            ("review", "待审核", "In review", None),
            ("done", "完成", "Done", None),
        )
        return [
            cls(kind=kind, name_zh=zh, name_en=en, wip_limit=limit, position=position)
            for position, (kind, zh, en, limit) in enumerate(rows)
        ]
