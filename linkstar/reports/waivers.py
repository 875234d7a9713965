"""The requests to pass a gate that concern one person."""

from functools import cached_property

from sqlalchemy import ColumnElement, ScalarSelect, and_, false, func, or_, select
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models import Membership, Project, Task, User, Waiver, WaiverVote
from linkstar.models.waiver import SIGNED_BY

MOST = 100


class Waivers:
    def __init__(self, person: User) -> None:
        self.person = person

    @property
    def signs(self) -> bool:
        """Does the person sign waivers at all?"""
        return any(membership.role in SIGNED_BY for membership in self.person.memberships)

    @property
    def count_of_waiting(self) -> ScalarSelect[int] | None:
        query = select(func.count(Waiver.id)).join(Waiver.task).where(self._wants_signature())
        return query.scalar_subquery() if self.signs else None

    @cached_property
    def waiting(self) -> list[Waiver]:
        return self._those(self._wants_signature()) if self.signs else []

    @cached_property
    def asked(self) -> list[Waiver]:
        return self._those(and_(Waiver.asked_by_id == self.person.id, Task.seen_by(self.person)))

    def _wants_signature(self) -> ColumnElement[bool]:
        """Asked by somebody else, not signed by the person, and by nobody who still has the person's role."""
        still = select(Membership.id).where(
            Membership.workspace_id == Waiver.workspace_id, Membership.user_id == WaiverVote.user_id,
            Membership.role == WaiverVote.role,
        )  # fmt: skip
        mine = [
            and_(
                Waiver.workspace_id == membership.workspace_id,
                ~Waiver.votes.any(and_(WaiverVote.role == membership.role, WaiverVote.agrees, still.exists())),
                Task.project_id.in_(select(Project.id).where(Project.with_say_of(membership))),
            )
            for membership in self.person.memberships
            if membership.role in SIGNED_BY
        ]
        return and_(
            Waiver.state == "asked",
            Waiver.asked_by_id != self.person.id,
            ~Waiver.votes.any(WaiverVote.user_id == self.person.id),
            Task.seen_by(self.person),
            or_(false(), *mine),
        )

    def _those(self, condition: ColumnElement[bool]) -> list[Waiver]:
        query = (
            select(Waiver)
            .join(Waiver.task)
            .where(condition)
            .options(joinedload(Waiver.task), joinedload(Waiver.asked_by), joinedload(Waiver.item))
            .order_by(Waiver.id.desc())
            .limit(MOST)
        )
        return list(db.session.scalars(query))
