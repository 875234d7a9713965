"""What is to be done and what went out, in numbers: of everybody, or of one workspace."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, case, func, literal, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.automation import AutomationRun
from linkstar.models.channel import Channel, Post
from linkstar.models.mailed_link import MailedLink
from linkstar.models.membership import Membership
from linkstar.models.notification import Delivery, Digest, Notification
from linkstar.models.reminder import Reminder

MEDIA = ("mail", "push", "channel")


class Backlog(NamedTuple):
    """How much waits although its moment has come, and when that of the oldest was."""

    number: int
    since: datetime | None


class Sent(NamedTuple):
    sent: int
    waiting: int
    failed: int


def backlogs(workspace_id: int | None = None) -> dict[str, Backlog]:
    """Of reminders, deliveries and automations."""
    now = clock.now()
    waiting = union_all(
        select(literal("reminders"), func.count(Reminder.id), func.min(Reminder.due_at)).where(
            Reminder.state == "due", Reminder.due_at <= now, _here(Reminder.workspace_id, workspace_id)
        ),
        select(literal("deliveries"), func.count(Delivery.id), func.min(Delivery.due_at)).where(
            Delivery.state == "due", Delivery.due_at <= now, Delivery.carrier_id.is_(None), _of(workspace_id)
        ),
        select(literal("automations"), func.count(AutomationRun.id), func.min(AutomationRun.created_at)).where(
            AutomationRun.state == "due", _here(AutomationRun.workspace_id, workspace_id)
        ),
    )
    return {name: Backlog(number, since) for name, number, since in db.session.execute(waiting)}


def delivery_states() -> list[Row[*tuple[str, str, int]]]:
    """Medium, state, how many there are; tests of channels are none."""
    return list(
        db.session.execute(
            select(Delivery.medium, Delivery.state, func.count())
            .where(~Post.is_test())
            .group_by(Delivery.medium, Delivery.state)
        )
    )


def sent_since(moment: datetime, workspace_id: int) -> dict[str, Sent]:
    """By medium: what went out since then, what still waits for whatever reason, and what was given up since then."""
    columns = (
        func.count(case((Delivery.sent_at >= moment, 1))),
        func.count(case((Delivery.state == "due", 1))),
        func.count(case(((Delivery.state == "failed") & (Delivery.due_at >= moment), 1))),
    )
    news = select(Delivery.medium, *columns).where(_of(workspace_id), ~Post.is_test())
    rows = db.session.execute(news.group_by(Delivery.medium))
    found = {medium: Sent(*numbers) for medium, *numbers in rows}
    return {medium: found.get(medium, Sent(0, 0, 0)) for medium in MEDIA}


def given_up(since: datetime, workspace_id: int | None = None) -> int:
    failed = Delivery.state == "failed", Delivery.due_at >= since, ~Post.is_test(), _of(workspace_id)
    return db.session.scalar(select(func.count(Delivery.id)).where(*failed)) or 0


def channels_failing(workspace_id: int | None = None) -> tuple[int, int]:
    """Of those that are on: how many take no messages, and how many have an address that can no longer be read."""
    here = Channel.active, _here(Channel.workspace_id, workspace_id)
    rows = db.session.execute(select(Channel.trouble, Channel.address).where(*here)).all()
    sealed = [row for row in rows if row.address is None]
    return len([row for row in rows if row.trouble and row.address is not None]), len(sealed)


def _here(column: InstrumentedAttribute[int], workspace_id: int | None) -> ColumnElement[bool]:
    return true() if workspace_id is None else column == workspace_id


def _of(workspace_id: int | None) -> ColumnElement[bool]:
    """Deliveries of a workspace; a digest is of all that its reader belongs to."""
    if workspace_id is None:
        return true()
    people = select(Membership.user_id).where(Membership.workspace_id == workspace_id)
    return or_(
        Delivery.notification_id.in_(select(Notification.id).where(Notification.workspace_id == workspace_id)),
        Delivery.post_id.in_(select(Post.id).where(Post.workspace_id == workspace_id)),
        Delivery.mailed_link_id.in_(select(MailedLink.id).where(MailedLink.workspace_id == workspace_id)),
        Delivery.digest_id.in_(select(Digest.id).where(Digest.user_id.in_(people))),
    )
