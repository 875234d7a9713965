"""A task's card as HTML, kept from one reader to the next.

Drawing a card costs more than anything else on a board, and it is the same for everybody who reads the same language
and sees the whole project. So drawn cards stay in memory by task, revision, language and quarter of an hour (what is
late changes with the clock). Readers who see only what was shared get theirs drawn anew.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from flask import get_template_attribute
from markupsafe import Markup
from sqlalchemy import Row, ScalarSelect, select, union
from sqlalchemy.orm import aliased

from linkstar import clock
from linkstar.extensions import db
from linkstar.i18n import _, day, in_language, language, moment, ngettext
from linkstar.models import Dependency, Emergency, Hold, PhaseGate, Stage, Task, User
from linkstar.models.user import HUES
from linkstar.reports.task_filter import waived
from linkstar.words import platform_name

KEPT = 20_000
SOON = timedelta(days=3)
BEFORE, AFTER = aliased(Task), aliased(Task)  # made once: an alias of so wide a table is dear

_drawn: OrderedDict[tuple[int, int, str, int], Markup] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Due:
    """A due day as a card says it: its words, and whether that is late, soon or done."""

    iso: str
    words: str
    kind: str

    @classmethod
    def of(cls, due_on: date | None, zone: str, *, done: bool, at: datetime | None = None) -> "Due | None":
        """With `at`, where hours count, the moment on the clocks of the zone."""
        if at is not None:
            left_of_it = at - clock.now()
            kind = "late" if left_of_it < timedelta(0) else "soon" if left_of_it <= SOON else ""
            return cls(at.isoformat(), moment(at, zone), "done" if done else kind)
        if due_on is None:
            return None
        left = (due_on - clock.today(ZoneInfo(zone))).days
        if done:
            return cls(due_on.isoformat(), day(due_on), "done")
        if left < 0:
            return cls(due_on.isoformat(), ngettext("%(num)s day late", "%(num)s days late", -left), "late")
        if left == 0:
            return cls(due_on.isoformat(), _("Today"), "soon")
        return cls(due_on.isoformat(), day(due_on), "soon" if left <= SOON.days else "")


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows of a task."""

    id: int
    title: str
    position: int
    version: int
    platform: str | None
    platform_name: str
    due: Due | None
    checks: str | None
    comments: int
    owner: str
    initial: str
    hue: int
    done: bool
    milestone: bool
    priority: str
    blocked_by: str | None
    waiting: str | None
    waived: bool


