"""Who is in a workspace, as one member may know it, and what a role gives and takes."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import func, select, union
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models import (
    Departure,
    MailedLink,
    Membership,
    Participant,
    Project,
    ProjectMember,
    Task,
    User,
    invitations_to,
)
from linkstar.models.role import EXTERNAL_ROLES, MASKED, PERMISSIONS, READ_ONLY_ROLES

WIDTH = ("none", "approval", "own", "shared", "member", "all")  # of a scope, the narrowest first


@dataclass(frozen=True)
class Seats:
    internal: int
    external: int
    read_only: int

    @classmethod
    def of(cls, roles: list[str]) -> "Seats":
        count = Counter("read" if each in READ_ONLY_ROLES else each in EXTERNAL_ROLES for each in roles)
        return cls(internal=count[False], external=count[True], read_only=count["read"])


class People:
    """The members of the reader's workspace."""

    def __init__(self, reader: Membership) -> None:
        self.reader, self.workspace_id = reader, reader.workspace_id

    @cached_property
    def members(self) -> list[Membership]:
        query = (
            select(Membership)
            .join(Membership.user)
            .where(Membership.workspace_id == self.workspace_id, User.active)
            .options(joinedload(Membership.user))
            .order_by(Membership.id)
        )
        return list(db.session.scalars(query).unique())

    @cached_property
    def invitations(self) -> list[MailedLink]:
        """On their way; only for who sends them."""
        if not self.reader.administers:
            return []
        return list(db.session.scalars(invitations_to(self.workspace_id).options(joinedload(MailedLink.sent_by))))

    @cached_property
    def seats(self) -> Seats:
        return Seats.of([member.role for member in self.members])

    @cached_property
    def invited(self) -> Seats:
        return Seats.of([link.role or "" for link in self.invitations])

    def shows_contact(self, member: Membership | Departure) -> bool:
        """May the reader know how this person is reached? Only creators keep that from most."""
        return member.role != "creator" or self.knows_contact(member)

    def knows_contact(self, member: Membership | Departure) -> bool:
        """May the reader know what the workspace wrote down of a creator, whatever the person is by now?"""
        return self.sees_all_contacts or member.user_id in self._known_creators

    @property
    def sees_all_contacts(self) -> bool:
        return self.reader.scope(MASKED["contact"]) == "all"

    @cached_property
    def _known_creators(self) -> set[int]:
        scope = self.reader.scope(MASKED["contact"])
        if scope == "all":
            return {member.user_id for member in self.members}
        reader = self.reader.user
        joined = select(Project).join(Project.members).where(ProjectMember.user_id == reader.id)
        here = joined.where(Project.workspace_id == self.workspace_id, Project.trashed_at.is_(None))
        projects = [each.id for each in db.session.scalars(here) if each.shows(reader, "contact")]
        work = Task.project_id.in_(projects), Task.trashed_at.is_(None)
        helping = select(Participant.user_id).join(Task, Task.id == Participant.task_id).where(*work)
        return set(db.session.scalars(union(select(Task.owner_id).where(*work), helping)))


@dataclass(frozen=True)
class Step:
    """One permission before and after."""

    permission: str
    old: str
    new: str


class RoleDifference:
    """What a person gains and loses by another role; nothing is written."""

    def __init__(self, membership: Membership, role: str) -> None:
        self.membership, self.role = membership, role
        workspace = membership.workspace
        self.steps = [
            Step(each, old, new)
            for each in PERMISSIONS
            if (old := membership.scope(each)) != (new := workspace.scope(role, each))
        ]

    @property
    def gained(self) -> list[Step]:
        return [step for step in self.steps if WIDTH.index(step.new) > WIDTH.index(step.old)]

    @property
    def lost(self) -> list[Step]:
        return [step for step in self.steps if WIDTH.index(step.new) < WIDTH.index(step.old)]

    @cached_property
    def projects(self) -> tuple[int, int]:
        """How many projects the person sees, before and after."""
        new = self.membership.workspace.scope(self.role, "view")
        return self._seen(self.membership.scope("view")), 0 if self.role == "creator" else self._seen(new)

    def _seen(self, scope: str) -> int:
        here = Project.workspace_id == self.membership.workspace_id, Project.trashed_at.is_(None)
        query = select(func.count(Project.id)).where(*here, Project.draft_of_id.is_(None))
        if scope == "all":
            return db.session.scalar(query) or 0
        if scope not in ("member", "shared"):
            return 0
        mine = select(ProjectMember.project_id).where(ProjectMember.user_id == self.membership.user_id)
        return db.session.scalar(query.where(Project.id.in_(mine))) or 0

    @cached_property
    def kept(self) -> tuple[int, int]:
        """Open tasks and projects of the person's own, which stay that."""
        mine = self.membership
        tasks = select(func.count(Task.id)).where(
            Task.workspace_id == mine.workspace_id, Task.owner_id == mine.user_id, Task.completed_at.is_(None),
            Task.trashed_at.is_(None),
        )  # fmt: skip
        projects = select(func.count(Project.id)).where(
            Project.workspace_id == mine.workspace_id, Project.owner_id == mine.user_id, Project.trashed_at.is_(None)
        )
        row = db.session.execute(select(tasks.scalar_subquery(), projects.scalar_subquery())).one()
        return row[0], row[1]

    @property
    def crosses_the_wall(self) -> str | None:
        """ "out" where somebody from inside becomes an outsider, "in" where an outsider is let in."""
        was, will = self.membership.external, self.role in EXTERNAL_ROLES
        return None if was == will else "out" if will else "in"
