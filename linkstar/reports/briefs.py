"""What a creator has to do, told to the creator alone: no project, nobody else, nothing from inside."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.i18n import _, both, day, full_moment, language, ngettext
from linkstar.models import AuditEvent, Comment, MoveRefused, Project, Stage, Task, User, Workspace
from linkstar.reports.obstacles import Obstacles

SOON = timedelta(days=3)
STEPS = ("backlog", "active", "review", "done")
MOST = 200


@dataclass(frozen=True)
class Text:
    """A text and the language it is in; `other` where that is not the reader's."""

    words: str
    language: str
    other: bool


@dataclass(frozen=True)
class BriefDue:
    """When a brief is due, where its creator lives: the day, or the moment; and how far away that is."""

    iso: str
    words: str
    distance: str
    kind: str


class Brief:
    """One task, as its creator sees it."""

    def __init__(self, task: Task, creator: User, *, sent_back: bool) -> None:
        self.task, self.creator, self.sent_back = task, creator, sent_back

    @property
    def state(self) -> str:
        """A stage's kind, or "changes" where what was sent for review came back."""
        return "changes" if self.sent_back else self.task.stage.kind

    @property
    def brand(self) -> Workspace:
        membership = self.creator.membership_in(self.task.workspace_id)
        assert membership
        return membership.workspace

    @property
    def step(self) -> int:
        return STEPS.index(self.task.stage.kind)

    @property
    def is_done(self) -> bool:
        return self.task.stage.kind == "done"

    def text(self, field: str) -> Text | None:
        """title, brief, wanted or unwanted in the reader's language, or in the other one where only that exists."""
        words = both(self.task, field)
        if not words:
            return None
        mine = language()
        there = bool(getattr(self.task, f"{field}_{mine}"))
        return Text(words, mine if there else {"zh": "en", "en": "zh"}[mine], not there)

    @cached_property
    def due(self) -> BriefDue | None:
        """The day ends with the owner's day: where the creator only helps, that may be at any hour of the creator's."""
        end = self.task.late_from
        if end is None:
            return None
        zone = ZoneInfo(self.creator.timezone)
        local = end.astimezone(zone)
        whole = local.time() == time() and not self.task.due_at
        last = local.date() - timedelta(days=1) if whole else local.date()
        words = day(last) if whole else full_moment(end, self.creator.timezone)
        iso = last.isoformat() if whole else local.isoformat()
        if self.is_done:
            return BriefDue(iso, words, "", "done")
        return BriefDue(iso, words, *_distance(last, clock.today(zone), late=end <= clock.now()))

    @property
    def goes_online(self) -> str:
        """When the post is published, where the creator lives; nothing where it is none."""
        return full_moment(self.task.publish_at, self.creator.timezone) if self.task.publish_at else ""

    @property
    def may_move(self) -> bool:
        return self.task.allows(self.creator, "move")

    @cached_property
    def next_step(self) -> tuple[str, Stage] | None:
        """active or review, and the stage that stands for it; None where it is the team's turn."""
        kind = self.task.stage.kind
        if not self.may_move or kind not in ("backlog", "active"):
            return None
        return self._to("active") if kind == "backlog" else self._to("review")

    def stage_of(self, kind: str) -> Stage | None:
        """The next stage of this kind in the task's flow, else the first."""
        stages = [stage for stage in self.task.project.stages if stage.kind == kind]
        return next((stage for stage in stages if stage.position > self.task.stage.position), next(iter(stages), None))

    def _to(self, kind: str) -> tuple[str, Stage] | None:
        stage = self.stage_of(kind)
        return (kind, stage) if stage else None

    @cached_property
    def comments(self) -> list[Comment]:
        """What is shared, and was not taken back."""
        return [comment for comment in Comment.on(self.task, reader=self.creator) if not comment.trashed_at]

    @cached_property
    def held(self) -> list[str]:
        """Why the next step cannot be taken yet, in what the creator may know."""
        return held(self.task, self.next_step[1], self.creator) if self.next_step else []


