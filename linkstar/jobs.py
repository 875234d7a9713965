"""What RQ runs: find the row, call one method, commit; row after row."""

import logging
import random
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, delete, select, update

from linkstar import clock, storage
from linkstar.channels import MEDIA, Gone, Later
from linkstar.extensions import db, read_only, write
from linkstar.models import (
    KEPT,
    Approval,
    AttachmentVersion,
    Delivery,
    Evidence,
    GatePassage,
    HandoverNote,
    IdempotentRequest,
    MailedLink,
    Notification,
    Preference,
    SignIn,
    Task,
    Trash,
    Upload,
    User,
)
from linkstar.models.noted_heads import note_heads
from linkstar.reports.inbox import notices_of

log = logging.getLogger("linkstar")

ANSWERS_KEPT = timedelta(days=1)
UPLOADS_KEPT = timedelta(days=1)
LEASE = timedelta(minutes=2)  # for one try; after it somebody else may take the delivery up
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 25, 125, 625)]  # after the first failure, the second …
TURN = 60.0  # seconds, well under what RQ gives a job; the rest waits for the next one


def deliver_due() -> None:
    """Sends what is due, one after the other. May run twice at once, and may be killed at any point."""
    end = time.monotonic() + TURN
    while time.monotonic() < end and (claimed := _claim()):
        _deliver(*claimed)


def sweep() -> None:
    """Takes away what has served its time: what lay in the trash for thirty days, answers kept for repeated requests,
    sign-ins that have run out, addresses in mailed links and requests that ended thirty days ago, uploads that nobody
    went on with, and uploaded bytes whose transaction failed. Then notes how long the trail is."""
    write()
    db.session.execute(delete(IdempotentRequest).where(IdempotentRequest.created_at < clock.now() - ANSWERS_KEPT))
    db.session.execute(delete(SignIn).where(SignIn.expires_at < clock.now()))
    MailedLink.forget(clock.now() - KEPT)
    Approval.forget_guests(clock.now() - KEPT)
    Trash.purge()
    db.session.execute(delete(Upload).where(Upload.last_piece_at < clock.now() - UPLOADS_KEPT))
    named = {key for key in db.session.scalars(select(Evidence.file_key)) if key}
    named |= {*AttachmentVersion.keys(), *db.session.scalars(select(Upload.file_key))}
    db.session.commit()
    storage.forgotten(named | GatePassage.file_keys(), UPLOADS_KEPT)
    read_only()
    note_heads()


def run_agreed() -> None:
    """Carries out what was approved some hours ago and nobody has stopped since; each by itself, once."""
    read_only()
    _do_each(list(db.session.scalars(Approval.due())), lambda key: db.session.get_one(Approval, key).run())


def deliver_notes() -> None:
    """Handover notes whose reader's working day has begun; each by itself, once."""
    read_only()
    _do_each(HandoverNote.due(), lambda key: db.session.get_one(HandoverNote, key).deliver())


def _do_each(keys: Iterable[int], do: Callable[[int], object]) -> None:
    """Row after row, each in a transaction of its own: one that fails keeps no other waiting."""
    for key in keys:
        write()
        try:
            do(key)
            db.session.commit()
        except Exception:
            log.exception("row %s could not be done", key)
            db.session.rollback()


def _claim() -> tuple[int, int] | None:
    """Takes the longest waiting delivery for the length of the lease: its id, and which try this is."""
    write()
    now = clock.now()
    due = Delivery.state == "due", Delivery.due_at <= now
    longest_waiting = (
        select(Delivery.id).where(*due).order_by(Delivery.due_at).limit(1).with_for_update(skip_locked=True)
    )
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
    read_only()
    try:
        delivery = db.session.get_one(Delivery, delivery_id)
        medium = MEDIA[delivery.medium]
        message = medium.compose(delivery) if _is_wished(delivery) and _still_wanted(delivery) else None
        db.session.rollback()  # nothing is held while the outside world takes its time
        if message is None:
            _close(delivery_id, state="dropped")
        else:
            medium.send(message)
            _close(delivery_id, state="sent", sent_at=clock.now(), error=None)
    except Later as later:
        _close(delivery_id, due_at=later.at, tries=tries - 1)
    except Exception as error:
        log.warning("delivery %s failed at try %s: %r", delivery_id, tries, error)
        if tries > len(PAUSES) or isinstance(error, Gone):
            log.error("delivery %s is given up", delivery_id)
            _close(delivery_id, state="failed", error=repr(error))
        else:
            pause = PAUSES[tries - 1] * random.uniform(1, 1.2)  # so that many do not come back at one moment
            _close(delivery_id, due_at=clock.now() + pause, error=repr(error))


def _is_wished(delivery: Delivery) -> bool:
    """As the reader has chosen; a creator has no inbox, and gets by mail what there is."""
    if not delivery.notification or delivery.notification.user.only_creates:
        return True
    return Preference.of(delivery.notification.user, delivery.notification.topic).mail == "now"


def _still_wanted(delivery: Delivery) -> bool:
    if delivery.notification:
        return _still_concerns(delivery.notification)
    if delivery.digest or delivery.post:
        return True  # composed of what its reader, or the channel's owner, may see at that moment
    link = delivery.mailed_link
    if link is None or not link.opens:
        return False
    return not (link.task_id and link.user) or bool(db.session.scalar(_seen(link.user, link.task_id)))


def _still_concerns(notification: Notification) -> bool:
    """Rights are those of now: who lost the task, the comment or the account since is told nothing more."""
    reader, comment = notification.user, notification.comment
    if not reader.active or db.session.scalar(notices_of(reader).where(Notification.id == notification.id)) is None:
        return False
    if notification.kind == "unblocked" and reader.only_creates and notification.still_blocked_by:
        return False  # how many more there are is not a creator's to know
    return comment is None or comment.is_read_by(reader)


def _seen(reader: User, task_id: int) -> Select[Task]:
    return Task.visible_to(reader).where(Task.id == task_id)


def _close(delivery_id: int, **values: Any) -> None:
    """Ends a try. Whoever finds the delivery ended already, because his lease had run out, leaves it so."""
    write()
    db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == "due")
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
