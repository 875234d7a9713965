from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, false, or_, select
from sqlalchemy.orm import Mapped

from linkstar.extensions import db
from linkstar.models.audit_event import AuditEvent
from linkstar.models.membership import Departure, Membership
from linkstar.models.project import Project, ProjectMember
from linkstar.models.task.participant import Participant
from linkstar.models.template import is_template_keeper
from linkstar.models.user import User

LIFE = ("comment.added", "attachment.added", "evidence.given", "checklist_item.ticked")  # what gives a task a history


class Visible:
    """Who sees a task, and who may do what to it. Every list, count, picker and search starts here."""

    if TYPE_CHECKING:
        id: Mapped[int]
        workspace_id: Mapped[int]
        project_id: Mapped[int]
        owner_id: Mapped[int]
        author_id: Mapped[int]
        comment_count: Mapped[int]
        file_count: Mapped[int]
        trashed_at: Mapped[datetime | None]
        project: Mapped[Project]
        stage: Mapped[Any]

    @classmethod
    def visible_to(cls, user: User) -> Select[Self]:
        return select(cls).where(cls.seen_by(user))

    @classmethod
    def seen_by(cls, user: User, *, trash: bool = False) -> ColumnElement[bool]:
        """The condition of visible_to, for queries that ask for columns or counts; with what lies in the trash, where
        that is asked for."""
        scopes = tuple((m.workspace_id, m.scope("view")) for m in user.memberships)
        return cls._seen_with(user.id, scopes, trash)

    @classmethod
    @lru_cache(maxsize=4096)
    def _seen_with(cls, user_id: int, scopes: tuple[tuple[int, str], ...], trash: bool) -> ColumnElement[bool]:
        """Kept by what it is made of, because a page asks for it in every query and it takes long to put together."""
        joined = select(ProjectMember.project_id).where(ProjectMember.user_id == user_id)
        given = select(Participant.task_id).where(Participant.user_id == user_id)
        ways: list[ColumnElement[bool]] = []
        for workspace_id, scope in scopes:
            here = cls.workspace_id == workspace_id
            if scope == "all":
                ways.append(here)
                continue
            shares = [cls.owner_id == user_id]
            if scope == "own":  # as in allows()
                shares.append(cls.author_id == user_id)
            if scope in ("member", "shared"):
                shares.append(cls.project_id.in_(joined))
            if scope == "shared":
                shares.append(cls.id.in_(given))
            ways.append(and_(here, or_(*shares)))
        seen = or_(false(), *ways)
        return seen if trash else and_(cls.trashed_at.is_(None), seen)

    def allows(self, user: User, permission: str) -> bool:
        """May a person who sees the task do this to it?"""
        if self.project.draft_of_id and permission != "view":
            return is_template_keeper(user, self.workspace_id)
        scope = self.project.scope(user, permission)
        if scope == "all":
            return True
        if scope == "member":
            return self.project.has_member(user)
        if scope == "own":
            return user.id in (self.owner_id, self.author_id)
        if scope == "approval" and permission == "delete":
            return self.untouched and self.project.known_to(user)
        return False

    def may_be_discussed_by(self, user: User) -> bool:
        """Whoever sees the task, read-only seats too; not whom the project narrows to reading."""
        return self.project.reach(user) != "view"

    @property
    def untouched(self) -> bool:
        """Nothing of it has a history: never begun, nothing said, no file; nor was there any that is gone again."""
        if self.stage.kind != "backlog" or self.comment_count or self.file_count:
            return False
        begun = and_(AuditEvent.action == "task.moved", AuditEvent.changes["stage_id"].as_string().is_not(None))
        lived = select(AuditEvent.id).where(AuditEvent.task_id == self.id, or_(begun, AuditEvent.action.in_(LIFE)))
        return db.session.scalar(lived.limit(1)) is None

    def seen_whole_by(self, user: User) -> bool:
        """Does the person see the whole project, and not only what was shared of it?"""
        membership = user.membership_in(self.workspace_id)
        return bool(membership) and not membership.external  # type: ignore[union-attr]

    def hears(self, reader: User, author: User) -> bool:
        """Creators are nothing to each other: one is not shown what another says or sends."""
        creators = [
            person
            for person in (reader, author)
            if (membership := person.membership_in(self.workspace_id)) and membership.role == "creator"
        ]
        return reader.id == author.id or len(creators) < 2

    def readers(self) -> list[User]:
        """Everybody who sees the task: whom a comment can mention."""
        people = {person.id: person for person in self.project.people()}
        given = db.session.scalars(
            select(User)
            .join(Participant, Participant.user_id == User.id)
            .where(Participant.task_id == self.id, User.active, User.id.not_in(people))
        )
        seen = ("all", "member", "shared")
        readers = {person.id: person for person in people.values() if self._scope_of(person) in seen}
        owner = db.session.get_one(User, self.owner_id)
        readers |= {owner.id: owner} if owner.membership_in(self.workspace_id) else {}  # who left is not called
        return list((readers | {each.id: each for each in given if self._scope_of(each) == "shared"}).values())

    def _scope_of(self, person: User) -> str:
        membership = person.membership_in(self.workspace_id)
        return membership.scope("view") if membership else "none"


def other_creators(workspace_id: int, user: User) -> CompoundSelect[int]:
    """The ids of those who are or were creators for a workspace, but for this one."""
    now = select(Membership.user_id).where(
        Membership.workspace_id == workspace_id, Membership.role == "creator", Membership.user_id != user.id
    )
    before = select(Departure.user_id).where(
        Departure.workspace_id == workspace_id, Departure.role == "creator", Departure.user_id != user.id
    )
    return now.union(before)
