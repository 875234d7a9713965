from typing import Any

from flask import Blueprint, abort
from flask_login import current_user
from marshmallow import fields
from sqlalchemy import select

from linkstar.api.operation import operation
from linkstar.api.problems import not_taken
from linkstar.api.values import Answer, Body, Flag, Id, Strict
from linkstar.extensions import commit, db
from linkstar.i18n import _, _l
from linkstar.models import Dependency, Task
from linkstar.views import access

blueprint = Blueprint("dependencies", __name__, url_prefix="/tasks/<id:task_id>/dependencies")

LONGEST_LAG = 1000


class DependencyAnswer(Answer):
    """A predecessor that the reader may not see has no id."""

    predecessor_id = Id(allow_none=True)
    successor_id = Id()
    lag = fields.Float()
    holds = Flag()


class DependenciesAnswer(Answer):
    items = fields.List(fields.Nested(DependencyAnswer))


class Lag(Strict, fields.Float):
    WANTED = _l("Write a number within the limits.")

    def taken(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LONGEST_LAG:
            raise ValueError
        return float(value)


class NewDependency(Body):
    predecessor_id = Id(required=True)
    lag = Lag(metadata={"minimum": -LONGEST_LAG, "maximum": LONGEST_LAG}, load_default=0.0)


@blueprint.get("")
@operation("work:read", _l("What a task waits for"), answer=DependenciesAnswer)
def index(task_id: int) -> dict[str, Any]:
    task = access.get_task(task_id)
    links = db.session.scalars(select(Dependency).where(Dependency.successor_id == task.id)).all()
    lags = {link.predecessor_id: link.lag for link in links}
    tasks = sorted(task.predecessors, key=lambda each: each.id)
    seen = set(
        db.session.scalars(select(Task.id).where(Task.seen_by(current_user), Task.id.in_([each.id for each in tasks])))
    )
    told = [_told(each.id if each.id in seen else None, task.id, lags[each.id], each.still_blocks) for each in tasks]
    return {"items": [each for each in told if each["predecessor_id"] or each["holds"]]}


@blueprint.post("")
@operation(
    "work:write", _l("Let a task wait for another, or with another lag"), answer=DependencyAnswer, body=NewDependency,
    status=201,
)  # fmt: skip
def create(task_id: int, body: dict[str, Any]) -> dict[str, Any]:
    task = access.get_task(task_id, "edit")
    predecessor = _predecessor(task, body["predecessor_id"])
    task.wait_for(predecessor, by=current_user, lag=body["lag"])
    commit()
    return _told(predecessor.id, task.id, body["lag"], predecessor.still_blocks)


@blueprint.delete("/<id:predecessor_id>")
@operation("work:write", _l("Let a task no longer wait for another"), status=204)
def destroy(task_id: int, predecessor_id: int) -> None:
    task = access.get_task(task_id, "edit")
    predecessor = access.get_task(predecessor_id)
    if task.stop_waiting_for(predecessor, by=current_user) is None:
        abort(404)
    commit()


def _predecessor(task: Task, predecessor_id: int) -> Task:
    predecessor = db.session.scalar(Task.visible_to(current_user).where(Task.id == predecessor_id))
    if predecessor is None:
        raise not_taken(predecessor_id=_("There is no such task."))
    if predecessor.project.programme_id != task.project.programme_id:
        raise not_taken(predecessor_id=_("Tasks wait for each other inside one project or program only."))
    return predecessor


def _told(predecessor_id: int | None, successor_id: int, lag: float, holds: bool) -> dict[str, Any]:
    return {"predecessor_id": predecessor_id, "successor_id": successor_id, "lag": lag, "holds": holds}
