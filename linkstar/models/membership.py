"""Who may do what: the whole policy on one screen.

Scopes: all = the whole workspace · member = projects one belongs to · own = tasks one owns or made ·
shared = tasks and projects shared one by one · approval = only after somebody else agreed · none.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.workspace import Workspace

PERMISSIONS = (
    "view", "create", "edit", "move", "delete", "approve",
    "see_budget", "see_suppliers", "see_creator_contacts", "export", "admin",
)  # fmt: skip

_POLICY = """
              view    create  edit    move    delete    approve  budget  suppliers  contacts  export    admin
admin         all     all     all     all     all       none     all     all        all       all       all
pmo           all     all     all     all     approval  member   all     member     member    approval  none
content_lead  member  member  member  member  approval  member   none    none       member    approval  none
media         member  own     own     own     none      none     none    none       none      none      none
ads           member  member  own     own     none      none     member  none       none      approval  none
ops           member  member  member  member  approval  none     member  none       none      approval  none
design        member  own     own     own     none      none     none    none       none      none      none
purchasing    member  member  own     own     none      none     member  member     none      approval  none
cs            member  own     own     own     none      none     none    none       none      none      none
finance       all     own     own     own     none      all      all     all        none      all       none
legal         all     member  member  member  none      all      none    member     member    approval  none
creator       shared  none    own     own     none      none     none    none       none      none      none
us_partner    shared  none    none    none    none      none     none    none       none      none      none
intern        member  own     own     own     none      none     none    none       none      none      none
"""

ROLES: dict[str, dict[str, str]] = {
    role: dict(zip(PERMISSIONS, scopes, strict=True))
    for role, *scopes in (line.split() for line in _POLICY.strip().splitlines()[1:])
}


def roles_with(permission: str, scope: str) -> list[str]:
    return [role for role, scopes in ROLES.items() if scopes[permission] == scope]


EXTERNAL_ROLES = frozenset({"creator", "us_partner"})
WORKSPACE_KEEPERS = frozenset({"admin", "pmo"})  # who set it up and keep its calendars and its naming rule
GATE_KEEPERS = frozenset({"legal", "pmo"})  # who may take away what holds a task; others ask for a waiver


class Membership(Base):
    """A person in a workspace, in one role."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("workspace_id", "user_id"),
        CheckConstraint(f"role in ({', '.join(repr(role) for role in ROLES)})", name="role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    workspace: Mapped["Workspace"] = relationship(lazy="joined")
    user: Mapped[User] = relationship(back_populates="memberships")

    def scope(self, permission: str) -> str:
        return ROLES[self.role][permission]

    @property
    def external(self) -> bool:
        return self.role in EXTERNAL_ROLES

    @property
    def keeps_gates(self) -> bool:
        return self.role in GATE_KEEPERS

    @property
    def keeps_workspace(self) -> bool:
        return self.role in WORKSPACE_KEEPERS
