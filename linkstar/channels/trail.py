"""What the trail says of a workspace, as the things that channels can be told of."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select

from linkstar.extensions import db
from linkstar.models import Approval, AuditEvent, Post, Stage
from linkstar.models.audit_event import in_both

FEW = 3  # of one kind in one change; more are told of together
TOLD = ("task.created", "task.moved", "gate.passed", "project.created", "approval.asked")


def tell_channels(events: list[AuditEvent]) -> None:
    """Each event once, whatever is heard twice: the posts have its number, or its change's, for their key."""
    told = [event for event in events if event.action in TOLD and event.workspace_id]
    counts = _counts({event.change for event in told})
    together = {(event.change, event.action): event for event in told if counts[event.change, event.action] > FEW}
    for event in told:
        if (event.change, event.action) not in together:
            _tell(event)
    for change, action in together:
        _tell_together([event for event in AuditEvent.of_change(change) if event.action == action])


def _counts(changes: set[str]) -> dict[tuple[str, str], int]:
    """Of the whole changes, of which perhaps not all was heard yet."""
    query = (
        select(AuditEvent.change, AuditEvent.action, func.count())
        .where(AuditEvent.change.in_(changes), AuditEvent.action.in_(TOLD))
        .group_by(AuditEvent.change, AuditEvent.action)
    )
    return {(change, action): count for change, action, count in db.session.execute(query)}


def _tell_together(events: list[AuditEvent]) -> None:
    named: dict[str, list[AuditEvent]] = {}
    for event in events:
        if name := _name(event):
            named.setdefault(name, []).append(event)
    for name, group in named.items():
        tasks = list({event.task.id: event.task for event in group if event.task}.values())
        if len(group) <= FEW or not tasks:
            for event in group:
                _tell(event)
        else:
            here = group[0].workspace_id or 0
            Post.tell_of_many(name, workspace_id=here, key=f"change:{group[0].change}:{name}", tasks=tasks)


def _tell(event: AuditEvent) -> None:
    name, key, here = _name(event), f"event:{event.id}", event.workspace_id or 0
    facts: dict[str, Any] = {"by": event.actor_id} if event.actor_id else {}
    if name == "approval.asked":
        if approval := _approval(event):
            facts["approval"] = approval.id
            Post.tell(name, workspace_id=here, key=key, task=event.task, project=event.project, facts=facts)
    elif name == "project.created":
        if event.project:
            Post.tell(name, workspace_id=here, key=key, project=event.project, facts=facts)
    elif name and event.task:
        Post.tell(name, workspace_id=here, key=key, task=event.task, facts=facts | _stages(event))


def _name(event: AuditEvent) -> str | None:
    """A move is one from stage to stage; one into a stage of kind done is a completion instead."""
    if event.action != "task.moved":
        return event.action
    if "stage_id" not in event.changes:
        return None
    stage = db.session.get(Stage, event.changes["stage_id"][1])
    return "task.completed" if stage and stage.kind == "done" else "task.moved"


def _stages(event: AuditEvent) -> dict[str, Any]:
    stages = [db.session.get(Stage, key) for key in event.changes.get("stage_id", ()) if key]
    if len(stages) != 2:
        return {}
    return {
        word: in_both(each.name_zh, each.name_en) for word, each in zip(("from", "to"), stages, strict=True) if each
    }


def _approval(event: AuditEvent) -> Approval | None:
    """The request that the event tells of; the trail does not say its number."""
    same: Iterable[Any] = (
        Approval.workspace_id == event.workspace_id, Approval.asked_by_id == event.actor_id,
        Approval.operation == event.changes["operation"][1], Approval.asked_at <= event.created_at,
        Approval.task_id.is_not_distinct_from(event.task_id),
    )  # fmt: skip
    return db.session.scalar(select(Approval).where(*same).order_by(Approval.id.desc()).limit(1))
