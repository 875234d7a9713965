"""What stands around every page: the person, the way round, the clocks, and the words that templates share."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, request, session
from flask_login import current_user
from sqlalchemy import Row, func, select

from linkstar import clock
from linkstar.extensions import db
from linkstar.forms.evidence import LARGEST_FILE
from linkstar.i18n import _l, both, day, in_language, language, moment, weekday, whole_day
from linkstar.markdown import to_html, to_line, to_text
from linkstar.models import (
    CalendarDay,
    Emergency,
    Membership,
    Notification,
    Project,
    Task,
    User,
    is_template_keeper,
    notices_of,
)
from linkstar.models.task.two_sided import CLOSES, OPENS
from linkstar.planning.overlap import Side
from linkstar.planning.working_days import WorkingDays, country_of
from linkstar.reports.approvals import waiting_count
from linkstar.reports.cards import Due
from linkstar.reports.history import value_typed, value_words
from linkstar.reports.obstacles import may_tick
from linkstar.reports.portfolio import healthy_or_not
from linkstar.storage import KINDS, PHOTOS
from linkstar.views.saved_views import saved_view_url
from linkstar.words import (
    API_SCOPE_NAMES,
    CHANNEL_EVENT_NAMES,
    CHANNEL_KIND_NAMES,
    CONFIDENCE_NAMES,
    EVIDENCE_NAMES,
    PERMISSION_NAMES,
    PLATFORM_NAMES,
    REACH_NAMES,
    REGION_NAMES,
    ROLE_NAMES,
    SCOPE_NAMES,
    TOPIC_NAMES,
    TRIGGER_NAMES,
    VIA_NAMES,
    amount_words,
    approval_words,
    field_name,
    hours_words,
    notice_words,
    platform_name,
    priority_name,
    roles_in_words,
    severity_name,
    why_words,
)

CITIES = (
    (_l("Beijing"), "Asia/Shanghai"), (_l("New York"), "America/New_York"), (_l("Los Angeles"), "America/Los_Angeles")
)  # fmt: skip
THEMES = ("light", "dark")


@dataclass
class Clock:
    city: str
    time: str
    day: str
    open: bool


class Shell:
    """Everything is looked up when a template asks for it, so a fragment pays for none of it."""

    def __init__(self, user: User) -> None:
        self.person = user

    @property
    def membership(self) -> Membership | None:
        """The workspace that the person looks at: the chosen one, else the first."""
        chosen = session.get("workspace_id")
        memberships = self.person.memberships
        return next((m for m in memberships if m.workspace_id == chosen), memberships[0] if memberships else None)

    @property
    def workspace_name(self) -> str:
        return both(self.membership.workspace, "name") if self.membership else ""

    @cached_property
    def _around(self) -> Row[*tuple[Any, ...]]:
        """The open tasks, the unread notices, what waits for the person's word, the open emergency that asks most (one
        that nobody has taken up, else the newest) and who has it, and what the workspace itself says of the day that it
        is at each of the clocks: by one query, for it stands around every page."""
        mine = select(func.count()).where(
            Task.seen_by(self.person), Task.owner_id == self.person.id, Task.completed_at.is_(None),
            Task.project_id.not_in(Project.drafts()),
        )  # fmt: skip
        unread = notices_of(self.person).where(Notification.read_at.is_(None))
        counts = [mine.scalar_subquery(), unread.with_only_columns(func.count()).scalar_subquery()]
        raging = select(Emergency).where(Emergency.seen_by(self.person), Emergency.raging())
        newest = raging.order_by(Emergency.acknowledged_at.is_not(None), Emergency.id.desc()).limit(1)
        key, title, taker = Emergency.id, Emergency.title, Emergency.acknowledged_by_id
        told = [newest.with_only_columns(each).scalar_subquery() for each in (key, title, taker)]
        told[2] = select(User.name).where(User.id == told[2]).scalar_subquery()
        own = [self._own_word(zone) for _city, zone in CITIES]
        return db.session.execute(select(*counts, waiting_count(self.person), *told, *own)).one()

    def _own_word(self, zone: str) -> Any:
        here = CalendarDay.workspace_id == (self.membership.workspace_id if self.membership else None)
        there = CalendarDay.country == country_of(zone), CalendarDay.day == clock.today(ZoneInfo(zone))
        return select(CalendarDay.works).where(here, *there).scalar_subquery()

    @property
    def open_count(self) -> int:
        return int(self._around[0])

    @property
    def unread(self) -> int:
        return int(self._around[1])

    @property
    def waiting(self) -> int:
        return int(self._around[2])

    @property
    def alarm(self) -> tuple[int, str, str | None] | None:
        """The open emergency that everybody inside is to know of, and who has it; drills are not."""
        key, title, taker = self._around[3:6]
        return (key, title or "", taker) if key else None

    @property
    def projects(self) -> list[tuple[Project, str]]:
        """The person's projects with their health."""
        if not hasattr(self, "_projects"):
            self._projects = healthy_or_not(self.person)
        return self._projects

    @property
    def current(self) -> Any:
        """What of the way round the page stands for: a word of the menu, or a project's id."""
        arguments = request.view_args or {}
        return arguments.get("project_id") or (request.endpoint or "").split(".")[0]

    @property
    def can_create_project(self) -> bool:
        return bool(self.membership) and self.membership.scope("create") in ("all", "member")  # type: ignore[union-attr]

    def may_declare(self, project: Project | None = None) -> bool:
        """May the person declare an emergency, about this project?"""
        here = project or self.membership
        return bool(here) and Emergency.may_be_declared_by(self.person, here.workspace_id, project)  # type: ignore[union-attr]

    @property
    def has_to_set_up(self) -> bool:
        """Nobody has chosen a pack yet, and this person may."""
        membership = self.membership
        return bool(membership) and membership.keeps_workspace and not membership.workspace.set_up_at  # type: ignore[union-attr]

    @property
    def clocks(self) -> list[Clock]:
        return [self._clock(city, zone, own) for (city, zone), own in zip(CITIES, self._around[6:], strict=True)]

    @staticmethod
    def _clock(city: Any, zone: str, own: bool | None) -> Clock:
        """`own`: what the workspace says of this day there, over the country's calendar."""
        changes = {} if own is None else {clock.today(ZoneInfo(zone)): own}
        side = Side(ZoneInfo(zone), OPENS, CLOSES, WorkingDays(country_of(zone), changes))
        here, working = clock.now().astimezone(side.zone), side.works(clock.now())
        return Clock(str(city), f"{here:%H:%M}", weekday(here.date()), working)


