from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.api.operation import operation
from linkstar.api.problems import not_taken
from linkstar.api.tasks import TaskAnswer
from linkstar.api.values import Body, Id, Word
from linkstar.extensions import commit
from linkstar.i18n import _, _l
from linkstar.models import PLATFORMS, NotAllowed, PositionGone, Stage, Task
from linkstar.models.stage import KINDS
from linkstar.reports.briefs import brief_of
from linkstar.views import access

blueprint = Blueprint("moves", __name__, url_prefix="/tasks/<id:task_id>/moves")


class Move(Body):
    """Only the fields that are sent are meant; null is no phase, no platform."""

    stage_id = Id()
    stage_kind = Word(KINDS)  # the first stage of this kind, for who does not know the stages
    phase_id = Id(allow_none=True)
    owner_id = Id()
    platform = Word(PLATFORMS, allow_none=True)
    before_id = Id()
    after_id = Id()
    place = Word(("first", "last", "up", "down"))


@blueprint.post("")
@operation("work:write", _l("Move a task on the board"), answer=TaskAnswer, body=Move, for_creators=True)
def create(task_id: int, body: dict[str, Any]) -> Task:
    task = access.get_task(task_id, "move")
    if current_user.only_creates:
        body = {"stage_id": _next_step(task, body).id}
    if body.keys() & {"owner_id", "platform"} and not task.allows(current_user, "edit"):
        raise NotAllowed("edit")
    task.move_to(
        by=current_user, to=_target(task, body), before=body.get("before_id"), after=body.get("after_id"),
        place=body.get("place"),
    )  # fmt: skip
    commit()
    return task


def _next_step(task: Task, body: dict[str, Any]) -> Stage:
    """A creator begins a brief or sends it for review, as in the portal; all else is the team's."""
    kind = body.get("stage_kind")
    if kind not in ("active", "review") or len(body) > 1:
        raise not_taken(stage_kind=_("Write “active” to begin, or “review” to send it for review."))
    step = brief_of(task, current_user).next_step
    if step is None or step[0] != kind:
        raise PositionGone
    return step[1]


def first_stage(task: Task, *kinds: str) -> Stage:
    """The first stage of these kinds; where the task stands already, if that is of the kind."""
    if task.stage.kind in kinds:
        return task.stage
    stages = [stage for kind in kinds for stage in task.project.stages if stage.kind == kind]
    return stages[0] if stages else task.stage


def _target(task: Task, body: dict[str, Any]) -> dict[str, Any]:
    project = task.project
    to: dict[str, Any] = {"platform": body["platform"]} if "platform" in body else {}
    if "stage_kind" in body:
        to["stage"] = first_stage(task, body["stage_kind"])
    if "stage_id" in body:
        stages = (stage for stage in project.stages if stage.id == body["stage_id"])
        to["stage"] = next(stages, None) or _refuse(stage_id=_("This stage does not belong to the project."))
    if "phase_id" in body:
        phases = (phase for phase in project.phases if phase.id == body["phase_id"])
        to["phase"] = next(phases, None)
        if body["phase_id"] and to["phase"] is None:
            _refuse(phase_id=_("This phase does not belong to the project."))
    if "owner_id" in body:
        people = (person for person in project.people_for(current_user) if person.id == body["owner_id"])
        to["owner"] = next(people, None) or _refuse(owner_id=_("This person does not take part in the project."))
    return to


def _refuse(**errors: str) -> Any:
    raise not_taken(**errors)
