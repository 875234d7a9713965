from typing import Any

from flask import Blueprint, abort
from flask_login import current_user
from marshmallow import fields

from linkstar.api.operation import operation, refuse_if_changed
from linkstar.api.paging import Page, page_of
from linkstar.api.problems import not_taken
from linkstar.api.values import Answer, Body, Id, Number, Text
from linkstar.extensions import commit
from linkstar.i18n import _, _l
from linkstar.models import Phase, Project
from linkstar.views import access

blueprint = Blueprint("phases", __name__, url_prefix="/projects/<id:project_id>/phases")

MOST = 1000


class PhaseAnswer(Answer):
    id = Id()
    project_id = Id()
    name_zh = fields.String(allow_none=True)
    name_en = fields.String(allow_none=True)
    position = fields.Integer()
    waits_for = fields.Function(
        lambda phase: [each.id for each in phase.awaited], metadata={"type": "array", "items": {"type": "integer"}}
    )


class NewPhase(Body):
    name_zh = Text(60)
    name_en = Text(60)


class PhaseChange(NewPhase):
    position = Number(0, MOST)


@blueprint.get("")
@operation("work:read", _l("The phases of a project"), answer=PhaseAnswer, many=True)
def index(project_id: int, asked: dict[str, Any]) -> Page:
    return page_of(access.get_project(project_id).phases, asked)


@blueprint.get("/<id:phase_id>")
@operation("work:read", _l("One phase"), answer=PhaseAnswer)
def show(project_id: int, phase_id: int) -> Phase:
    return _phase(access.get_project(project_id), phase_id)


@blueprint.post("")
@operation(
    "work:write", _l("Add a phase at the end"), answer=PhaseAnswer, body=NewPhase, status=201, place="api.phases.show"
)
def create(project_id: int, body: dict[str, Any]) -> Phase:
    project = access.get_project(project_id, "edit")
    names = body.get("name_zh"), body.get("name_en")
    _refuse_nameless(*names)
    phase = Phase.add(project, by=current_user, name_zh=names[0], name_en=names[1])
    commit()
    return phase


@blueprint.patch("/<id:phase_id>")
@operation(
    "work:write", _l("Rename a phase, or put it into another place"), answer=PhaseAnswer, body=PhaseChange, guarded=True
)
def update(project_id: int, phase_id: int, body: dict[str, Any]) -> Phase:
    project = access.get_project(project_id, "edit")
    project.lock()
    phase = _phase(project, phase_id)
    refuse_if_changed(phase, PhaseAnswer)
    names = body.get("name_zh", phase.name_zh), body.get("name_en", phase.name_en)
    _refuse_nameless(*names)
    phase.rename(*names, by=current_user)
    if "position" in body:
        phase.shift(body["position"] - phase.position, by=current_user)
    commit()
    return phase


@blueprint.delete("/<id:phase_id>")
@operation("work:write", _l("Remove a phase that no task is in"), status=204)
def destroy(project_id: int, phase_id: int) -> None:
    _phase(access.get_project(project_id, "edit"), phase_id).remove(by=current_user)
    commit()


def _phase(project: Project, phase_id: int) -> Phase:
    return next((phase for phase in project.phases if phase.id == phase_id), None) or abort(404)


def _refuse_nameless(*names: str | None) -> None:
    if not any(names):
        raise not_taken(name_zh=_("Write a name in one of the two languages."))
