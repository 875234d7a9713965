from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar.extensions import Base
from linkstar.models.project import Project


class Phase(Base):
    """阶段: the part of the plan that a task belongs to (合规准备, 内容制作, 广告测试)."""

    __tablename__ = "phase"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    name_zh: Mapped[str | None] = mapped_column(String(60))
    name_en: Mapped[str | None] = mapped_column(String(60))
    position: Mapped[int]

    project: Mapped[Project] = relationship(back_populates="phases")
