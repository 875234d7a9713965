from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from linkstar.extensions import Base


class SavedView(Base):
    """A person's name for one way of looking at a project: the page and its filters."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("project_id", "user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    page: Mapped[str] = mapped_column(String(10))
    query: Mapped[str] = mapped_column(String(2000))
