from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Mapped

from linkstar.extensions import db
from linkstar.models.membership import Membership
from linkstar.models.project import Project, ProjectMember
from linkstar.models.task.participant import Participant
from linkstar.models.user import User


class Visible:
    """Who sees a task, and who may do what to it. Every list, count, picker and search starts here."""

    if TYPE_CHECKING:
        id: Mapped[int]
        workspace_id: Mapped[int]
        project_id: Mapped[int]
        owner_id: Mapped[int]
        author_id: Mapped[int]
        comment_count: Mapped[int]
        trashed_at: Mapped[datetime | None]
        project: Mapped[Project]
        stage: Mapped[Any]

    @classmethod
    def visible_to(cls, user: User) -> Select[Self]:
        return select(cls).where(cls.seen_by(user))

    @classmethod
    def seen_by(cls, user: User) -> ColumnElement[bool]:
        """The condition of visible_to, for queries that ask for columns or counts."""
        return and_(cls.trashed_at.is_(None), or_(false(), *(cls._seen_through(m) for m in user.memberships)))

    @classmethod
    def _seen_through(cls, membership: Membership) -> ColumnElement[bool]:
        here = cls.workspace_id == membership.workspace_id
        if membership.scope("view") == "all":
            return here
        joined = select(ProjectMember.project_id).where(ProjectMember.user_id == membership.user_id)
        if membership.scope("view") == "member":
            return and_(here, or_(cls.project_id.in_(joined), cls.owner_id == membership.user_id))
        given = select(Participant.task_id).where(Participant.user_id == membership.user_id)
        return and_(
            here, or_(cls.owner_id == membership.user_id, cls.id.in_(given), cls.project_id.in_(joined))
        )

    def allows(self, user: User, permission: str) -> bool:
        """May a person who sees the task do this to it?"""
        membership = user.membership_in(self.workspace_id)
        scope = membership.scope(permission) if membership else "none"
        if scope == "all":
            return True
        if scope == "member":
            return self.project.has_member(user)
        if scope == "own":
            return user.id in (self.owner_id, self.author_id)
        if scope == "approval" and permission == "delete":
            return self.stage.kind == "backlog" and not self.comment_count  # nothing of it has a history yet
        return False

    def seen_whole_by(self, user: User) -> bool:
        """Does the person see the whole project, and not only what was shared of it?"""
        membership = user.membership_in(self.workspace_id)
        return bool(membership) and not membership.external  # type: ignore[union-attr]

    def readers(self) -> list[User]:
        """Everybody who sees the task: whom a comment can mention."""
        people = {person.id: person for person in self.project.people()}
        given = db.session.scalars(
            select(User)
            .join(Participant, Participant.user_id == User.id)
            .where(Participant.task_id == self.id, User.active, User.id.not_in(people))
        )
        others = [db.session.get_one(User, self.owner_id), *given]
        return list((people | {person.id: person for person in others}).values())