def draw(rows: Sequence[tuple[int, int]], *, whole: bool, reader: User) -> dict[int, Markup]:
    """Task id → card, for (id, revision) pairs. `whole`: the reader sees the whole project."""
    speech, quarter = language(), int(clock.now().timestamp() // 900)
    found: dict[int, Markup] = {}
    missing: dict[int, int] = {}
    for task_id, revision in rows:
        card = _drawn.get((task_id, revision, speech, quarter)) if whole else None
        if card is None:
            missing[task_id] = revision
        else:
            found[task_id] = card
    if missing:
        macro = get_template_attribute("tasks/_card.html", "card")
        for fact in _facts(list(missing), reader=None if whole else reader):
            found[fact.id] = card = Markup(macro(fact))
            if whole:
                with _lock:
                    _drawn[fact.id, missing[fact.id], speech, quarter] = card
        with _lock:
            while len(_drawn) > KEPT:
                _drawn.popitem(last=False)
    return found


def _facts(ids: list[int], *, reader: User | None) -> Iterable[Card]:
    """The cards of these tasks; for a `reader` who does not see everything, without what must stay hidden."""
    rows = db.session.execute(
        select(Task.id, Task.title_zh, Task.title_en, Task.position, Task.version, Task.platform, Task.due_on,
               Task.checked_count, Task.check_count, Task.comment_count, Task.completed_at, Task.milestone,
               Task.priority, Task.owner_id, Task.waiver_count, User.name, User.timezone, held_by().label("held_by"))
        .join(User, User.id == Task.owner_id)
        .where(Task.id.in_(ids))
    ).all()  # fmt: skip
    blockers, waiting = reasons(ids, reader)
    for row in rows:
        person = User(id=row.owner_id, name=row.name)
        done = row.completed_at is not None
        yield Card(
            id=row.id,
            title=in_language(row.title_zh, row.title_en),
            position=row.position,
            version=row.version,
            platform=row.platform,
            platform_name=platform_name(row.platform),
            due=Due.of(row.due_on, row.timezone, done=done),
            checks=f"{row.checked_count}/{row.check_count}" if row.check_count else None,
            comments=0 if reader else row.comment_count,
            owner=row.name,
            initial=person.initial,
            hue=row.owner_id * 5 % HUES,
            done=done,
            milestone=row.milestone,
            priority=row.priority,
            blocked_by=None if done else _held_words(row.held_by, reader) or blockers.get(row.id),
            waiting=None
            if done or row.id not in waiting
            else ngettext("%(num)s task waits for it", "%(num)s tasks wait for it", waiting[row.id]),
            waived=row.waiver_count > 0,
        )


def held_by() -> ScalarSelect[str]:
    """The title of the emergency that holds the task, the first one."""
    holding = select(Emergency.title).join(Emergency.holds).where(Hold.task_id == Task.id, ~Emergency.drill)
    return holding.order_by(Emergency.id).limit(1).correlate(Task).scalar_subquery()


def _held_words(title: str | None, reader: User | None) -> str | None:
    """A reader who does not see everything is not told what happened."""
    if title is None:
        return None
    return _("On hold: a restricted matter") if reader else _("On hold: %(title)s", title=title)


def reasons(ids: list[int], reader: User | None) -> tuple[dict[int, str], dict[int, int]]:
    """By one query: task id → the first unfinished task that blocks it, in words; and task id → how many unfinished
    tasks it blocks itself (which a `reader` who does not see everything is not told)."""
    before, after = BEFORE, AFTER
    links = _pairs(ids)
    rows = db.session.execute(
        select(
            links.c.successor_id, before.id, before.title_zh, before.title_en, before.due_on, User.name,
            after.completed_at,
        )
        .select_from(links)
        .join(before, before.id == links.c.predecessor_id)
        .join(after, after.id == links.c.successor_id)
        .join(User, User.id == before.owner_id)
        .where(~waived(after.id, before.id))
        .where(before.blocking, before.completed_at.is_(None), before.trashed_at.is_(None), after.trashed_at.is_(None))
        .order_by(before.due_on.desc())
    ).all()  # fmt: skip
    visible = _visible_among([row.id for row in rows], reader) if reader else None
    blockers = {row.successor_id: _blocker_words(row, visible) for row in rows}
    waiting = Counter(row.id for row in rows if row.completed_at is None and reader is None)
    return blockers, waiting


def _pairs(ids: list[int]) -> Any:
    """What waits (successor) for what (predecessor), where one of the two is among these: by a dependency, or by the
    gate in front of a phase for what has not begun."""
    before, after = aliased(Task), aliased(Task)
    dependencies = select(Dependency.successor_id, Dependency.predecessor_id).where(
        Dependency.successor_id.in_(ids) | Dependency.predecessor_id.in_(ids)
    )
    gates = (
        select(after.id, before.id)
        .join(PhaseGate, PhaseGate.phase_id == after.phase_id)
        .join(before, before.phase_id == PhaseGate.awaited_id)
        .join(Stage, Stage.id == after.stage_id)
        .where(Stage.kind == "backlog", before.blocking, after.id.in_(ids) | before.id.in_(ids))
    )
    return union(dependencies, gates).subquery()


def _blocker_words(row: Row[*tuple[Any, ...]], visible: set[int] | None) -> str:
    if visible is not None and row.id not in visible:
        return _("Blocked by a restricted task")
    title = in_language(row.title_zh, row.title_en)
    if row.due_on is None:
        return _("Waits for %(title)s · %(owner)s", title=title, owner=row.name)
    return _("Waits for %(title)s · %(owner)s · %(day)s", title=title, owner=row.name, day=day(row.due_on))


def _visible_among(ids: list[int], reader: User) -> set[int]:
    return set(db.session.scalars(select(Task.id).where(Task.seen_by(reader), Task.id.in_(ids))))
