from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.audit_event import new_change, record
from linkstar.models.refusal import MatrixChanged
from linkstar.models.role import PERMISSIONS, ROLES, choices, scope_in
from linkstar.models.user import User

Matrix = dict[str, dict[str, str]]  # role → permission → scope


class Workspace(Base):
    """One company's wall: every row belongs to one workspace and is found through it."""

    __tablename__ = "workspace"
    __table_args__ = NUMBERED_ONCE

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    code_rule: Mapped[str] = mapped_column(String(80), default="US-{platform}-{quarter}-{word}-{number}")
    set_up_at: Mapped[datetime | None] = mapped_column(Instant)  # when somebody chose a pack, or to start blank
    policy: Mapped[Matrix] = mapped_column(JSON, default=dict)  # where it differs from role.ROLES
    second_factor_roles: Mapped[list[str]] = mapped_column(JSON, default=list)  # who signs in with a code as well
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    def scope(self, role: str, permission: str) -> str:
        return scope_in(self.policy, role, permission)

    def roles_with(self, permission: str, scopes: Collection[str]) -> list[str]:
        return [role for role in ROLES if self.scope(role, permission) in scopes]

    @property
    def matrix(self) -> Matrix:
        """What each role may do here, as it is enforced."""
        return {role: {each: self.scope(role, each) for each in PERMISSIONS} for role in ROLES}

    @property
    def matrix_seen(self) -> str:
        """Stands for the matrix as it is now, so that a writer can say which one was on his screen."""
        return sha256(repr((self.matrix, sorted(self.second_factor_roles))).encode()).hexdigest()[:16]

    def hold(self) -> None:
        """Until the end of the transaction nobody else changes its people or its roles; it is read again."""
        db.session.refresh(self, with_for_update={"key_share": True})

    def write_matrix(self, matrix: Matrix, second_factor_roles: Collection[str], *, seen: str, by: User) -> str:
        """What the roles may do from the next request on; one event for each role that changes, in one change.
        Raises MatrixChanged where it is not the one any more that was `seen`."""
        self.hold()
        if seen != self.matrix_seen:
            raise MatrixChanged
        change, before, asked = new_change(), self.matrix, set(self.second_factor_roles)
        for role in ROLES:
            changes: dict[str, tuple[object, object]] = {
                each: (before[role][each], matrix[role][each])
                for each in PERMISSIONS
                if before[role][each] != matrix[role][each]
            }
            if any(new not in choices(role, each) for each, (_old, new) in changes.items()):
                raise ValueError(f"{role} cannot be given this")
            if (role in asked) != (role in second_factor_roles):
                changes["second_factor"] = (role in asked, role in second_factor_roles)
            if changes:
                changes["role"] = (role, role)
                record("role.changed", by=by, workspace_id=self.id, change=change, changes=changes)
        self.policy = {
            role: own
            for role, scopes in matrix.items()
            if (own := {each: scope for each, scope in scopes.items() if scope != ROLES[role][each]})
        }
        self.second_factor_roles = [role for role in ROLES if role in second_factor_roles]
        return change
