from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import in_both, record
from linkstar.models.checklist import ChecklistItem
from linkstar.models.membership import Membership
from linkstar.models.notification import notify
from linkstar.models.refusal import NotAllowed
from linkstar.models.user import User

if TYPE_CHECKING:
    from linkstar.models.task import Task

# gate_exception of the pack's sensitive operations: legal and PMO sign together, and nobody signs his own request.
ASKED_BY = frozenset({"pmo", "ops"})
SIGNED_BY = frozenset({"legal", "pmo"})


class WaiverVote(Base):
    __tablename__ = "waiver_vote"

    waiver_id: Mapped[int] = mapped_column(ForeignKey("waiver.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    agrees: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(Text)
    voted_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    user: Mapped[User] = relationship()


class Waiver(Base):
    """A task may pass one obstacle (an open item, or a blocking task) although it stands. Legal and PMO both sign;
    the mark stays on the task."""

    __tablename__ = "waiver"
    __table_args__ = (
        CheckConstraint("state in ('asked', 'granted', 'declined')", name="state"),
        CheckConstraint("(item_id is null) <> (blocker_id is null)", name="one_obstacle"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("checklist_item.id", ondelete="CASCADE"))
    blocker_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8), default="asked")
    asked_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)

    task: Mapped["Task"] = relationship(back_populates="waivers", foreign_keys=[task_id])
    blocker: Mapped["Task | None"] = relationship(foreign_keys=[blocker_id])
    item: Mapped[ChecklistItem | None] = relationship()
    asked_by: Mapped[User] = relationship()
    votes: Mapped[list[WaiverVote]] = relationship(order_by=WaiverVote.voted_at, cascade="all, delete-orphan")

    @staticmethod
    def may_be_asked_by(user: User, task: "Task") -> bool:
        membership = user.membership_in(task.workspace_id)
        return bool(membership) and membership.role in ASKED_BY and task.allows(user, "move")  # type: ignore[union-attr]

    @classmethod
    def ask(
        cls, task: "Task", reason: str, *, by: User, item: ChecklistItem | None = None, blocker: "Task | None" = None
    ) -> "Waiver":
        """Asks to pass one obstacle. A request that is still open is answered with itself."""
        if not cls.may_be_asked_by(by, task):
            raise NotAllowed("waive")
        task.redraw()
        for waiver in task.waivers:
            if waiver.state != "declined" and (waiver.item, waiver.blocker) == (item, blocker):
                return waiver
        waiver = cls(workspace_id=task.workspace_id, task=task, item=item, blocker=blocker, reason=reason, asked_by=by)
        db.session.add(waiver)
        db.session.flush()
        waiver._record("waiver.asked", by, reason)
        for person in waiver.signers():
            notify(person, "waiver_asked", by=by, task=task)
        return waiver

    @property
    def obstacle(self) -> str:
        """The item or the task that is passed, in the language that it was written in."""
        if self.item:
            return self.item.text_zh or self.item.text_en or ""
        assert self.blocker
        return self.blocker.title_zh or self.blocker.title_en or ""

    def _record(self, action: str, by: User, reason: str | None) -> None:
        item = self.item and in_both(self.item.text_zh, self.item.text_en)
        obstacle = {"item": (item, item)} if item else {"blocker_id": (self.blocker_id, self.blocker_id)}
        record(action, by=by, task=self.task, changes={**obstacle, "reason": (None, reason)})

    @property
    def missing_roles(self) -> list[str]:
        """Whose signature is still wanted; one whose signer has another role by now does not count."""
        signed = {vote.role for vote in self.votes if vote.agrees and self._role_of(vote.user) == vote.role}
        return sorted(SIGNED_BY - signed) if self.state == "asked" else []

    def _role_of(self, user: User) -> str | None:
        membership = user.membership_in(self.workspace_id)
        return membership.role if membership else None

    def signers(self) -> list[User]:
        people: list[User] = [person for person in self.task.project.people() if self.may_be_signed_by(person)]
        return people

    def may_be_signed_by(self, user: User) -> bool:
        """Legal or PMO with a say in the project, who neither asked nor signed and whose role has not signed yet."""
        membership: Membership | None = user.membership_in(self.workspace_id)
        return (
            self.state == "asked"
            and bool(membership)
            and membership.role in self.missing_roles  # type: ignore[union-attr]
            and user.id not in {self.asked_by_id, *(vote.user_id for vote in self.votes)}
            and membership.has_say_in(self.task.project)  # type: ignore[union-attr]
        )

    def vote(self, agrees: bool, *, by: User, reason: str | None = None) -> None:
        """One signature. Both roles make it pass; one refusal ends it."""
        self.task.redraw()
        db.session.refresh(self)
        if not self.may_be_signed_by(by):
            raise NotAllowed("waive")
        membership = by.membership_in(self.workspace_id)
        self.votes.append(WaiverVote(user=by, role=membership.role, agrees=agrees, reason=reason))  # type: ignore[union-attr]
        db.session.flush()
        action = "waiver.signed" if agrees else "waiver.declined"
        self._record(action, by, reason)
        if agrees and self.missing_roles:
            return
        self.state, self.decided_at = ("granted" if agrees else "declined"), clock.now()
        if agrees:
            self.task.waiver_count += 1
        notify(self.asked_by, "waiver_decided", by=by, task=self.task)
