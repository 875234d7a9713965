"""What one person has to do: late, today, the next seven days; what holds it up; who waits for it; who called."""

from collections.abc import Collection
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.i18n import BEIJING, _, ngettext
from linkstar.models import (
    Absence,
    Dependency,
    Emergency,
    HandoverNote,
    Hold,
    Notification,
    Project,
    Stage,
    Task,
    User,
    Waiver,
    calendars_of,
)
from linkstar.models.task.two_sided import CLOSES, OPENS, OtherSide
from linkstar.planning.overlap import Away
from linkstar.planning.working_days import WorkingDays
from linkstar.reports.approvals import Line, Queue
from linkstar.reports.cards import reasons
from linkstar.reports.other_side import OtherSideNow
from linkstar.reports.task_filter import blocked
from linkstar.reports.waivers import Waivers

LOS_ANGELES = "America/Los_Angeles"
MOST = 50
SHOWN = 10


class MyWork:
    def __init__(self, person: User) -> None:
        self.person = person
        self.today: date = clock.today(ZoneInfo(person.timezone))
        self._calendars: dict[int, dict[str, WorkingDays]] = {}

    def _mine(self, *more: ColumnElement[bool], load: Collection[Any] = ()) -> list[Task]:
        query = (
            Task.visible_to(self.person)
            .where(Task.owner_id == self.person.id, Task.completed_at.is_(None), *more)
            .where(Task.project_id.not_in(Project.drafts()), Task.project_id.not_in(Emergency.called_off()))
            .options(joinedload(Task.project), joinedload(Task.stage), *load)
            .order_by(Task.due_on, Task.position)
            .limit(MOST)
        )
        return list(db.session.scalars(query))

    @property
    def due(self) -> list[Task]:
        """Late and today."""
        return self._mine(Task.due_on <= self.today)

    @property
    def coming(self) -> list[Task]:
        return self._mine(Task.due_on > self.today, Task.due_on <= self.today + timedelta(days=7))

    @property
    def undated(self) -> list[Task]:
        return self._mine(Task.due_on.is_(None))

    @property
    def held_up(self) -> dict[Task, str]:
        """What others hold up, with whom or what it waits for."""
        tasks = self._mine(blocked())[:SHOWN]
        ids = [task.id for task in tasks]
        words, _waiting = reasons(ids, self.person) if tasks else ({}, {})
        words |= self._emergencies(ids) if tasks else {}
        return {task: words.get(task.id, "") for task in tasks}

    def _emergencies(self, ids: list[int]) -> dict[int, str]:
        """Which emergency holds a task, in words; what it is called is told inside the workspace only."""
        query = select(Hold.task_id, Emergency.title, Emergency.workspace_id).join(Hold.emergency)
        rows = db.session.execute(query.where(Hold.task_id.in_(ids), Hold.real()).order_by(Emergency.id.desc()))
        return {
            row.task_id: _("On hold: emergency “%(title)s”", title=row.title)
            if self.person.is_inside(row.workspace_id)
            else _("On hold for now")
            for row in rows
        }

    @cached_property
    def asked(self) -> dict[Task, str]:
        """What waits for the other side, with who that is and whether they work now."""
        return {task: self._now(other, task.workspace_id) for task, other in self._others}

    @cached_property
    def _others(self) -> list[tuple[Task, OtherSide]]:
        """What was begun with a partner, or handed over to a person who has not handed it back. Outsiders are not told
        whom a task waits for."""
        back = aliased(HandoverNote)
        answered = back.task_id == HandoverNote.task_id, back.author_id == Task.counterpart_id
        left = (HandoverNote.task_id == Task.id, HandoverNote.author_id == self.person.id,
                HandoverNote.recipient_id == Task.counterpart_id)  # fmt: skip
        handed = select(HandoverNote.id).where(*left, ~exists().where(*answered, back.id > HandoverNote.id))
        begun = and_(Task.partner_id.is_not(None), Task.stage.has(Stage.kind.in_(("active", "review"))))
        sides = joinedload(Task.partner), joinedload(Task.counterpart)
        tasks = self._mine(or_(begun, handed.correlate(Task).exists()), load=sides)
        sides_of = ((task, task.other_side_of(self.person)) for task in tasks)
        return [(task, other) for task, other in sides_of if other]

    @cached_property
    def _away(self) -> dict[tuple[int, int], Away]:
        """The leave of the person and of everybody who is waited for, wherever either works."""
        people = {other.user_id for _task, other in self._others if other.user_id}
        places = {member.workspace_id for member in self.person.memberships}
        return Absence.away(places, {self.person.id, *people})

    def _now(self, other: OtherSide, workspace_id: int) -> str:
        there = self._side(other, workspace_id)
        words = {"name": other.name, "city": there.city, "time": there.time_there}
        if there.works:
            return _("%(name)s · %(city)s %(time)s, at work", **words)
        return _("%(name)s · %(city)s %(time)s, off work", **words)

    def _side(self, other: OtherSide, workspace_id: int) -> OtherSideNow:
        if workspace_id not in self._calendars:
            self._calendars[workspace_id] = calendars_of(workspace_id)
        return OtherSideNow(other, workspace_id, self.person, self._calendars[workspace_id], self._away)

    def across(self, workspace_id: int) -> OtherSideNow:
        """The other coast at its usual hours, over the workspace's calendars."""
        zone = LOS_ANGELES if self.person.country == "CN" else BEIJING
        return self._side(OtherSide(None, zone, OPENS, CLOSES, 0), workspace_id)

    @property
    def holding(self) -> dict[Task, str]:
        """For what others wait, with how many of their tasks do that the person sees; the first due one first."""
        after = aliased(Task)
        waiting = (
            select(func.count())
            .select_from(Dependency)
            .join(after, after.id == Dependency.successor_id)
            .where(Dependency.predecessor_id == Task.id, after.completed_at.is_(None), after.trashed_at.is_(None))
            .where(after.owner_id != self.person.id, after.id.in_(select(Task.id).where(Task.seen_by(self.person))))
            .correlate(Task)
            .scalar_subquery()
        )
        tasks = self._mine(waiting > 0)[:SHOWN]
        ids = [task.id for task in tasks]
        counts = {row[0]: row[1] for row in db.session.execute(select(Task.id, waiting).where(Task.id.in_(ids)))}
        return {
            task: ngettext("%(num)s task waits for it", "%(num)s tasks wait for it", counts[task.id]) for task in tasks
        }

    @cached_property
    def approvals(self) -> list[Line]:
        """Requests for the person's word; waivers stand beside them."""
        return Queue(self.person).waiting[:SHOWN]

    @cached_property
    def waivers(self) -> list[Waiver]:
        return Waivers(self.person).waiting[:SHOWN]

    @property
    def calls(self) -> list[Notification]:
        """Unread mentions, the newest first."""
        query = (
            select(Notification)
            .join(Notification.task)
            .where(Notification.user_id == self.person.id, Notification.read_at.is_(None))
            .where(Notification.kind == "mentioned", Task.seen_by(self.person))
            .options(contains_eager(Notification.task), joinedload(Notification.comment))
        )
        return list(db.session.scalars(query.order_by(Notification.id.desc()).limit(10)))

    @property
    def counts(self) -> dict[str, Any]:
        """How many tasks are late, due today and open in all, by one query."""
        late, today = Task.due_on < self.today, Task.due_on == self.today
        row = db.session.execute(
            select(
                func.count().label("open"),
                func.count().filter(late).label("late"),
                func.count().filter(today).label("today"),
                func.count().filter(blocked()).label("blocked"),
            )
            .where(Task.seen_by(self.person), Task.owner_id == self.person.id, Task.completed_at.is_(None))
            .where(Task.project_id.not_in(Project.drafts()), Task.project_id.not_in(Emergency.called_off()))
        ).one()
        return dict(row._mapping)
