from hashlib import sha256
from typing import Any

from sqlalchemy import select

from linkstar import packs
from linkstar.extensions import db
from linkstar.models.audit_event import in_both
from linkstar.models.membership import Membership
from linkstar.models.operations.operation import Operation
from linkstar.models.project import Project
from linkstar.models.refusal import Overtaken
from linkstar.models.user import User
from linkstar.models.workspace import Workspace


class RoleChange(Operation):
    """Somebody gets another role (arguments user_id, role), or people are invited (guests as pairs of address and
    name, role, language, project_id)."""

    key = "role_change"

    @classmethod
    def is_asked_by(cls, membership: Membership) -> bool:
        return membership.role in packs.pack().operation(cls.key).requested_by

    def may_be_asked_by(self, user: User) -> bool:
        membership = user.membership_in(self.workspace_id)
        return membership is not None and self.is_asked_by(membership)

    @property
    def subject(self) -> str:
        if self._guests:
            return f"invitation {sha256(repr(sorted(self._guests)).encode()).hexdigest()[:16]}"
        return f"person {self.arguments['user_id']}"

    @property
    def about(self) -> dict[str, str | None]:
        member = self._member
        names = ", ".join(name for _email, name in self._guests) or (member.user.name if member else "")
        return in_both(names, names)

    @property
    def told(self) -> dict[str, tuple[Any, Any]]:
        return {"user_id": (None, self.arguments.get("user_id")), "role": (None, self.arguments["role"])}

    def difference(self, *, by: User) -> list[list[Any]]:
        member = self._member
        invited = [["email", None, email] for email, _name in self._guests]
        return [*invited, ["role", member.role if member else None, self.arguments["role"]]]

    def seen(self) -> Any:
        member = self._member
        return member.role if member else None

    def lock(self) -> None:
        db.session.get_one(Workspace, self.workspace_id).hold()

    def run(self, *, by: User, asked_by: User) -> str | None:
        if self._guests:
            return self._invite(by)
        member = self._member
        if member is None:
            raise Overtaken("gone")
        return member.change_role(self.arguments["role"], by=by)

    def _invite(self, by: User) -> str | None:
        workspace, wanted = db.session.get_one(Workspace, self.workspace_id), self.arguments
        project = db.session.get(Project, wanted["project_id"]) if wanted["project_id"] else None
        members = select(User.email).join(User.memberships).where(Membership.workspace_id == self.workspace_id)
        known = set(db.session.scalars(members))
        for email, name in self._guests:
            if email in known:  # who asked is not told so
                continue
            Membership.invite(workspace, email, name, wanted["role"], wanted["language"], by=by, project=project)
        return None

    @property
    def _guests(self) -> list[tuple[str, str]]:
        return [(email, name) for email, name in self.arguments.get("guests", ())]

    @property
    def _member(self) -> Membership | None:
        if self._guests:
            return None
        query = select(Membership).where(
            Membership.workspace_id == self.workspace_id, Membership.user_id == self.arguments["user_id"]
        )
        return db.session.scalar(query.execution_options(populate_existing=True))
