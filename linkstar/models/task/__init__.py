from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from linkstar import clock
from linkstar.extensions import NUMBERED_ONCE, Base, Instant, db
from linkstar.models.checklist import Checklist
from linkstar.models.evidence import Evidence
from linkstar.models.gate_passage import GatePassage
from linkstar.models.label import Label
from linkstar.models.notification import notify
from linkstar.models.partner import Partner
from linkstar.models.phase import Phase
from linkstar.models.project import Project
from linkstar.models.stage import Stage
from linkstar.models.task.creatable import Creatable
from linkstar.models.task.discussable import Discussable
from linkstar.models.task.editable import Editable
from linkstar.models.task.gated import Gated
from linkstar.models.task.linked import Linked
from linkstar.models.task.movable import Movable
from linkstar.models.task.participant import Participant
from linkstar.models.task.told import Told
from linkstar.models.task.trashable import Trashable
from linkstar.models.task.two_sided import TwoSided
from linkstar.models.task.visible import Visible
from linkstar.models.user import User
from linkstar.models.waiver import Waiver

if TYPE_CHECKING:
    from linkstar.models.attachment import Attachment
    from linkstar.models.comment import Comment

__all__ = ["PLATFORMS", "PRIORITIES", "Participant", "Task"]

PLATFORMS = (
    "amazon", "tiktok_shop", "tiktok", "walmart", "shopify", "instagram", "youtube", "facebook", "pinterest",
)  # fmt: skip
OPEN = text("completed_at IS NULL AND trashed_at IS NULL")
PRIORITIES = ("urgent", "high", "medium", "low")


