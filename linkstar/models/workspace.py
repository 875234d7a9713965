from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from linkstar import clock
from linkstar.extensions import Base, Instant


class Workspace(Base):
    """One company's wall: every row belongs to one workspace and is found through it."""

    __tablename__ = "workspace"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