def init_app(app: Flask) -> None:
    app.context_processor(_surroundings)
    app.jinja_env.globals.update(
        both=both, in_language=in_language, due_of=Due.of, field_name=field_name, platform_name=platform_name,
        priority_name=priority_name, role_names=ROLE_NAMES, via_names=VIA_NAMES, api_scope_names=API_SCOPE_NAMES,
        channel_kind_names=CHANNEL_KIND_NAMES, channel_event_names=CHANNEL_EVENT_NAMES,
        value_typed=value_typed, value_words=value_words, platforms=list(PLATFORM_NAMES.items()),
        saved_view_url=saved_view_url,
    )  # fmt: skip
    app.jinja_env.globals.update(
        evidence_names=EVIDENCE_NAMES, confidence_names=CONFIDENCE_NAMES, region_names=REGION_NAMES, may_tick=may_tick,
        photo_types=",".join(PHOTOS), file_types=",".join(end for ends in KINDS.values() for end in ends),
        largest_file=LARGEST_FILE, roles_in_words=roles_in_words, notice_words=notice_words,
        why_words=why_words, topic_names=TOPIC_NAMES,
    )  # fmt: skip
    app.jinja_env.globals.update(permission_names=PERMISSION_NAMES, scope_names=SCOPE_NAMES, reach_names=REACH_NAMES)
    app.jinja_env.globals.update(
        severity_name=severity_name, trigger_names=TRIGGER_NAMES, amount_words=amount_words,
        is_template_keeper=is_template_keeper, approval_words=approval_words,
    )  # fmt: skip
    app.jinja_env.filters.update(both=both, day=day, whole_day=whole_day, markdown=to_html, zip=zip)
    app.jinja_env.filters.update(plain=to_text, one_line=to_line)
    app.jinja_env.filters["hours"] = hours_words


def _surroundings() -> dict[str, Any]:
    signed_in = "_user_id" in session and current_user.is_authenticated
    zone = current_user.timezone if signed_in else "Asia/Shanghai"
    return {
        "shell": Shell(current_user) if signed_in else None,
        "locale_tag": "en" if language() == "en" else "zh-CN",
        "language": language(),
        "theme": session.get("theme") if session.get("theme") in THEMES else "",
        "week_ahead": clock.today(ZoneInfo(zone)) + timedelta(days=7),
        "moment": lambda value: moment(value, zone),
        "here": request.full_path.rstrip("?"),
        "toast": None if request.htmx else session.pop("toast", None),  # type: ignore[attr-defined]
    }
