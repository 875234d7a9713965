"""What the trail says of a workspace, as the things that channels can be told of."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload

from linkstar.extensions import db
from linkstar.models import Approval, AuditEvent, Stage, Task
from linkstar.models.audit_event import in_both
from linkstar.models.channel import Audience, Tidings

FEW = 3  # of one kind in one change; more are told of together
TOLD = ("task.created", "task.moved", "gate.passed", "project.created", "approval.asked")

Stages = dict[int, Stage]


def tell_channels(events: list[AuditEvent]) -> None:
    """Each event once, whatever is heard twice: the posts have its number, or its change's, for their key. However
    many events and channels there are, by about as many queries."""
    told = [event for event in events if event.action in TOLD and event.workspace_id]
    if told and (audience := Audience(told[0].workspace_id or 0)).channels:
        audience.tell(list(_tidings(told)))


def _tidings(told: list[AuditEvent]) -> Iterator[Tidings]:
    counts = _counts({event.change for event in told})
    together = {(event.change, event.action): None for event in told if counts[event.change, event.action] > FEW}
    loaded = _loaded(told, {change for change, _action in together})
    stages = _stages_in(loaded)
    groups: dict[tuple[str, str], list[AuditEvent]] = {}
    for event in loaded:
        groups.setdefault((event.change, event.action), []).append(event)
    for event in told:
        if (event.change, event.action) not in together:
            yield from _one(event, stages)
    for act in together:
        yield from _together(groups[act], stages)
    yield from _unblocked([event for event in told if _name(event, stages) == "task.completed"])


def _counts(changes: set[str]) -> dict[tuple[str, str], int]:
    """Of the whole changes, of which perhaps not all was heard yet."""
    query = (
        select(AuditEvent.change, AuditEvent.action, func.count())
        .where(AuditEvent.change.in_(changes), AuditEvent.action.in_(TOLD))
        .group_by(AuditEvent.change, AuditEvent.action)
    )
    return {(change, action): count for change, action, count in db.session.execute(query)}


def _loaded(told: list[AuditEvent], changes: set[str]) -> list[AuditEvent]:
    """These, and all of these changes, with what they are about."""
    wanted = or_(AuditEvent.id.in_([event.id for event in told]), AuditEvent.change.in_(changes))
    query = select(AuditEvent).where(wanted, AuditEvent.action.in_(TOLD)).order_by(AuditEvent.id)
    about = selectinload(AuditEvent.task), selectinload(AuditEvent.project)
    return list(db.session.scalars(query.options(*about)))


def _stages_in(events: list[AuditEvent]) -> Stages:
    wanted = {key for event in events for key in event.changes.get("stage_id", ()) if key}
    return {stage.id: stage for stage in db.session.scalars(select(Stage).where(Stage.id.in_(wanted)))}


def _unblocked(done: list[AuditEvent]) -> Iterator[Tidings]:
    """The tasks that nothing blocks any more, each once, whichever of what blocked it is heard of last."""
    freed = Task.freed_by({event.task_id for event in done if event.task_id})
    tasks = db.session.scalars(select(Task).where(Task.id.in_(freed)).order_by(Task.id)) if freed else ()
    for task in tasks:
        yield Tidings("task.unblocked", f"unblocked:{task.id}:{freed[task.id].isoformat()}", task=task)


def _together(events: list[AuditEvent], stages: Stages) -> Iterator[Tidings]:
    named: dict[str, list[AuditEvent]] = {}
    for event in events:
        if name := _name(event, stages):
            named.setdefault(name, []).append(event)
    for name, group in named.items():
        tasks = list({event.task.id: event.task for event in group if event.task}.values())
        if len(group) <= FEW or not tasks:
            for event in group:
                yield from _one(event, stages)
        else:
            yield Tidings(name, f"change:{group[0].change}:{name}", tasks=tasks)


def _one(event: AuditEvent, stages: Stages) -> Iterator[Tidings]:
    name, key = _name(event, stages), f"event:{event.id}"
    facts: dict[str, Any] = {"by": event.actor_id} if event.actor_id else {}
    if name == "approval.asked":
        if approval := _approval(event):
            facts["approval"] = approval.id
            yield Tidings(name, key, task=event.task, project=event.project, facts=facts)
    elif name == "project.created":
        if event.project:
            yield Tidings(name, key, project=event.project, facts=facts)
    elif name and event.task:
        yield Tidings(name, key, task=event.task, facts=facts | _way(event, stages))


def _name(event: AuditEvent, stages: Stages) -> str | None:
    """A move is one from stage to stage; one into a stage of kind done is a completion instead."""
    if event.action != "task.moved":
        return event.action
    if "stage_id" not in event.changes:
        return None
    stage = stages.get(event.changes["stage_id"][1])
    return "task.completed" if stage and stage.kind == "done" else "task.moved"


def _way(event: AuditEvent, stages: Stages) -> dict[str, Any]:
    way = [stages.get(key) for key in event.changes.get("stage_id", ()) if key]
    if len(way) != 2:
        return {}
    return {word: in_both(each.name_zh, each.name_en) for word, each in zip(("from", "to"), way, strict=True) if each}


def _approval(event: AuditEvent) -> Approval | None:
    """The request that the event tells of; the trail does not say its number."""
    same: Iterable[Any] = (
        Approval.workspace_id == event.workspace_id, Approval.asked_by_id == event.actor_id,
        Approval.operation == event.changes["operation"][1], Approval.asked_at <= event.created_at,
        Approval.task_id.is_not_distinct_from(event.task_id),
    )  # fmt: skip
    return db.session.scalar(select(Approval).where(*same).order_by(Approval.id.desc()).limit(1))
