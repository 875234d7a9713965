"""What RQ runs: find the row, call one method, commit; row after row."""

import logging
import random
import time
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rq.timeouts import JobTimeoutException
from sqlalchemy import Select, case, delete, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import aliased, undefer

from linkstar import clock, queue, storage
from linkstar.channels import MEDIA, Gone, Later
from linkstar.channels.trail import tell_channels
from linkstar.extensions import db, read_only, write
from linkstar.models import (
    KEPT,
    Approval,
    AttachmentVersion,
    AuditEvent,
    Automation,
    AutomationRun,
    Channel,
    Deed,
    Delivery,
    Digest,
    Emergency,
    Evidence,
    GatePassage,
    HandoverNote,
    Heard,
    IdempotentRequest,
    MailedLink,
    Notification,
    Occasions,
    Post,
    Preference,
    Reminder,
    SignIn,
    Task,
    Trash,
    Upload,
    User,
    Workspace,
    digests_due,
    notices_in,
    notices_of,
    with_all_they_say,
    write_digest,
)
from linkstar.models.noted_heads import note_heads
from linkstar.planning.quiet_hours import end_of_quiet
from linkstar.reports.reminders import Nearest, Upcoming, is_true

log = logging.getLogger("linkstar")

ANSWERS_KEPT = timedelta(days=1)
UPLOADS_KEPT = timedelta(days=1)
MESSAGES_KEPT = timedelta(days=90)  # after they went out
NOTICES_KEPT = timedelta(days=365)  # after they were read
LEASE = timedelta(minutes=2)  # for one try; after it somebody else may take the delivery up
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 25, 125, 625)]  # after the first failure, the second …
SOON, PATIENCE = timedelta(seconds=20), timedelta(minutes=5)  # a reminder's mail waits for others, so long at most
TURN = 20.0  # seconds, then others have theirs; what is left waits in the queue once more
REST = timedelta(minutes=6)  # so long at most a channel that took something not is left alone, longer than a lease
PAIRS = 300  # of events and channels, which are acted on in one transaction
FEWEST_EVENTS, MOST_EVENTS = 10, 200  # there


def deliver_due() -> None:
    """Sends the mails and pushes that are due, one after the other, alarms before all. May run twice at once, and may
    be killed at any point."""
    _deliver_all(_claim, "deliver_due")


def deliver_channels() -> None:
    """The same for what channels are told: whose addresses answer when they like, so no mail waits for them."""
    _deliver_all(_claim_for_channel, "deliver_channels")


def _deliver_all(claim: Callable[[], tuple[int, int] | None], job: str) -> None:
    end = time.monotonic() + TURN
    while claimed := claim():
        _deliver(*claimed)
        if time.monotonic() >= end:
            queue.put(job)
            return


def sweep() -> None:
    """Takes away what has served its time: what lay in the trash for thirty days, answers kept for repeated requests,
    sign-ins that have run out, addresses in mailed links and requests that ended thirty days ago, uploads that nobody
    went on with, what went out long ago, and uploaded bytes whose transaction failed. Then notes how long the trail
    is."""
    write()
    db.session.execute(delete(IdempotentRequest).where(IdempotentRequest.created_at < clock.now() - ANSWERS_KEPT))
    db.session.execute(delete(SignIn).where(SignIn.expires_at < clock.now()))
    MailedLink.forget(clock.now() - KEPT)
    Approval.forget_guests(clock.now() - KEPT)
    Trash.purge()
    db.session.execute(delete(Digest).where(Digest.until < clock.now() - KEPT))
    _forget_what_went_out()
    db.session.execute(delete(Upload).where(Upload.last_piece_at < clock.now() - UPLOADS_KEPT))
    named = {key for key in db.session.scalars(select(Evidence.file_key)) if key}
    named |= {*AttachmentVersion.keys(), *db.session.scalars(select(Upload.file_key))}
    db.session.commit()
    storage.forgotten(named | GatePassage.file_keys(), UPLOADS_KEPT)
    read_only()
    note_heads()


def _forget_what_went_out() -> None:
    """Messages and posts after three months, but those that wait or were given up, and what automations did; notices
    a year after they were read, but those of an emergency: they are the record of who was told of it. Reminders stay
    as long as what they are about, so that nothing is told again."""
    before = clock.now() - MESSAGES_KEPT
    ended = Delivery.state.in_(("sent", "dropped")), Delivery.due_at < before
    db.session.execute(delete(Delivery).where(*ended))
    none_left = ~select(Delivery.id).where(Delivery.post_id == Post.id).exists()
    db.session.execute(delete(Post).where(Post.created_at < before, none_left))
    db.session.execute(delete(AutomationRun).where(AutomationRun.done_at < before))
    read = Notification.read_at < clock.now() - NOTICES_KEPT, Notification.emergency_id.is_(None)
    db.session.execute(delete(Notification).where(*read))


