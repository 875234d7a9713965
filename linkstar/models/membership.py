from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Select, String, Text, UniqueConstraint, delete, or_, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import record
from linkstar.models.mailed_link import MailedLink
from linkstar.models.refusal import LastAdministrator, MemberChanged, NotAllowed, StillOwns
from linkstar.models.role import EXTERNAL_ROLES, GATE_KEEPERS, READ_ONLY_ROLES, ROLES, WORKSPACE_KEEPERS
from linkstar.models.user import SignIn, User
from linkstar.models.workspace import Workspace

if TYPE_CHECKING:
    from linkstar.models.project import Project


class Membership(Base):
    """A person in a workspace, in one role. Whoever leaves has no row any more, so nothing is left to forget; a
    Departure says that it was so."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("workspace_id", "user_id"),
        CheckConstraint(f"role in ({', '.join(repr(role) for role in ROLES)})", name="role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    hours_a_day: Mapped[float] = mapped_column(default=8)  # what the person can do on a working day
    contact: Mapped[str | None] = mapped_column(Text)  # of a creator: telephone, chat, where samples go
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    workspace: Mapped[Workspace] = relationship(lazy="joined")
    user: Mapped[User] = relationship(back_populates="memberships")

    def scope(self, permission: str) -> str:
        return self.workspace.scope(self.role, permission)

    @property
    def external(self) -> bool:
        return self.role in EXTERNAL_ROLES

    @property
    def of_the_team(self) -> bool:
        """Is it planned with the person's days? Also from outside, but for creators, who work for several brands."""
        return self.role != "creator"

    @property
    def read_only(self) -> bool:
        return self.role in READ_ONLY_ROLES

    @property
    def administers(self) -> bool:
        """May the person let others in and out, and say what the roles may do?"""
        return self.scope("admin") == "all"

    def has_say_in(self, project: "Project | None") -> bool:
        """May the person decide there (None: about no project) what the pack lets the role decide? A role that is
        shipped without a say in the business, like the administrator's, decides all that the pack names."""
        if project and (not project.known_to(self.user) or project.reach(self.user)):
            return False
        scope = self.scope("approve")
        if scope == "member":
            return project is None or project.has_member(self.user)
        return scope == "all" or ROLES[self.role]["approve"] == "none"

    @property
    def keeps_gates(self) -> bool:
        return self.role in GATE_KEEPERS

    @property
    def keeps_workspace(self) -> bool:
        return self.role in WORKSPACE_KEEPERS

    @property
    def sees_workload(self) -> bool:
        """May the person know who has how much to do? Not who sees only work of the own."""
        return not self.external and self.scope("view") in ("all", "member")

    # who is in a workspace

    @staticmethod
    def invite(
        workspace: Workspace,
        email: str,
        name: str,
        role: str,
        language: str,
        *,
        by: User,
        project: "Project | None" = None,
    ) -> MailedLink:
        """Sends an invitation by mail. One that is on its way to this address already opens nothing any more."""
        email = email.strip().lower()
        for earlier in db.session.scalars(invitations_to(workspace.id).where(MailedLink.email == email)):
            earlier.revoked_at = clock.now()
        link = MailedLink.send(
            "invitation", email=email, name=name, language=language, workspace_id=workspace.id, role=role,
            project_id=project.id if project else None, sent_by=by,
        )  # fmt: skip
        db.session.flush()
        changes = {"invitation_id": (None, link.id), "role": (None, role)}
        record("member.invited", by=by, workspace_id=workspace.id, changes=changes)
        return link

    @classmethod
    def join(cls, user: User, link: MailedLink) -> "Membership":
        """Takes an invitation up that was used just now; whoever is there already stays what he is."""
        assert link.workspace_id and link.role
        membership = user.membership_in(link.workspace_id)
        if membership is None:
            membership = cls(workspace_id=link.workspace_id, user=user, role=link.role)
            db.session.add(membership)
            db.session.flush()
            changes = {"user_id": (None, user.id), "role": (None, link.role)}
            record("member.joined", by=user, workspace_id=link.workspace_id, changes=changes)
        return membership

    @classmethod
    def admit_creator(cls, workspace_id: int, email: str, name: str, language: str, timezone: str, *, by: User) -> User:
        """A creator of the workspace from now on, known by this address; somebody who is known stays as he is."""
        creator = db.session.scalar(select(User).where(User.email == email))
        if creator is None:
            creator = User(email=email, name=name, language=language, timezone=timezone)
            db.session.add(creator)
        elif not cls.is_admitted_at_once(workspace_id, creator):
            raise NotAllowed("admin")
        creator.active = True
        db.session.add(cls(workspace_id=workspace_id, user=creator, role="creator"))
        db.session.flush()
        db.session.refresh(creator, ["memberships"])
        changes = {"user_id": (None, creator.id), "role": (None, "creator")}
        record("member.admitted", by=by, workspace_id=workspace_id, changes=changes)
        return creator

    @staticmethod
    def is_admitted_at_once(workspace_id: int, user: User) -> bool:
        """Creators work for several brands, and come back; everybody else is asked by an invitation."""
        if user.memberships:
            return user.only_creates
        last = select(Departure.role).where(Departure.workspace_id == workspace_id, Departure.user_id == user.id)
        return db.session.scalar(last.order_by(Departure.id.desc()).limit(1)) == "creator"

    def change_role(self, role: str, *, by: User) -> str | None:
        """Another role from the next request on; returns the name of the change. What the person owns stays his."""
        self.hold()
        if role == self.role:
            return None
        if self._is_last_administrator:
            raise LastAdministrator
        if role == "creator" and self._owns_something:
            raise StillOwns
        administered = self.administers
        old, self.role = self.role, role
        if administered and not self.administers:
            self._take_invitations_back(by)
        if old == "creator":
            self._close_the_portal()
        if role == "creator":
            self._leave_projects(by)
        changes = {"user_id": (self.user_id, self.user_id), "role": (old, role)}
        return record("member.role_changed", by=by, workspace_id=self.workspace_id, changes=changes)

    def write_contact(self, contact: str | None, *, by: User) -> None:
        """The trail says that it was changed, and not what it is: not everybody who reads the trail may know."""
        if contact != self.contact:
            self.contact = contact
            changes = {"user_id": (self.user_id, self.user_id)}
            record("member.edited", by=by, workspace_id=self.workspace_id, changes=changes)

    def write_hours(self, hours_a_day: float, *, by: User) -> None:
        if hours_a_day != self.hours_a_day:
            changes = {"user_id": (self.user_id, self.user_id), "hours_a_day": (self.hours_a_day, hours_a_day)}
            self.hours_a_day = hours_a_day
            record("member.edited", by=by, workspace_id=self.workspace_id, changes=changes)

    def revoke_entry(self, link: MailedLink, *, by: User) -> None:
        """A creator's way in is shut, and whoever came in by it is signed out."""
        link.revoke()
        record("entry.revoked", by=by, workspace_id=self.workspace_id, changes={"user_id": (self.user_id, None)})

    def end(self, successor: User | None, *, by: User, change: str) -> None:
        """The person is out: no row, no sign-in, no key and no link from the next request on."""
        self.hold()
        if self._is_last_administrator:
            raise LastAdministrator
        user, here, role = self.user, self.workspace_id, self.role
        self._leave_projects(by)
        self._take_invitations_back(by)
        db.session.add(Departure(workspace_id=here, user=user, role=role, successor=successor, by=by))
        db.session.delete(self)
        db.session.flush()
        db.session.expire(user, ["memberships"])
        user.active = bool(user.memberships)
        db.session.execute(delete(SignIn).where(SignIn.user_id == user.id))
        mine = or_(MailedLink.user_id == user.id, MailedLink.email == user.email)
        about = or_(MailedLink.workspace_id == here, MailedLink.workspace_id.is_(None))
        for link in db.session.scalars(select(MailedLink).where(mine, about, MailedLink.revoked_at.is_(None))):
            link.revoke()
        changes = {
            "user_id": (user.id, None), "role": (role, None),
            "successor_id": (None, successor.id if successor else None),
        }  # fmt: skip
        record("member.left", by=by, workspace_id=here, change=change, changes=changes)

    def hold(self) -> None:
        """Until the end of the transaction nobody else changes who is in the workspace; raises MemberChanged where
        the person has left since."""
        self.workspace.hold()
        query = select(Membership).where(Membership.id == self.id).execution_options(populate_existing=True)
        if db.session.scalar(query) is None:
            raise MemberChanged

    @property
    def _is_last_administrator(self) -> bool:
        """By the shipped role: what another role may do can be taken away on the page of roles."""
        others = (
            select(Membership.id)
            .join(Membership.user)
            .where(Membership.workspace_id == self.workspace_id, Membership.role == "admin", User.active)
            .where(Membership.id != self.id)
            .limit(1)
        )
        return self.role == "admin" and db.session.scalar(others) is None

    def _leave_projects(self, by: User) -> None:
        """Creators are given single tasks, and take part in no project."""
        for joined in list(self.user.project_memberships):
            if joined.project.workspace_id == self.workspace_id:
                joined.project.remove_member(joined, by=by)

    @property
    def _owns_something(self) -> bool:
        """A living project or an open task of the workspace; their classes stand below this one."""
        project, task = Base.metadata.tables["project"], Base.metadata.tables["task"]
        no_draft = project.c.draft_of_id.is_(None)
        here = select(project.c.id).where(project.c.workspace_id == self.workspace_id, no_draft)
        mine = [
            select(table.c.id)
            .where(table.c.workspace_id == self.workspace_id, table.c.owner_id == self.user_id, open_one)
            .where(table.c.trashed_at.is_(None))
            for table, open_one in (
                (project, no_draft),
                (task, task.c.completed_at.is_(None) & task.c.project_id.in_(here)),
            )
        ]
        return any(db.session.scalar(query.limit(1)) for query in mine)

    def _take_invitations_back(self, by: User) -> None:
        """Whoever lets nobody in any more has nobody on the way either."""
        for link in db.session.scalars(invitations_to(self.workspace_id).where(MailedLink.sent_by_id == self.user_id)):
            link.revoke()
            changes = {"invitation_id": (link.id, None)}
            record("invitation.revoked", by=by, workspace_id=self.workspace_id, changes=changes)

    def _close_the_portal(self) -> None:
        """A link in a mail signs creators in, and nobody who may do more."""
        here = MailedLink.workspace_id == self.workspace_id, MailedLink.user_id == self.user_id
        query = select(MailedLink).where(*here, MailedLink.kind == "entry", MailedLink.revoked_at.is_(None))
        for link in db.session.scalars(query):
            link.revoke()


def entries_to(workspace_id: int) -> Select[MailedLink]:
    """The links that let creators in and that still open, those that they asked for themselves too, newest first."""
    return (
        select(MailedLink)
        .where(MailedLink.kind == "entry", MailedLink.workspace_id == workspace_id)
        .where(MailedLink.revoked_at.is_(None), MailedLink.expires_at > clock.now())
        .order_by(MailedLink.id.desc())
    )


def invitations_to(workspace_id: int) -> Select[MailedLink]:
    """The invitations to a workspace that nobody has taken up and that still open, the newest first."""
    return (
        select(MailedLink)
        .where(MailedLink.kind == "invitation", MailedLink.workspace_id == workspace_id)
        .where(MailedLink.used_at.is_(None), MailedLink.revoked_at.is_(None), MailedLink.expires_at > clock.now())
        .order_by(MailedLink.id.desc())
    )


class Departure(Base):
    """Somebody left a workspace, and who took over the tasks."""

    __tablename__ = "departure"

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    erased_at: Mapped[datetime | None] = mapped_column(Instant)  # when the workspace forgot what it kept of the person

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    successor: Mapped[User | None] = relationship(foreign_keys=[successor_id])
    by: Mapped[User] = relationship(foreign_keys=[by_id])
