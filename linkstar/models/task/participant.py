from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar.extensions import Base
from linkstar.models.user import User


class Participant(Base):
    """Who takes part in a task beside its owner: a collaborator helps, a watcher is told. Either one makes the
    task visible to somebody who sees only what is shared."""

    __tablename__ = "participant"
    __table_args__ = (CheckConstraint("kind in ('collaborator', 'watcher')", name="kind"),)

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(String(12))

    user: Mapped[User] = relationship()
