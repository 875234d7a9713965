from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Numeric,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    false,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship
from sqlalchemy.orm.attributes import set_committed_value

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.audit_event import AuditEvent, record
from linkstar.models.membership import Membership
from linkstar.models.refusal import NotAllowed, Overtaken, StillUsed
from linkstar.models.role import MASKED, REACHES, narrowed, scope_in
from linkstar.models.template import Template, TemplateVersion, is_template_keeper
from linkstar.models.user import SignIn, User
from linkstar.models.workspace import Workspace

if TYPE_CHECKING:
    from linkstar.models.phase import Phase
    from linkstar.models.stage import Stage


REMIND_BEFORE = (7, 3, 1)  # days before a task is due, where nobody chose others


class ProjectMember(Base):
    """A person who takes part in a project. Creators never do: they are given single tasks."""

    __tablename__ = "project_member"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True)

    project: Mapped["Project"] = relationship(back_populates="members")
    user: Mapped[User] = relationship(back_populates="project_memberships")


class Project(Base):
    """A launch, a campaign, a pipeline: tasks on a course from its first day to its anchor day."""

    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("workspace_id", "code"), NUMBERED_ONCE)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(8))  # LAMP, so that its tasks are LAMP-1, LAMP-2 …
    name_zh: Mapped[str | None] = mapped_column(String(120))
    name_en: Mapped[str | None] = mapped_column(String(120))
    anchor_on: Mapped[date | None]
    anchor_name_zh: Mapped[str | None] = mapped_column(String(40))
    anchor_name_en: Mapped[str | None] = mapped_column(String(40))
    anchor_at: Mapped[datetime | None] = mapped_column(Instant)  # where the plan counts hours
    anchor_key: Mapped[str | None] = mapped_column(String(60))  # the task that stands on the anchor day
    unit: Mapped[str] = mapped_column(String(12), default="working_day")
    platforms: Mapped[list[str]] = mapped_column(JSON, default=list)
    categories: Mapped[list[str]] = mapped_column(JSON, default=list)
    content_types: Mapped[list[str]] = mapped_column(JSON, default=list)
    store: Mapped[str | None] = mapped_column(String(80))
    brand: Mapped[str | None] = mapped_column(String(80))
    sku: Mapped[str | None] = mapped_column(String(60))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="SET NULL"), index=True)
    template_version_id: Mapped[int | None] = mapped_column(ForeignKey("template_version.id", ondelete="SET NULL"))
    draft_of_id: Mapped[int | None] = mapped_column(ForeignKey("template.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    budget: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    suppliers: Mapped[str | None] = mapped_column(Text)
    remind_before: Mapped[list[int]] = mapped_column(JSON, default=lambda: [*REMIND_BEFORE])
    narrowed: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # a person's id → a reach of role.REACHES
    drill: Mapped[bool] = mapped_column(default=False)  # the playbook of an emergency that was only rehearsed
    last_number: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    trashed_at: Mapped[datetime | None] = mapped_column(Instant)

    owner: Mapped[User] = relationship()
    parent: Mapped["Project | None"] = relationship(remote_side=[id], back_populates="children")
    children: Mapped[list["Project"]] = relationship(back_populates="parent", order_by="Project.id")
    template_version: Mapped[TemplateVersion | None] = relationship()
    draft_of: Mapped[Template | None] = relationship()
    stages: Mapped[list["Stage"]] = relationship(order_by="Stage.position", back_populates="project")
    phases: Mapped[list["Phase"]] = relationship(order_by="Phase.position", back_populates="project")
    members: Mapped[list[ProjectMember]] = relationship(back_populates="project", cascade="all, delete-orphan")

    # who sees it

    @classmethod
    def visible_to(cls, user: User) -> Select[Self]:
        return select(cls).where(cls.trashed_at.is_(None), cls.seen_by(user))

    @classmethod
    def seen_by(cls, user: User) -> ColumnElement[bool]:
        """Those in the trash as well."""
        return or_(false(), *(cls._visible_through(m) for m in user.memberships))

    @classmethod
    def _visible_through(cls, membership: Membership) -> ColumnElement[bool]:
        here, scope = cls.workspace_id == membership.workspace_id, membership.scope("view")
        if scope == "all":
            return here
        if scope not in ("member", "shared"):
            return false()
        return and_(here, cls.id.in_(cls._joined_by(membership.user_id)))

    @staticmethod
    def _joined_by(user_id: int) -> Select[int]:
        return select(ProjectMember.project_id).where(ProjectMember.user_id == user_id)

    def has_member(self, user: User) -> bool:
        return any(membership.project_id == self.id for membership in user.project_memberships)

    @classmethod
    def drafts(cls) -> Select[int]:
        """Ids of the projects that are nobody's work: templates being edited, and the playbooks of drills."""
        return select(cls.id).where(or_(cls.draft_of_id.is_not(None), cls.drill))

    @classmethod
    def at_work_in(cls, workspace_id: int, user: User) -> Select[Self]:
        """Those of the workspace that the person sees and that are somebody's work."""
        query = cls.visible_to(user).where(cls.workspace_id == workspace_id, cls.id.not_in(cls.drafts()))
        return query.order_by(cls.id)

    @classmethod
    def open_to_tasks_of(cls, membership: Membership) -> Select[Self]:
        """Those of the workspace to which the person may add tasks: allows(user, "create"), for queries."""
        query = cls.visible_to(membership.user).where(cls.workspace_id == membership.workspace_id)
        query, scope = query.where(cls.draft_of_id.is_(None)), membership.scope("create")
        joined = cls.id.in_(cls._joined_by(membership.user_id))
        if not membership.administers:
            reach = cls.narrowed[str(membership.user_id)].as_string()
            ways = cls.owner_id == membership.user_id, reach.is_(None), and_(reach == "own", joined)
            query = query.where(or_(*ways))
        if scope in ("own", "member"):
            return query.where(joined)
        return query if scope == "all" else query.where(false())

    def known_to(self, user: User) -> bool:
        """Does the person see the project itself, its name and its board, and not only single tasks of it?"""
        membership = user.membership_in(self.workspace_id)
        scope = membership.scope("view") if membership else "none"
        return scope == "all" or (scope in ("member", "shared") and self.has_member(user))

    @classmethod
    def with_say_of(cls, membership: Membership) -> ColumnElement[bool]:
        """Membership.has_say_in, for queries."""
        if not membership.has_say_in(None):
            return false()
        ways = [cls._visible_through(membership)]
        if not membership.administers:
            narrowed = cls.narrowed[str(membership.user_id)].as_string().is_not(None)
            ways.append(or_(~narrowed, cls.owner_id == membership.user_id))
        if membership.scope("approve") == "member":
            ways.append(cls.id.in_(cls._joined_by(membership.user_id)))
        return and_(*ways)

    def add_member(self, user: User, *, by: User) -> None:
        membership = user.membership_in(self.workspace_id)
        if membership is None or membership.role == "creator":
            raise ValueError("only people of the workspace take part in a project, and creators in single tasks")
        self.members.append(ProjectMember(user=user))
        self._record("project_member.added", by, (None, user.id))

    def remove_member(self, member: ProjectMember, *, by: User) -> None:
        """Whoever was narrowed stays so: for who sees every project, and when the person comes back."""
        self.lock()
        if member in self.members:
            self.members.remove(member)
            self._record("project_member.removed", by, (member.user_id, None))

    def _record(self, action: str, by: User, user: tuple[int | None, int | None]) -> None:
        record(action, by=by, workspace_id=self.workspace_id, project_id=self.id, changes={"user_id": user})

    def scope(self, user: User, permission: str) -> str:
        """What the person's role gives, as far as this project does not narrow it."""
        membership = user.membership_in(self.workspace_id)
        scope = membership.scope(permission) if membership else "none"
        return narrowed(scope, permission, self.reach(user))

    def reach(self, user: User) -> str | None:
        """How this project narrows the person, if it does; never its owner, nor who administers the workspace."""
        return self.narrowed.get(str(user.id)) if self.can_narrow(user) else None

    def may_narrow(self, user: User) -> bool:
        """May the person say how far others reach here? Its owner may, and who edits every project."""
        return self.owner_id == user.id or self.scope(user, "edit") == "all"

    def can_narrow(self, user: User) -> bool:
        """Is the person one who can be narrowed here at all?"""
        membership = user.membership_in(self.workspace_id)
        if membership is None or membership.role == "creator":
            return False
        return user.id != self.owner_id and not membership.administers

    def narrow(self, user: User, reach: str | None, *, by: User) -> None:
        """How far a person who takes part reaches here, whatever the role gives; None: as far as the role."""
        if not self.can_narrow(user):
            raise NotAllowed("narrow")
        if reach not in (None, *REACHES):
            raise ValueError(f"there is no reach {reach}")
        self.lock()
        old = self.narrowed.get(str(user.id))
        if reach == old:
            return
        others = {key: each for key, each in self.narrowed.items() if key != str(user.id)}
        self.narrowed = others | ({str(user.id): reach} if reach else {})
        record(
            "project_member.narrowed", by=by, workspace_id=self.workspace_id, project_id=self.id,
            changes={"user_id": (user.id, user.id), "reach": (old or "role", reach or "role")},
        )  # fmt: skip

    def may_change_tasks(self, user: User) -> bool:
        """Could there be a task here that the person may edit or move?"""
        if self.draft_of_id:
            return is_template_keeper(user, self.workspace_id)
        return any(self.scope(user, each) in ("own", "member", "all") for each in ("edit", "move"))

    def hand_to(self, owner: User, *, by: User, change: str) -> None:
        """Somebody else of the workspace owns it from now on, and takes part in it."""
        old, self.owner = self.owner_id, owner
        if not self.has_member(owner):
            self.add_member(owner, by=by)
        record(
            "project.edited", by=by, workspace_id=self.workspace_id, project_id=self.id, change=change,
            changes={"owner_id": (old, owner.id)},
        )  # fmt: skip

    def shows(self, user: User, field: str) -> bool:
        """May the person know what stands in this field (of the project, or of a creator who works for it)?"""
        return field not in MASKED or self.allows(user, MASKED[field])

    def allows(self, user: User, permission: str) -> bool:
        """May the person do this in the project at large (and not only to tasks of the person's own)?"""
        if self.draft_of_id and permission not in ("view", "export"):
            return is_template_keeper(user, self.workspace_id)
        membership = user.membership_in(self.workspace_id)
        if permission == "release":
            return membership is not None and membership.keeps_gates and self.reach(user) is None
        scope = self.scope(user, permission)
        if scope == "own":
            if permission in ("edit", "move"):
                return self.owner_id == user.id
            return permission == "create" and self.has_member(user)
        if scope == "shared":
            return permission == "view" and self.has_member(user)
        return scope == "all" or (scope == "member" and self.has_member(user))

    def refuse_release(self, by: User) -> None:
        """What holds a task is taken away by who keeps the gates, and in a template by who keeps templates."""
        if not self.allows(by, "release"):
            raise NotAllowed("release")

    def people(self) -> list[User]:
        """Who can own its tasks: its members, and those of the workspace who see every project."""
        joined = select(ProjectMember.user_id).where(ProjectMember.project_id == self.id)
        people = (
            select(User)
            .join(User.memberships)
            .where(User.active, Membership.workspace_id == self.workspace_id)
            .where(or_(Membership.role.in_(self._roles_that_see_all()), User.id.in_(joined)))
            .options(contains_eager(User.memberships))
            .order_by(User.id)
        )
        return list(db.session.scalars(people).unique())

    def _roles_that_see_all(self) -> list[str]:
        return db.session.get_one(Workspace, self.workspace_id).roles_with("view", ["all"])

    def people_for(self, reader: User) -> list[User]:
        """The same, as far as the reader may know who there is: an outsider is told of nobody."""
        membership = reader.membership_in(self.workspace_id)
        return self.people() if membership and not membership.external else []

    @property
    def programme_id(self) -> int:
        """The project at the head of the programme: its parent, or itself."""
        return self.parent_id or self.id

    # how it changes

    @classmethod
    def create(cls, *, by: User, **values: Any) -> Self:
        project = cls(owner=by, **values)
        db.session.add(project)
        db.session.flush()
        project.members.append(ProjectMember(user=by))
        record("project.created", by=by, workspace_id=project.workspace_id, project_id=project.id)
        return project

    def move_anchor(
        self, anchor: date | datetime | None, *, by: User, change: str | None = None, undoes: str | None = None
    ) -> None:
        """Writes the anchor only; `Plan.moved_to(anchor)` moves the tasks with it."""
        old: date | datetime | None = self.anchor_at or self.anchor_on
        self.anchor_at = anchor if isinstance(anchor, datetime) else None
        self.anchor_on = (
            anchor.astimezone(ZoneInfo(self.owner.timezone)).date() if isinstance(anchor, datetime) else anchor
        )
        record(
            "project.anchor_moved", by=by, workspace_id=self.workspace_id, project_id=self.id, change=change,
            undoes=undoes, changes={"anchor": (old, anchor)},
        )  # fmt: skip

    def edit(self, values: dict[str, Any], *, by: User) -> str | None:
        """Writes the fields that differ and returns the name of the change, None where nothing differs."""
        self.lock()
        changes = {name: (getattr(self, name), new) for name, new in values.items() if getattr(self, name) != new}
        if not changes:
            return None
        for name, (_old, new) in changes.items():
            setattr(self, name, new)
        return self._record_all("project.edited", by, changes)

    def trash(self, *, by: User, let_go_by: User | None = None) -> str:
        """Into the trash with all its tasks. Its sub-projects go first, one by one; what holds a task of another
        project is let go by who keeps the gates."""
        self.lock()
        if self.trashed_at:
            raise Overtaken("gone")
        if self.living_children:
            raise StillUsed(len(self.living_children))
        if self.holds_others:
            self.refuse_release(let_go_by or by)
        self.trashed_at = clock.now()
        self._move_tasks(None, self.trashed_at)
        return self._record_all("project.trashed", by, {})

    def restore(self, *, by: User) -> str:
        """Out of the trash, with the tasks that went there with it."""
        self.lock()
        if not self.trashed_at:
            raise Overtaken("gone")
        self._move_tasks(self.trashed_at, None)
        self.trashed_at = None
        return self._record_all("project.restored", by, {})

    def may_be_trashed_by(self, user: User) -> bool:
        """Alone and at once; others ask for it."""
        if self.draft_of_id or not self.allows(user, "delete"):
            return False
        return self.allows(user, "release") or not self.holds_others

    @property
    def living_children(self) -> list["Project"]:
        return [child for child in self.children if not child.trashed_at]

    def may_be_restored_by(self, user: User) -> bool:
        """By who may delete it, be it after an approval; and by who threw it away."""
        may_delete = self.known_to(user) and self.scope(user, "delete") in ("all", "approval")
        return bool(self.trashed_at) and (
            may_delete or AuditEvent.last_actor_id("project.trashed", AuditEvent.of_project(self)) == user.id
        )

    @property
    def holds_others(self) -> bool:
        """Does an open task of another project wait for an unfinished blocking one of this?"""
        task, link = Base.metadata.tables["task"], Base.metadata.tables["dependency"]
        after = task.alias()
        held = (
            select(link.c.successor_id)
            .join(task, task.c.id == link.c.predecessor_id)
            .join(after, after.c.id == link.c.successor_id)
            .where(task.c.project_id == self.id, after.c.project_id != self.id)
            .where(task.c.blocking, task.c.completed_at.is_(None), after.c.completed_at.is_(None))
            .where(task.c.trashed_at.is_(None), after.c.trashed_at.is_(None))
        )
        return db.session.scalar(held.limit(1)) is not None

    def _move_tasks(self, old: datetime | None, new: datetime | None) -> None:
        """Tasks that lie in the trash since `old` (None: do not) go there, or come from there, at once."""
        task = Base.metadata.tables["task"]  # the class stands below this one
        here = update(task).where(task.c.project_id == self.id, task.c.trashed_at.is_not_distinct_from(old))
        db.session.execute(here.values(trashed_at=new, revision=self.revision))
        db.session.flush()
        db.session.expire_all()

    def _record_all(self, action: str, by: User, changes: dict[str, tuple[Any, Any]]) -> str:
        return record(action, by=by, workspace_id=self.workspace_id, project_id=self.id, changes=changes)

    def touch(self) -> int:
        """Locks the project until the end of the transaction and gives this change the next revision."""
        revision = db.session.scalar(
            update(Project)
            .where(Project.id == self.id)
            .values(revision=Project.revision + 1)
            .returning(Project.revision)
            .execution_options(synchronize_session=False)
        )
        set_committed_value(self, "revision", revision)
        return int(revision or 0)

    def lock(self) -> int:
        """touch(); where somebody changed anything in the project since it was read, everything is read again."""
        seen = self.revision
        revision = self.touch()
        if revision != seen + 1:
            db.session.expire_all()
        return revision

    def next_number(self) -> int:
        """The next number in the project; call it after lock(), which serialises writers."""
        number = db.session.scalar(
            update(Project)
            .where(Project.id == self.id)
            .values(last_number=Project.last_number + 1)
            .returning(Project.last_number)
            .execution_options(synchronize_session=False)
        )
        return int(number or 0)

    @classmethod
    def revision_seen_with(cls, token: str, project_id: int) -> int | None:
        """The project's revision, if the bearer of this sign-in may see the project: one query, so that an
        open board may ask every two seconds. None where anything is not as it should be."""
        asked = {"token_hash": SignIn.digest(token), "now": clock.now(), "project_id": project_id}
        rows = db.session.execute(cls._revision_seen(), asked).all()  # one for each workspace of the person
        here = next((row for row in rows if row.here), None)
        creates = [row.role == "creator" for row in rows]
        if here is None or all(creates) or (here.mailed_link_id and not all(creates)):
            return None
        if here.totp_secret is None and any(row.role in row.second_factor_roles for row in rows):
            return None
        scope = scope_in(here.policy, here.role, "view")
        return int(here.revision) if scope == "all" or (here.joined and scope in ("member", "shared")) else None

    @classmethod
    @cache
    def _revision_seen(cls) -> Select[*tuple[Any, ...]]:
        """Built once: putting the statement together takes longer than running it."""
        joined = select(ProjectMember.user_id).where(ProjectMember.project_id == bindparam("project_id"))
        return (
            select(
                cls.revision, Membership.role, Workspace.policy, Workspace.second_factor_roles, User.totp_secret,
                SignIn.mailed_link_id, User.id.in_(joined).label("joined"),
                (Membership.workspace_id == cls.workspace_id).label("here"),
            )
            .select_from(SignIn)
            .join(User, User.id == SignIn.user_id)
            .join(Membership, Membership.user_id == User.id)
            .join(Workspace, Workspace.id == Membership.workspace_id)
            .join(cls, cls.id == bindparam("project_id"))
            .where(
                cls.trashed_at.is_(None),
                SignIn.token_hash == bindparam("token_hash"),
                SignIn.expires_at > bindparam("now"),
                User.active,
                ~SignIn.awaits_code,
            )
        )  # fmt: skip
