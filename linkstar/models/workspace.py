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
    code_rule: Mapped[str] = mapped_column(String(80), default="US-{platform}-{quarter}-{word}-{number}")
    set_up_at: Mapped[datetime | None] = mapped_column(Instant)  # when somebody chose a pack, or to start blank
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