class Briefs:
    """All briefs of one creator, by the brand that gave them."""

    def __init__(self, creator: User) -> None:
        self.creator = creator
        self.here = ZoneInfo(creator.timezone)

    @cached_property
    def all(self) -> list[Brief]:
        brands = [each.workspace_id for each in self.creator.memberships if each.role == "creator"]
        query = (
            Task.visible_to(self.creator)
            .where(Task.workspace_id.in_(brands), Task.project_id.not_in(Project.drafts()))
            .options(joinedload(Task.stage))
            .order_by(
                Task.workspace_id, Task.completed_at.is_not(None), Task.late_from.is_(None), Task.late_from, Task.id
            )
            .limit(MOST)
        )
        tasks = list(db.session.scalars(query))
        back = sent_back(tasks, self.creator)
        return [Brief(task, self.creator, sent_back=task.id in back) for task in tasks]

    @property
    def by_brand(self) -> list[tuple[Workspace, list[Brief]]]:
        return [(brand, list(briefs)) for brand, briefs in groupby(self.all, lambda brief: brief.brand)]

    @property
    def next_due(self) -> BriefDue | None:
        waiting = [brief for brief in self.all if brief.task.stage.kind in ("backlog", "active") and brief.due]
        return min(waiting, key=lambda brief: brief.task.late_from or clock.now()).due if waiting else None


def brief_of(task: Task, creator: User) -> Brief:
    return Brief(task, creator, sent_back=task.id in sent_back([task], creator))


def sent_back(tasks: Iterable[Task], creator: User) -> set[int]:
    """Which of them somebody else has taken out of review, and the creator has not sent again."""
    open_ids = [task.id for task in tasks if task.stage.kind in ("backlog", "active")]
    if not open_ids:
        return set()
    moves = (
        select(AuditEvent.task_id, AuditEvent.actor_id, AuditEvent.changes)
        .join(AuditEvent.task)
        .where(AuditEvent.task_id.in_(open_ids), AuditEvent.action == "task.moved")
    )
    last = {
        task_id: (actor_id, changes["stage_id"][0])
        for task_id, actor_id, changes in db.session.execute(moves.order_by(AuditEvent.id))
        if "stage_id" in changes
    }
    reviews = select(Stage.id).where(Stage.id.in_([left for _actor, left in last.values()]), Stage.kind == "review")
    ids = set(db.session.scalars(reviews)) if last else set()
    return {task_id for task_id, (actor_id, left) in last.items() if left in ids and actor_id != creator.id}


def held(task: Task, stage: Stage, creator: User) -> list[str]:
    return _sentences(Obstacles(task, stage, task.phase, creator))


def refused(refusal: MoveRefused, creator: User) -> list[str]:
    return _sentences(Obstacles(refusal.task, refusal.stage, refusal.phase, creator, refusal.holds))


def _sentences(obstacles: Obstacles) -> list[str]:
    """One sentence for each task of the creator's own that comes first, and one for all that is the team's."""
    said = [_("“%(task)s” comes first.", task=both(blocker, "title")) for blocker in obstacles.blockers]
    if obstacles.holds.due_on:
        said.append(_("This brief has no due date yet. The team will set it."))
    mine = len(obstacles.blockers) + obstacles.holds.due_on
    if obstacles.count > mine:
        said.append(_("Waiting for the team: they have to finish something first."))
    return said


def _distance(last: date, today: date, *, late: bool) -> tuple[str, str]:
    left = (last - today).days
    if late and left >= 0:
        return _("late"), "late"
    if late:
        return ngettext("%(num)s day late", "%(num)s days late", -left), "late"
    if left <= 0:
        return _("today"), "soon"
    if left == 1:
        return _("tomorrow"), "soon"
    return ngettext("in %(num)s day", "in %(num)s days", left), "soon" if left <= SOON.days else ""
