"""What went out to channels and by mail, and what did not."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true, update
from sqlalchemy.orm import aliased, contains_eager, joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Channel, Delivery, Digest, MailedLink, Membership, Notification, Post, Task, User
from linkstar.models.channel import TEST

SHOWN = 50


@dataclass(frozen=True)
class Counted:
    """A channel in the list, with how much waits and how much was given up."""

    channel: Channel
    waiting: int
    failed: int


def channels_of(workspace_id: int, reader: User) -> list[Counted]:
    waits = func.count(case((Delivery.state == "due", 1)))
    failed = func.count(case((Delivery.state == "failed", 1)))
    counts = (
        select(Post.channel_id, waits.label("waits"), failed.label("failed"))
        .join(Delivery, Delivery.post_id == Post.id)
        .where(Post.workspace_id == workspace_id, Post.event != TEST)
        .group_by(Post.channel_id)
        .subquery()
    )
    query = (
        Channel.visible_to(reader)
        .add_columns(func.coalesce(counts.c.waits, 0), func.coalesce(counts.c.failed, 0))
        .outerjoin(counts, counts.c.channel_id == Channel.id)
        .where(Channel.workspace_id == workspace_id)
        .options(joinedload(Channel.owner), joinedload(Channel.project), joinedload(Channel.token))
        .order_by(Channel.name, Channel.id)
    )
    return [Counted(*row) for row in db.session.execute(query)]


def log_of(channel: Channel) -> list[Delivery]:
    """The newest first."""
    query = (
        select(Delivery)
        .join(Delivery.post)
        .options(contains_eager(Delivery.post))
        .where(Post.channel_id == channel.id)
        .order_by(Delivery.id.desc())
        .limit(SHOWN)
    )
    return list(db.session.scalars(query))


def seen_in(log: list[Delivery], reader: User) -> dict[int, Task]:
    """The tasks of the log that the reader sees; whoever keeps a channel need not see all that it tells."""
    ids = {delivery.post.task_id for delivery in log if delivery.post}
    return {task.id: task for task in db.session.scalars(Task.visible_to(reader).where(Task.id.in_(ids)))}


def failed_in(workspace_id: int, reader: User, *, keeps: bool) -> list[Delivery]:
    """What was given up, the newest first: of channels that the reader has, and for who keeps the workspace of mails to
    its people as well."""
    query = (
        select(Delivery)
        .where(Delivery.id.in_(_failed(workspace_id, reader, keeps)))
        .options(
            joinedload(Delivery.post).joinedload(Post.channel),
            joinedload(Delivery.post).joinedload(Post.task),
            joinedload(Delivery.notification).joinedload(Notification.user),
            joinedload(Delivery.mailed_link).joinedload(MailedLink.user),
            joinedload(Delivery.digest).joinedload(Digest.user),
        )
        .order_by(Delivery.id.desc())
        .limit(4 * SHOWN)
    )
    return list(db.session.scalars(query))


def _failed(workspace_id: int, reader: User, keeps: bool) -> Select[int]:
    mine = Channel.visible_to(reader).with_only_columns(Channel.id).where(Channel.workspace_id == workspace_id)
    ways: list[ColumnElement[bool]] = [
        Delivery.post_id.in_(select(Post.id).where(Post.channel_id.in_(mine), Post.event != TEST))
    ]
    if keeps:
        people = select(Membership.user_id).where(Membership.workspace_id == workspace_id)
        ways += [
            Delivery.notification_id.in_(select(Notification.id).where(Notification.workspace_id == workspace_id)),
            Delivery.mailed_link_id.in_(select(MailedLink.id).where(MailedLink.workspace_id == workspace_id)),
            Delivery.digest_id.in_(select(Digest.id).where(Digest.user_id.in_(people))),
        ]
    return select(Delivery.id).where(Delivery.state == "failed", or_(*ways))


def send_again(workspace_id: int, reader: User, *, keeps: bool, delivery_ids: Sequence[int] | None) -> int:
    """What was given up is due again, from the first try on; None: all of it. How many there were."""
    chosen = Delivery.id.in_(delivery_ids) if delivery_ids is not None else true()
    return _due_again(and_(Delivery.id.in_(_failed(workspace_id, reader, keeps)), chosen))


def replay(channel: Channel, delivery_id: int) -> int:
    """One of a channel's, whatever became of it: what it says is what is true now, under the key that it had."""
    here = Delivery.post_id.in_(select(Post.id).where(Post.channel_id == channel.id))
    return _due_again(and_(Delivery.id == delivery_id, here, Delivery.state != "due"))


def _due_again(which: ColumnElement[bool]) -> int:
    chosen = aliased(Delivery, select(Delivery).where(which).subquery())
    kept = Delivery.notification_id.is_not(None), Delivery.carrier_id.in_(select(chosen.id))
    again = update(Delivery).where(which).values(
        state="due", tries=0, due_at=clock.now(), error=None, sent_at=None,
        carrier_id=case((and_(*kept), Delivery.carrier_id)),
    )  # fmt: skip
    count: int = db.session.execute(again.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    if count:
        db.session.info["notified"] = True
    return count
