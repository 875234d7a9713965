"""What stands on which day of a calendar, for the pages and for the feeds: posts, tasks, certificates that end, and the
days of the market."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from linkstar.extensions import db
from linkstar.i18n import _, both
from linkstar.models import Checklist, ChecklistItem, Evidence, Project, Stage, Task, User
from linkstar.reports.market_days import MarketDay, market_days, told_to

KINDS = ("event", "cutoff", "milestone", "checklist", "task", "post")  # in the order of a day


@dataclass(frozen=True)
class CalendarItem:
    """`checklist` is a task that required items hold, or a certificate that ends; a post stands beside its task where
    the work is due on another day. Without a moment it is the whole day's, wherever the reader is."""

    kind: str
    day: date
    last_on: date
    moment: datetime | None = None
    task: Task | None = None
    certificate: Evidence | None = None
    market: MarketDay | None = None

    @property
    def title(self) -> str:
        """In the language of the moment."""
        if self.certificate:
            return _("Valid until today: %(item)s", item=both(self.certificate.item, "text"))
        return both(self.task, "title") if self.task else self.market.name  # type: ignore[union-attr]

    @property
    def project(self) -> Project | None:
        if self.certificate and not self.task:
            return self.certificate.item.checklist.stage.project  # type: ignore[union-attr]
        return self.task.project if self.task else None

    @property
    def _in_order(self) -> tuple[Any, ...]:
        of = self.task or self.certificate
        return self.day, self.moment is not None, self.moment, KINDS.index(self.kind), of.id if of else 0


def calendar_items(
    reader: User,
    workspace_id: int,
    first: date,
    last: date,
    *,
    zone: ZoneInfo,
    project_ids: Collection[int] | None = None,
    kinds: Collection[str] = KINDS,
    market_kinds: Collection[str] | None = None,
    platform: str | None = None,
    owner_id: int | None = None,
) -> list[CalendarItem]:
    """What the reader sees on these days, in order. A moment falls on its day in the zone, a due day on itself; days
    of the market belong to no platform and to nobody, and stand in every selection."""
    here: list[ColumnElement[bool]] = []
    if platform:
        here.append(Task.platform == platform)
    if owner_id:
        here.append(Task.owner_id == owner_id)
    found: list[CalendarItem] = []
    if {"event", "cutoff"} & {*kinds}:
        days = market_days(workspace_id, first, last, kinds=market_kinds)
        found += [
            CalendarItem("cutoff" if each.cutoff else "event", each.first_on, each.last_on, market=each)
            for each in told_to(reader, workspace_id, days)
        ]
    if {*kinds} - {"event", "cutoff"}:
        found += _of_tasks(reader, workspace_id, first, last, zone, project_ids, kinds, here)
    if "checklist" in kinds:
        found += _certificates(reader, workspace_id, first, last, project_ids, here)
    return sorted((item for item in found if item.kind in kinds), key=lambda item: item._in_order)


def _of_tasks(
    reader: User,
    workspace_id: int,
    first: date,
    last: date,
    zone: ZoneInfo,
    project_ids: Collection[int] | None,
    kinds: Collection[str],
    here: list[ColumnElement[bool]],
) -> list[CalendarItem]:
    start = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    when = [
        and_(Task.due_at.is_(None), Task.due_on.between(first, last)),
        and_(Task.due_at >= start, Task.due_at < end),
        and_(Task.publish_at >= start, Task.publish_at < end),
    ]
    query = (
        select(Task, held_by_a_list())
        .where(Task.seen_by(reader), Task.workspace_id == workspace_id, or_(*when), *here)
        .where(Task.project_id.not_in(Project.drafts()))
        .options(joinedload(Task.owner, innerjoin=True))
    )
    if project_ids is not None:
        query = query.where(Task.project_id.in_(project_ids))
    found = []
    for task, held in db.session.execute(query):
        published = task.publish_at.astimezone(zone).date() if task.publish_at else None
        due = task.due_at.astimezone(zone).date() if task.due_at else task.due_on
        if published and first <= published <= last:
            found.append(CalendarItem("post", published, published, task.publish_at, task))
        if due and first <= due <= last and not (due == published and "post" in kinds):
            kind = "milestone" if task.milestone else "task"
            kind = "checklist" if held and "checklist" in kinds else kind
            found.append(CalendarItem(kind, due, due, task.due_at, task))
    return found


def held_by_a_list() -> ColumnElement[bool]:
    """Does the task carry a list with something on it that has to be ticked?"""
    return exists().where(
        Checklist.task_id == Task.id, ChecklistItem.checklist_id == Checklist.id, ChecklistItem.required
    )


def _certificates(
    reader: User,
    workspace_id: int,
    first: date,
    last: date,
    project_ids: Collection[int] | None,
    here: list[ColumnElement[bool]],
) -> list[CalendarItem]:
    """What counts now and is valid until one of these days: of a task's list for who sees the task, of a stage's for
    who sees the project."""
    seen = [Task.seen_by(reader), Stage.project_id.in_(Project.visible_to(reader).with_only_columns(Project.id))]
    project_id = func.coalesce(Task.project_id, Stage.project_id)
    of_list = contains_eager(Evidence.item).contains_eager(ChecklistItem.checklist)
    of_task = of_list.contains_eager(Checklist.task)
    query = (
        select(Evidence)
        .join(Evidence.item)
        .join(ChecklistItem.checklist)
        .outerjoin(Checklist.task)
        .outerjoin(Checklist.stage)
        .where(Evidence.workspace_id == workspace_id, Evidence.valid_until.between(first, last))
        .where(Evidence.replaced_at.is_(None), or_(*seen), project_id.not_in(Project.drafts()), *here)
        .options(of_task.joinedload(Task.owner), of_task.joinedload(Task.project, innerjoin=False))
        .options(of_list.contains_eager(Checklist.stage).joinedload(Stage.project))
    )
    if project_ids is not None:
        query = query.where(project_id.in_(project_ids))
    found = []
    for given in db.session.scalars(query):
        assert given.item and given.valid_until
        task = given.item.checklist.task
        found.append(CalendarItem("checklist", given.valid_until, given.valid_until, task=task, certificate=given))
    return found