class Task(Visible, Creatable, Gated, Linked, Movable, Editable, Told, TwoSided, Trashable, Discussable, Base):
    """One piece of work with exactly one owner. Its `version` counts edits of its fields (a writer states the
    version he saw); its `revision` is the project's at its last visible change of any kind."""

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("project_id", "number"),
        UniqueConstraint("project_id", "position"),
        Index("ix_task_stage_position", "stage_id", "position"),
        Index("ix_task_phase_position", "phase_id", "position"),
        Index("ix_task_project_revision", "project_id", "revision"),
        Index("ix_task_owner_due", "owner_id", "due_on"),
        Index("ix_task_workspace_due", "workspace_id", "due_on"),
        Index("ix_task_open", "project_id", "late_from", sqlite_where=OPEN, postgresql_where=OPEN),
        NUMBERED_ONCE,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    number: Mapped[int]
    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id"))
    phase_id: Mapped[int | None] = mapped_column(ForeignKey("phase.id", ondelete="SET NULL"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))

    title_zh: Mapped[str | None] = mapped_column(String(200))
    title_en: Mapped[str | None] = mapped_column(String(200))
    brief_zh: Mapped[str | None] = mapped_column(Text)
    brief_en: Mapped[str | None] = mapped_column(Text)
    wanted_zh: Mapped[str | None] = mapped_column(Text)  # for a creator: what has to be in it …
    wanted_en: Mapped[str | None] = mapped_column(Text)
    unwanted_zh: Mapped[str | None] = mapped_column(Text)  # … and what must not
    unwanted_en: Mapped[str | None] = mapped_column(Text)
    source_language: Mapped[str] = mapped_column(String(2), default="zh")
    translation_outdated: Mapped[bool] = mapped_column(default=False)

    priority: Mapped[str] = mapped_column(String(8), default="medium")
    platform: Mapped[str | None] = mapped_column(String(20))
    start_on: Mapped[date | None]
    due_on: Mapped[date | None]
    late_from: Mapped[datetime | None] = mapped_column(Instant)  # the end of the due day, where the owner lives
    blocking: Mapped[bool] = mapped_column(default=False)
    milestone: Mapped[bool] = mapped_column(default=False)

    key: Mapped[str | None] = mapped_column(String(60))  # what its template calls it
    role: Mapped[str | None] = mapped_column(String(20))  # who fills it in the template
    unassigned: Mapped[bool] = mapped_column(default=False)  # nobody fills the role: the project's owner holds it
    duration: Mapped[float | None]  # in the project's unit, in halves; None: no part of the computed plan
    elapsed_days: Mapped[int | None]  # real days that run through weekends (freight, laboratories)
    offset_days: Mapped[int | None]  # an exact deadline, in calendar days from the anchor
    start_rule: Mapped[str | None] = mapped_column(String(20))  # fixed, as_late_as_possible, by_hand
    offset: Mapped[float | None]  # of a fixed start, in the project's unit from the anchor
    start_at: Mapped[datetime | None] = mapped_column(Instant)  # where the plan counts hours
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    locked: Mapped[bool] = mapped_column(default=False)  # its dates stay where they are when the plan moves
    optional: Mapped[bool] = mapped_column(default=False)
    waiting: Mapped[bool] = mapped_column(default=False)  # time that passes by itself: uses nobody's capacity
    estimate: Mapped[float | None]  # hours of work; None: an even share of the days it runs
    publish_at: Mapped[datetime | None] = mapped_column(Instant)  # of a post
    audience_timezone: Mapped[str | None] = mapped_column(String(64))  # whose clock the publish moment follows
    cheerful: Mapped[bool] = mapped_column(default=True)  # the tone of a post; not for a day of mourning
    counterpart_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)  # whose answers: a person's …
    partner_id: Mapped[int | None] = mapped_column(ForeignKey("partner.id", ondelete="SET NULL"), index=True)
    counterpart_timezone: Mapped[str | None] = mapped_column(String(64))  # … or a company's, or who is in a zone
    round_trips: Mapped[int] = mapped_column(default=1)  # how often it goes to the other side and back
    deliverable_zh: Mapped[str | None] = mapped_column(String(200))
    deliverable_en: Mapped[str | None] = mapped_column(String(200))
    remind_before: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))  # None: as the project does
    subproject_id: Mapped[int | None] = mapped_column(ForeignKey("project.id", ondelete="SET NULL"))

    position: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    comment_count: Mapped[int] = mapped_column(default=0)
    file_count: Mapped[int] = mapped_column(default=0)  # attachments that are not in the trash
    check_count: Mapped[int] = mapped_column(default=0)
    checked_count: Mapped[int] = mapped_column(default=0)
    waiver_count: Mapped[int] = mapped_column(default=0)  # obstacles that were waived: the mark stays on the card

    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    completed_at: Mapped[datetime | None] = mapped_column(Instant)
    completed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    trashed_at: Mapped[datetime | None] = mapped_column(Instant)

    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True, foreign_keys=[project_id])
    subproject: Mapped[Project | None] = relationship(foreign_keys=[subproject_id])
    stage: Mapped[Stage] = relationship()
    phase: Mapped[Phase | None] = relationship()
    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    author: Mapped[User] = relationship(foreign_keys=[author_id])
    completed_by: Mapped[User | None] = relationship(foreign_keys=[completed_by_id])
    counterpart: Mapped[User | None] = relationship(foreign_keys=[counterpart_id])
    partner: Mapped[Partner | None] = relationship()
    parent: Mapped["Task | None"] = relationship(remote_side=[id], back_populates="subtasks")
    subtasks: Mapped[list["Task"]] = relationship(back_populates="parent", order_by="Task.position")
    labels: Mapped[list[Label]] = relationship(secondary="task_label", order_by=Label.name)
    participants: Mapped[list[Participant]] = relationship(cascade="all, delete-orphan")
    checklists: Mapped[list[Checklist]] = relationship(order_by="Checklist.position", back_populates="task")
    predecessors: Mapped[list["Task"]] = relationship(
        secondary="dependency",
        primaryjoin="Task.id == dependency.c.successor_id",
        secondaryjoin="Task.id == dependency.c.predecessor_id",
        back_populates="successors",
    )
    successors: Mapped[list["Task"]] = relationship(
        secondary="dependency",
        primaryjoin="Task.id == dependency.c.predecessor_id",
        secondaryjoin="Task.id == dependency.c.successor_id",
        back_populates="predecessors",
    )
    evidence: Mapped[list[Evidence]] = relationship(order_by=Evidence.id, back_populates="task")
    waivers: Mapped[list[Waiver]] = relationship(
        order_by=Waiver.id, back_populates="task", foreign_keys="Waiver.task_id"
    )
    gate_passages: Mapped[list[GatePassage]] = relationship(order_by=GatePassage.id, back_populates="task")
    attachments: Mapped[list["Attachment"]] = relationship(order_by="Attachment.id", back_populates="task")
    comments: Mapped[list["Comment"]] = relationship(order_by="Comment.id", back_populates="task")

    @property
    def code(self) -> str:
        """LAMP-8: how people call it in a chat."""
        return f"{self.project.key}-{self.number}"

    def redraw(self) -> None:
        """Locks the project and marks the task as visibly changed, so that open boards fetch it."""
        self.revision = self.project.lock()

    def set_deadline(self) -> None:
        """A due day ends when it ends for the owner; who looks from elsewhere sees it late at the same moment."""
        self.late_from = self.due_at
        if self.due_on and not self.due_at:
            after = self.due_on + timedelta(days=1)
            self.late_from = datetime.combine(after, time(), ZoneInfo(self.owner.timezone))

    @classmethod
    def follow_owner(cls, user: User) -> None:
        """The person lives by another clock from now on: the days of what he owns end when they end there."""
        query = select(cls).where(cls.owner_id == user.id, cls.completed_at.is_(None), cls.due_on.is_not(None))
        tasks = db.session.scalars(query.order_by(cls.project_id)).all()
        revisions = {project: project.touch() for project in dict.fromkeys(task.project for task in tasks)}
        for task in tasks:
            task.set_deadline()
            task.revision = revisions[task.project]

    def redraw_linked(self) -> None:
        """The cards of its predecessors and successors say something about this task."""
        for task in (*self.predecessors, *self.successors):
            task.revision = self.revision

    def tell_owner(self, by: User) -> None:
        notify(self.owner, "assigned", by=by, task=self)