def run_agreed() -> None:
    """Carries out what was approved some hours ago and nobody has stopped since; each by itself, once."""
    read_only()
    _do_each(list(db.session.scalars(Approval.due())), lambda key: db.session.get_one(Approval, key).run())


def escalate() -> None:
    """Emergencies that nobody took up in time: the next in line is told; each by itself, once."""
    read_only()
    _do_each(Emergency.due(), lambda key: db.session.get_one(Emergency, key).escalate())


def deliver_notes() -> None:
    """Handover notes whose reader's working day has begun; each by itself, once."""
    read_only()
    _do_each(HandoverNote.due(), lambda key: db.session.get_one(HandoverNote, key).deliver())


def plan_reminders() -> None:
    """Writes down what is to be told in the next hours, and tells what is due. May run twice at once: it reads, and
    only then writes what was not there."""
    read_only()
    for workspace_id in db.session.scalars(select(Workspace.id).order_by(Workspace.id)).all():
        try:
            fresh, moved = Upcoming(workspace_id).news()
            if fresh or moved:
                write()
                Reminder.write(fresh, moved)
                db.session.commit()
        except JobTimeoutException:
            raise
        except Exception:
            log.exception("the reminders of workspace %s could not be planned", workspace_id)
            db.session.rollback()
        read_only()
    remind()


def remind() -> None:
    """Reminders whose moment has come; each by itself, once. What is left after a while waits for another turn."""
    read_only()
    nearest: Nearest = {}
    end = time.monotonic() + TURN
    for reminder_id in Reminder.due():
        if time.monotonic() >= end:
            queue.put("remind")
            return
        _do_each([reminder_id], lambda key: _remind(key, nearest))


def _remind(reminder_id: int, nearest: Nearest | None = None) -> None:
    reminder = db.session.get_one(Reminder, reminder_id)
    if not reminder.claim():
        return
    if is_true(reminder, nearest):
        reminder.tell()
    else:
        reminder.drop()


def send_digests() -> None:
    """One mail with what is new, for whom the hour has come; each by itself, once a day."""
    read_only()
    _do_each(digests_due(), write_digest)


def _do_each(keys: Iterable[int], do: Callable[[int], object]) -> None:
    """Row after row, each in a transaction of its own: one that fails keeps no other waiting."""
    for key in keys:
        write()
        try:
            do(key)
            db.session.commit()
        except JobTimeoutException:
            raise
        except Exception as error:
            if queue.is_news(f"{do.__module__}.{do.__qualname__} {key} {type(error).__name__}"):
                log.exception("row %s could not be done; it is tried again, and said once an hour", key)
            db.session.rollback()


def _claim() -> tuple[int, int] | None:
    """Of the mails and pushes that wait the next."""
    alarms_first = case((Notification.urgent, 0), else_=1)
    waiting = select(Delivery.id).outerjoin(Delivery.notification).where(Delivery.medium != "channel")
    return _take(waiting.order_by(alarms_first, Delivery.due_at, Delivery.id))


def _claim_for_channel() -> tuple[int, int] | None:
    """The next post. Each channel has one in hand at a time, and after a failed try its others wait with it; those in
    trouble come last: an address that is dead costs one try now and then, whatever waits for it."""
    now, tried = clock.now(), aliased(Delivery)
    in_hand = tried.state == "due", tried.tries > 0, tried.carrier_id.is_(None)
    resting = select(Post.channel_id).join(tried, tried.post_id == Post.id)
    resting = resting.where(*in_hand, tried.due_at > now, tried.due_at <= now + REST)
    waiting = select(Delivery.id).join(Delivery.post).join(Post.channel).where(Post.channel_id.not_in(resting))
    return _take(waiting.order_by(Channel.trouble.is_not(None), Delivery.due_at, Delivery.id))


