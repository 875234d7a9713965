from collections.abc import Collection
from datetime import datetime

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.role import ROLES, scope_in


class Workspace(Base):
    """One company's wall: every row belongs to one workspace and is found through it."""

    __tablename__ = "workspace"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    code_rule: Mapped[str] = mapped_column(String(80), default="US-{platform}-{quarter}-{word}-{number}")
    set_up_at: Mapped[datetime | None] = mapped_column(Instant)  # when somebody chose a pack, or to start blank
    policy: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON, default=dict)  # where it differs from role.ROLES
    second_factor_roles: Mapped[list[str]] = mapped_column(JSON, default=list)  # who signs in with a code as well
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    def scope(self, role: str, permission: str) -> str:
        return scope_in(self.policy, role, permission)

    def roles_with(self, permission: str, scopes: Collection[str]) -> list[str]:
        return [role for role in ROLES if self.scope(role, permission) in scopes]
