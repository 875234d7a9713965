"""One task with everything around it, as one reader may see it."""

from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from linkstar import clock, packs
from linkstar.extensions import db
from linkstar.i18n import both
from linkstar.models import (
    Approval,
    AuditEvent,
    Checklist,
    Comment,
    DeleteTask,
    Dependency,
    Emergency,
    HandoverNote,
    Hold,
    Stage,
    Task,
    User,
    Waiver,
)
from linkstar.models.approval import OPEN
from linkstar.reports.files import Files
from linkstar.reports.history import Names
from linkstar.reports.other_side import OtherSideNow
from linkstar.reports.outsiders import Outsiders
from linkstar.reports.publication import Publication

SILENT = (
    "comment.added", "comment.edited", "comment.trashed", "comment.restored",
    "participant.added", "participant.removed",
)  # fmt: skip


class Panel:
    def __init__(self, task: Task, reader: User) -> None:
        self.task, self.reader = task, reader
        self.whole = task.seen_whole_by(reader)
        # First and all at once, so that the owner, the writers and the called are not looked up one by one below;
        # nor its stage and those of what comes before and after.
        self.people = task.readers() if self.whole else []
        stages = {each.stage_id for each in (task, *task.predecessors, *task.successors)}
        self._stages = db.session.scalars(select(Stage).where(Stage.id.in_(stages))).all()

    def may(self, permission: str) -> bool:
        return self.task.allows(self.reader, permission)

    @property
    def may_comment(self) -> bool:
        return self.task.may_be_discussed_by(self.reader)

    @cached_property
    def may_release(self) -> bool:
        return self.task.project.allows(self.reader, "release")

    @cached_property
    def may_trash(self) -> bool:
        """Alone, and at once."""
        return self.task.may_be_trashed_by(self.reader)

    @cached_property
    def may_ask_to_trash(self) -> bool:
        return not self.may_trash and DeleteTask.of(self.task).may_be_asked_by(self.reader)

    @cached_property
    def asked_to_trash(self) -> Approval | None:
        """The open request that the reader made or decides on."""
        here = Approval.task_id == self.task.id, Approval.operation == DeleteTask.key
        return db.session.scalar(
            Approval.visible_to(self.reader).where(*here, Approval.state.in_(OPEN)).order_by(Approval.id).limit(1)
        )

    @cached_property
    def comments(self) -> list[Comment]:
        return Comment.on(self.task, reader=self.reader)

    @cached_property
    def files(self) -> Files:
        return Files(self.task, self.reader, self.outsiders)

    @cached_property
    def events(self) -> list[AuditEvent]:
        """What happened to the task, oldest first. Outsiders are not shown who inside did what."""
        if not self.whole:
            return []
        query = select(AuditEvent).where(AuditEvent.of_task(self.task), AuditEvent.action.not_in(SILENT))
        return list(db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(200)))[::-1]

    @cached_property
    def names(self) -> Names:
        return Names(self.events, self.reader)

    @cached_property
    def trail(self) -> list[tuple[str, Comment | AuditEvent]]:
        """Comments and changes in the order of time."""
        told: list[tuple[str, Comment | AuditEvent]] = [("comment", comment) for comment in self.comments]
        told += [("event", event) for event in self.events]
        return sorted(told, key=lambda entry: (entry[1].created_at, entry[0] == "comment"))

    @cached_property
    def checklists(self) -> list[Checklist]:
        query = select(Checklist).where(Checklist.task_id == self.task.id).order_by(Checklist.position)
        checklists = list(db.session.scalars(query.options(joinedload(Checklist.items))).unique())
        for item in (item for checklist in checklists for item in checklist.items):
            of_item = [evidence for evidence in self.task.evidence if evidence.item_id == item.id]
            set_committed_value(item, "evidence", of_item)  # all by one query, and not one by one
        return checklists

    @cached_property
    def post(self) -> Publication | None:
        """When the task goes online, where it is a post."""
        task = self.task
        if task.publish_at is None or task.audience_timezone is None:
            return None
        here, cheerful = task.workspace_id, task.cheerful and self.whole
        return Publication(here, task.publish_at, task.audience_timezone, self.reader, cheerful=cheerful)

    @cached_property
    def other_side(self) -> OtherSideNow | None:
        other = self.task.other_side_of(self.reader)
        return OtherSideNow(other, self.task.workspace_id, self.reader) if other else None

    @property
    def may_hand_over(self) -> bool:
        return HandoverNote.may_be_written(self.task, self.reader)

    @cached_property
    def handover_notes(self) -> list[HandoverNote]:
        return HandoverNote.of(self.task, None if self.whole else self.reader)

    @property
    def today(self) -> date:
        return clock.today(ZoneInfo(self.task.owner.timezone))

    @cached_property
    def emergencies(self) -> list[Emergency]:
        """Those that hold the task; what happened is told to those inside."""
        holding = select(Emergency).join(Emergency.holds).where(Hold.task_id == self.task.id, Emergency.raging())
        return list(db.session.scalars(holding.order_by(Emergency.id))) if self.whole else []

    @cached_property
    def waivers(self) -> list[tuple[Waiver, str | None]]:
        """What the task may pass, or was to; no words for a task that the reader may not see."""
        blockers = [waiver.blocker for waiver in self.task.waivers if waiver.blocker]
        seen = self._seen(blockers)
        return [
            (waiver, both(waiver.item, "text") if waiver.item else None)
            if waiver.blocker is None
            else (waiver, both(waiver.blocker, "title") if waiver.blocker.id in seen else None)
            for waiver in self.task.waivers
        ]

    @cached_property
    def predecessors(self) -> list[Task | None]:
        """What comes before; None stands for a task that the reader may not see and that holds this one back."""
        seen = self._seen(self.task.predecessors)
        return [
            task if task.id in seen else None
            for task in self.task.predecessors
            if task.id in seen or (task.blocking and not task.completed_at and not task.trashed_at)
        ]

    @cached_property
    def lags(self) -> dict[int, float]:
        """Linked task → the lag between them."""
        here = or_(Dependency.successor_id == self.task.id, Dependency.predecessor_id == self.task.id)
        return {
            link.predecessor_id if link.successor_id == self.task.id else link.successor_id: link.lag
            for link in db.session.scalars(select(Dependency).where(here))
        }

    @property
    def coarse(self) -> list[str]:
        """Why the open task is too coarse to be followed: "long", "vague_title"; nothing where it is not."""
        task = self.task
        if task.completed_at or self.subtasks or task.waiting or task.elapsed_days or task.project.unit == "hour":
            return []
        days = task.duration
        if days is None and task.start_on and task.due_on:
            days = (task.due_on - task.start_on).days * 5 / 7
        title = (task.title_zh or task.title_en) or ""
        return packs.coarse(days, bool(task.check_count), title)

    @property
    def has_recipe(self) -> bool:
        return packs.recipe_for(f"{self.task.title_zh or ''} {self.task.title_en or ''}") is not None

    @cached_property
    def successors(self) -> list[Task]:
        seen = self._seen(self.task.successors)
        return [task for task in self.task.successors if task.id in seen]

    def _seen(self, tasks: list[Task]) -> set[int]:
        query = select(Task.id).where(Task.seen_by(self.reader), Task.id.in_([task.id for task in tasks]))
        return set(db.session.scalars(query)) if tasks else set()

    @cached_property
    def subtasks(self) -> list[Task]:
        query = Task.visible_to(self.reader).where(Task.parent_id == self.task.id)
        return list(db.session.scalars(query.order_by(Task.position)))

    @cached_property
    def parent(self) -> Task | None:
        query = Task.visible_to(self.reader).where(Task.id == self.task.parent_id)
        return db.session.scalar(query) if self.task.parent_id else None

    @cached_property
    def readers(self) -> list[User]:
        """Whom a comment can mention. Outsiders mention nobody: they do not see who else there is."""
        return [person for person in self.people if person.id != self.reader.id]

    @cached_property
    def sharing(self) -> Outsiders:
        return Outsiders(self.task, self.reader)

    @property
    def briefs_a_creator(self) -> bool:
        """Is there a creator to whom it says what is wanted, or was there one?"""
        task = self.task
        written = task.wanted_zh or task.wanted_en or task.unwanted_zh or task.unwanted_en
        return self.whole and bool(written or self.sharing.here)

    @property
    def outsiders(self) -> list[User]:
        """Who from outside takes part, so that the composer asks for whom a comment is."""
        here = self.task.workspace_id
        return [each for each in self.readers if (member := each.membership_in(here)) and member.external]

    @property
    def creators(self) -> list[User]:
        """Those of them whom a comment keeps from each other as soon as it calls one by name."""
        here = self.task.workspace_id
        return [each for each in self.outsiders if (member := each.membership_in(here)) and member.role == "creator"]
