"""Channels: one post as a message in the channel's own shape, or many that wait as one, no faster than the other side
takes them."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from linkstar import clock
from linkstar.channels import door, news, robots
from linkstar.channels.trouble import Gone, Later, NeverTaken, NotTaken
from linkstar.extensions import db, read_only, write
from linkstar.models import Channel, Delivery, Post

MANY = 10  # posts that wait for one channel; more go out as one message
AT_ONCE = 200  # of them
SHORT = timedelta(seconds=1.5)  # as long as a worker stands and waits
MARGIN = 1.02  # the other side has a clock of its own
LATEST = timedelta(days=1)  # so long one waits for a side that always says "too often"


@dataclass(frozen=True)
class Message:
    channel_id: int
    kind: str
    address: str | None  # None: it cannot be read any more
    secret: str | None
    told: dict[str, Any]
    headers: dict[str, str]
    is_test: bool
    is_stale: bool  # it has waited long enough
    inside: bool  # it may go to addresses of the house


def compose(delivery: Delivery) -> Message | None:
    """None where nobody listens any more, or may know; raises Later where the other side takes no more for now."""
    post = delivery.post
    assert post, "what a channel is told is a post"
    if not post.channel.active and post.event != "test":
        return None
    _take_turn(delivery.id)
    db.session.refresh(delivery)
    post = delivery.post
    assert post
    channel = post.channel
    headers = {"Idempotency-Key": delivery.idempotency_key}
    told: dict[str, Any] | None
    if channel.kind == "webhook":
        told = news.payload(channel, post, number=f"evt_{post.id}")
        headers["X-Linkstar-Event"] = post.event
    else:
        letter = news.letter(channel, [post, *_carried(delivery)])
        told = robots.SHAPES[channel.kind](letter) if letter else None
    if told is None:
        return None
    stale = clock.now() - post.created_at > LATEST
    return Message(
        channel.id, channel.kind, channel.address, channel.secret, told, headers, post.event == "test", stale,
        channel.may_go_inside,
    )  # fmt: skip


def _carried(delivery: Delivery) -> list[Post]:
    riding = Delivery.carrier_id == delivery.id, Delivery.state == "due"
    query = select(Post).join(Post.deliveries).where(*riding).order_by(Post.id)
    return list(db.session.scalars(query))


def _take_turn(delivery_id: int) -> None:
    """Of all workers one at a time, by the lock on the channel: takes up what waits beside it, and the next moment at
    which the channel takes a message."""
    write()
    delivery = db.session.get_one(Delivery, delivery_id)
    post = delivery.post
    assert post
    channel = db.session.get_one(Channel, post.channel_id, with_for_update={"of": Channel}, populate_existing=True)
    if channel.kind in robots.TOGETHER and post.event != "test" and delivery.tries == 1:
        _take_up(delivery, channel)
    now = clock.now()
    at = max(now, _free_from(channel))
    if at - now <= SHORT:
        post.told_at = at
    db.session.commit()
    read_only()
    if at - now > SHORT:
        raise Later(at)
    if at > now:
        time.sleep((at - now).total_seconds())


def _take_up(delivery: Delivery, channel: Channel) -> None:
    """Those that nobody has tried yet go out in this one's message, and end as it ends; what somebody else has in hand
    or carries others itself stays as it is. Where this one is deleted they are on their own again."""
    rider = aliased(Delivery)
    free = Delivery.state == "due", Delivery.tries == 0, Delivery.carrier_id.is_(None), Delivery.id != delivery.id
    waiting = (
        select(Delivery.id)
        .join(Delivery.post)
        .where(Post.channel_id == channel.id, Post.event != "test", *free)
        .where(~select(rider.id).where(rider.carrier_id == Delivery.id).exists())
        .order_by(Delivery.id)
        .limit(AT_ONCE)
    )
    ids = list(db.session.scalars(waiting))
    if len(ids) >= MANY:
        taken = update(Delivery).where(Delivery.id.in_(ids), *free).values(carrier_id=delivery.id)
        db.session.execute(taken.execution_options(synchronize_session=False))


def _free_from(channel: Channel) -> datetime:
    """When the channel takes the next message, by its limits and what it was told last."""
    limits = robots.AT_MOST[channel.kind]
    most = max((count for count, _seconds in limits), default=0)
    query = select(Post.told_at).where(Post.channel_id == channel.id, Post.told_at.is_not(None))
    told = [at for at in db.session.scalars(query.order_by(Post.told_at.desc()).limit(most)) if at] if most else []
    free = [told[count - 1] + timedelta(seconds=seconds * MARGIN) for count, seconds in limits if len(told) >= count]
    return max(free, default=clock.now())


def send(message: Message) -> None:
    """Raises Later, NotTaken or NeverTaken; what the channel shows of itself is noted."""
    if message.address is None:
        raise NeverTaken("sealed")
    request = robots.signed(message.kind, message.address, message.secret, message.told, message.headers)
    content, headers = request.content, request.headers
    try:
        answer = door.post(request.address, content=content, headers=headers, inside=message.inside)
        robots.read(message.kind, answer)
    except NotTaken as error:
        gone = isinstance(error, Gone) or (isinstance(error, door.Closed) and error.code in door.FOR_GOOD)
        _fail(message, error.code, error.said, gone=gone)
    except Later:
        if not (message.is_test or message.is_stale):
            raise
        _fail(message, "429", "", gone=False)
    _note(message, None)


def _fail(message: Message, code: str, said: str, *, gone: bool) -> None:
    shown = robots.without_secrets(said, message.address or "", message.secret)
    error = (NeverTaken if gone or message.is_test else NotTaken)(code, shown)
    _note(message, repr(error), off=code == "410" and message.kind == "webhook")
    raise error from None


def _note(message: Message, trouble: str | None, *, off: bool = False) -> None:
    """A webhook that says it is gone is not called again until somebody switches it on."""
    read_only()
    now = db.session.execute(
        select(Channel.trouble, Channel.active).where(Channel.id == message.channel_id)
    ).one_or_none()  # fmt: skip
    if now and (now.trouble != trouble or (off and now.active)):
        write()
        values: dict[str, Any] = {"trouble": trouble} | ({"active": False} if off else {})
        here = update(Channel).where(Channel.id == message.channel_id).values(**values)
        db.session.execute(here.execution_options(synchronize_session=False))
        db.session.commit()


def waiting(channel_id: int) -> int:
    """How many posts are on their way to it."""
    query = select(func.count()).select_from(Delivery).join(Delivery.post).where(Post.channel_id == channel_id)
    return db.session.scalar(query.where(Delivery.state == "due")) or 0
