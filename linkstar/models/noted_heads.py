"""The heads of the trail's chains, noted in a file beside the database. Whoever takes the newest events away together
with their links leaves a whole chain, but not the one that was noted."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.audit_event import AuditEvent, AuditLink, Head


def note_heads() -> None:
    """A line for each chain that has grown since it was noted last."""
    last = {head.workspace_id: head for head in noted_heads()}
    grown = [head for head in _heads() if head != last.get(head.workspace_id)]
    lines = [f"{clock.now().isoformat()}\t{head.workspace_id or '-'}\t{head.told}\n" for head in grown]
    if lines:
        file = os.open(_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(file, "ab") as notes:
            notes.write("".join(lines).encode())
            notes.flush()
            os.fsync(file)


def noted_heads() -> Iterator[Head]:
    """The oldest first. A line that the machine went down over says nothing."""
    if not _file().exists():
        return
    for line in _file().read_text(errors="replace").splitlines():
        match line.split("\t"):
            case [_at, place, event_id, count, head] if event_id.isdigit() and count.isdigit():
                yield Head(int(place) if place.isdigit() else None, int(event_id), int(count), head)


def told_of(noted: Iterable[Head]) -> set[int | None]:
    """The workspaces of which there is, or was, a trail, be they there or not."""
    kept = {
        key
        for column in (AuditEvent.workspace_id, AuditLink.workspace_id)
        for key in db.session.scalars(select(column).distinct())
    }
    return kept | {head.workspace_id for head in noted}


def _heads() -> list[Head]:
    ends = (
        select(func.max(AuditLink.id).label("id"), func.count().label("count"))
        .group_by(AuditLink.workspace_id)
        .subquery()
    )
    newest = select(AuditLink.workspace_id, AuditLink.event_id, ends.c.count, AuditLink.hash).join(
        ends, ends.c.id == AuditLink.id
    )
    return [Head(*row) for row in db.session.execute(newest.order_by(AuditLink.workspace_id))]


def _file() -> Path:
    folder: Path = current_app.config["DATA"]
    return folder / "audit-heads"
