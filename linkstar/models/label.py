from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from linkstar.extensions import Base, db


class Label(Base):
    """A word of the workspace's own that tasks are found by."""

    __tablename__ = "label"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))

    @classmethod
    def named(cls, workspace_id: int, names: list[str]) -> list["Label"]:
        """The labels of these names; a name that is new to the workspace becomes one."""
        known = db.session.scalars(select(cls).where(cls.workspace_id == workspace_id, cls.name.in_(names)))
        labels = {label.name: label for label in known}
        return [labels.get(name) or cls(workspace_id=workspace_id, name=name) for name in names]


class TaskLabel(Base):
    __tablename__ = "task_label"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    label_id: Mapped[int] = mapped_column(ForeignKey("label.id", ondelete="CASCADE"), primary_key=True, index=True)