def _take(waiting: Select[int]) -> tuple[int, int] | None:
    """Takes the first of these that is due for the length of the lease: its id, and which try this is."""
    write()
    now = clock.now()
    due = Delivery.state == "due", Delivery.due_at <= now, Delivery.carrier_id.is_(None)
    longest_waiting = waiting.where(*due).limit(1).with_for_update(skip_locked=True, of=Delivery)
    row = db.session.execute(
        update(Delivery)
        .where(Delivery.id == longest_waiting.scalar_subquery(), *due)
        .values(due_at=now + LEASE, tries=Delivery.tries + 1)
        .returning(Delivery.id, Delivery.tries)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    db.session.commit()
    return (row.id, row.tries) if row else None


def _deliver(delivery_id: int, tries: int) -> None:
    if tries > len(PAUSES) + 1:  # no failure was noted: each try ended with its worker
        log.error("delivery %s is given up", delivery_id)
        _close(delivery_id, state="failed", error="none of its tries came to an end")
        return
    read_only()
    try:
        delivery = db.session.get_one(Delivery, delivery_id)
        medium, of_channel = MEDIA[delivery.medium], delivery.post_id is not None
        if end := _quiet_until(delivery) or _rest_until(delivery):
            raise Later(end)
        told = _told_by(delivery)
        told_ids = [each.id for each in told]
        wanted = bool(told) if delivery.notification else _still_wanted(delivery)
        message = medium.compose(delivery, *told) if wanted else None
        db.session.rollback()  # nothing is held while the outside world takes its time
        if message is None:
            _close(delivery_id, state="dropped")
        else:
            medium.send(message)
            _close(delivery_id, told_ids, state="sent", sent_at=clock.now(), error=None)
    except Later as later:
        _close(delivery_id, due_at=later.at, tries=tries - 1)
        if of_channel:
            _put_off(delivery_id, later.at)
    except JobTimeoutException:
        raise
    except Exception as error:
        log.warning("delivery %s failed at try %s: %r", delivery_id, tries, error)
        if tries > len(PAUSES) or isinstance(error, Gone):
            log.error("delivery %s is given up", delivery_id)
            _close(delivery_id, state="failed", due_at=clock.now(), error=repr(error))
        else:
            pause = PAUSES[tries - 1] * random.uniform(1, 1.2)  # so that many do not come back at one moment
            _close(delivery_id, due_at=clock.now() + pause, error=repr(error))


def _told_by(delivery: Delivery) -> list[Notification]:
    """Of the notices that go out with it those that still concern the reader, and as the reader has chosen."""
    if delivery.notification is None:
        return []
    reader = delivery.notification.user
    if not reader.active:
        return []
    chosen = Preference.all_of(reader)
    query = with_all_they_say(notices_of(reader)).where(Notification.id.in_(delivery.notice_ids))
    query = query.options(undefer(Notification.urgent)).order_by(Notification.id)
    notices = db.session.scalars(query).unique()
    return [each for each in notices if _is_wished(each, delivery, chosen[each.topic]) and _still_concerns(each)]


def _is_wished(notice: Notification, delivery: Delivery, chosen: Preference) -> bool:
    if delivery.medium == "push":
        return chosen.push
    return chosen.mail == "now" or (chosen.mail == "digest" and notice.urgent)


def _quiet_until(delivery: Delivery) -> datetime | None:
    """Nobody's telephone rings at night, but for an alarm. Links were asked for, and digests have their hour."""
    if delivery.notification is None or delivery.notification.urgent:
        return None
    reader = delivery.notification.user
    return end_of_quiet(clock.now(), reader.quiet_from, reader.quiet_until, ZoneInfo(reader.timezone))


def _rest_until(delivery: Delivery) -> datetime | None:
    """What a person is reminded of in one morning is one message, so the first waits for the rest, but not for one
    that cannot be told."""
    notice, now = delivery.notification, clock.now()
    if notice is None or notice.reminder_id is None or notice.of_an_hour or notice.urgent:
        return None
    if notice.created_at < now - PATIENCE:
        return None
    return now + SOON if Reminder.more_come_to(notice.user) else None


def _still_wanted(delivery: Delivery) -> bool:
    if delivery.post:
        return True  # composed of what the channel's owner may see at that moment
    if digest := delivery.digest:
        return (
            digest.user.active and digest.user.digest != "off" and bool(db.session.scalar(notices_in(digest).limit(1)))
        )
    link = delivery.mailed_link
    if link is None or not link.opens:
        return False
    return not (link.task_id and link.user) or bool(db.session.scalar(_seen(link.user, link.task_id)))


def _still_concerns(notification: Notification) -> bool:
    """Is it of use to who reads it still? Rights are those of now: who lost the comment since is told nothing more."""
    reader, comment = notification.user, notification.comment
    if notification.of_drill:
        return False  # it stands in the inbox, and nobody is called
    if notification.kind == "unblocked" and notification.for_creator and notification.still_blocked_by:
        return False  # how many more there are is not a creator's to know
    if notification.kind == "held" and not (notification.task and notification.task.on_hold):
        return False
    if notification.kind == "released" and notification.task and notification.task.on_hold:
        return False  # by another one since, or again
    if notification.kind == "emergency_over" and not (notification.emergency and notification.emergency.closed_at):
        return False  # it was reopened
    return comment is None or comment.is_read_by(reader)


def _seen(reader: User, task_id: int) -> Select[Task]:
    return Task.visible_to(reader).where(Task.id == task_id)


def _close(delivery_id: int, told: Collection[int] = (), **values: Any) -> None:
    """Ends a try. Whoever finds the delivery ended already, because his lease had run out, leaves it so. Where not all
    its notices were told, the others end as those that nobody wants, the carrier's own too."""
    write()
    mine = Delivery.id == delivery_id
    if "state" in values:
        mine = or_(mine, Delivery.carrier_id == delivery_id)  # what went out in its message ends with it
    waiting = update(Delivery).where(mine, Delivery.state == "due").execution_options(synchronize_session=False)
    if told:
        db.session.execute(waiting.where(Delivery.notification_id.not_in(told)).values(state="dropped"))
    ended = db.session.execute(waiting.values(**values))
    if ended.rowcount and values.get("state") == "failed":  # type: ignore[attr-defined]
        _tell_of_failure(db.session.get(Delivery, delivery_id, populate_existing=True))
    db.session.commit()


def _put_off(delivery_id: int, until: datetime) -> None:
    """What else waits for the same channel, which takes nothing before then."""
    write()
    of_channel = select(Post.channel_id).join(Post.deliveries).where(Delivery.id == delivery_id).scalar_subquery()
    others = select(Post.id).where(Post.channel_id == of_channel, Post.event != "test")
    waiting = Delivery.state == "due", Delivery.tries == 0, Delivery.due_at < until, Delivery.post_id.in_(others)
    db.session.execute(
        update(Delivery).where(*waiting).values(due_at=until).execution_options(synchronize_session=False)
    )
    db.session.commit()


def _tell_of_failure(delivery: Delivery | None) -> None:
    """To the owner of a channel; a test is watched by who sent it."""
    if delivery and delivery.post and delivery.post.event != "test":
        delivery.post.channel.tell_owner()


def set_automations_going(events: list[AuditEvent]) -> None:
    Occasions(events[0].workspace_id or 0).hear(events)


LISTENERS: tuple[Callable[[list[AuditEvent]], object], ...] = (  # who acts on what happens
    tell_channels,
    set_automations_going,
)


def hear() -> None:
    """Hands what happened, in the order in which it was committed, to all who act on it. May run twice at once, and
    may be killed at any point: what was read is noted in the transaction that acts on it."""
    read_only()
    end = time.monotonic() + TURN
    for workspace_id in Heard.waiting():
        try:
            while time.monotonic() < end and _hear(workspace_id):
                pass
        except OperationalError:
            log.warning("the database did not answer while the trail of workspace %s was read", workspace_id)
            db.session.rollback()
    if time.monotonic() >= end:
        queue.put("hear")
    if db.session.info.pop("notified", False):
        queue.wake()
    automate()


def automate() -> None:
    """What automations have to do: those that a day sets going are written down, then each that waits is carried out
    by itself, once. May run twice at once, and may be killed at any point."""
    read_only()
    for workspace_id in Automation.workspaces():
        try:
            if Occasions(workspace_id).of_days():
                write()
                Occasions(workspace_id).look_at_days()
                db.session.commit()
        except JobTimeoutException:
            raise
        except Exception:
            log.exception("what the days set going in workspace %s could not be written down", workspace_id)
            db.session.rollback()
        read_only()
    end = time.monotonic() + TURN
    for run_id in AutomationRun.due():
        if time.monotonic() < end:
            _automate(run_id)


def _automate(run_id: int) -> None:
    for step in (Deed.carry_out, Deed.give_up):
        write()
        try:
            step(run_id)
            db.session.commit()
        except OperationalError:
            log.warning("the database did not answer while automation run %s was at work", run_id)
            db.session.rollback()
        except JobTimeoutException:
            raise
        except Exception:
            log.exception("automation run %s broke", run_id)
            db.session.rollback()
            continue
        return


def _hear(workspace_id: int, at_once: int = 0) -> bool:
    """The next events, so many that the transaction stays short."""
    write()
    events = Heard.next_of(workspace_id, at_once or _events_at_once(workspace_id))
    for listener in LISTENERS:
        if events:
            _let_hear(listener, events)
    db.session.commit()
    return bool(events)


def _events_at_once(workspace_id: int) -> int:
    return min(MOST_EVENTS, max(FEWEST_EVENTS, PAIRS // max(1, Channel.count_in(workspace_id))))


def _let_hear(listener: Callable[[list[AuditEvent]], object], events: list[AuditEvent]) -> None:
    """Where he cannot act on them together, one after the other; one that he cannot act on is passed by, by him alone.
    What may go well the next time is no such thing: then all are heard again."""
    try:
        with db.session.begin_nested():
            listener(events)
    except (OperationalError, JobTimeoutException):
        raise
    except Exception:
        log.exception("%s could not act on %s events from %s on", listener.__name__, len(events), events[0].id)
        if len(events) > 1:
            for event in events:
                _let_hear(listener, [event])
