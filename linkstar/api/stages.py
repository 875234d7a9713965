from typing import Any

from flask import Blueprint, abort
from flask_login import current_user
from marshmallow import fields

from linkstar.api.operation import operation, refuse_if_changed
from linkstar.api.paging import Page, page_of
from linkstar.api.phases import MOST, _refuse_nameless
from linkstar.api.values import Answer, Body, Id, Number, Text, Word
from linkstar.extensions import commit
from linkstar.i18n import _l
from linkstar.models import Project, Stage
from linkstar.models.stage import KINDS
from linkstar.views import access

blueprint = Blueprint("stages", __name__, url_prefix="/projects/<id:project_id>/stages")

FIELDS = ("kind", "name_zh", "name_en", "wip_limit")


class StageAnswer(Answer):
    id = Id()
    project_id = Id()
    kind = Word(KINDS)
    name_zh = fields.String(allow_none=True)
    name_en = fields.String(allow_none=True)
    wip_limit = fields.Integer(allow_none=True)
    position = fields.Integer()


class StageChange(Body):
    kind = Word(KINDS)
    name_zh = Text(60)
    name_en = Text(60)
    wip_limit = Number(1, MOST, allow_none=True)
    position = Number(0, MOST)


class NewStage(Body):
    kind = Word(KINDS, required=True)
    name_zh = Text(60)
    name_en = Text(60)
    wip_limit = Number(1, MOST, allow_none=True)


@blueprint.get("")
@operation("work:read", _l("The stages of a project"), answer=StageAnswer, many=True)
def index(project_id: int, asked: dict[str, Any]) -> Page:
    return page_of(access.get_project(project_id).stages, asked)


@blueprint.get("/<id:stage_id>")
@operation("work:read", _l("One stage"), answer=StageAnswer)
def show(project_id: int, stage_id: int) -> Stage:
    return _stage(access.get_project(project_id), stage_id)


@blueprint.post("")
@operation(
    "work:write", _l("Add a stage in front of the first one of kind done"), answer=StageAnswer, body=NewStage,
    status=201, place="api.stages.show",
)  # fmt: skip
def create(project_id: int, body: dict[str, Any]) -> Stage:
    project = access.get_project(project_id, "edit")
    _refuse_nameless(body.get("name_zh"), body.get("name_en"))
    stage = Stage.add(project, by=current_user, **body)
    commit()
    return stage


@blueprint.patch("/<id:stage_id>")
@operation(
    "work:write", _l("Change a stage, or put it into another place"), answer=StageAnswer, body=StageChange, guarded=True
)
def update(project_id: int, stage_id: int, body: dict[str, Any]) -> Stage:
    project = access.get_project(project_id, "edit")
    project.lock()
    stage = _stage(project, stage_id)
    refuse_if_changed(stage, StageAnswer)
    new = {name: body.get(name, getattr(stage, name)) for name in FIELDS}
    _refuse_nameless(new["name_zh"], new["name_en"])
    stage.edit(by=current_user, **new)
    if "position" in body:
        stage.shift(body["position"] - stage.position, by=current_user)
    commit()
    return stage


@blueprint.delete("/<id:stage_id>")
@operation("work:write", _l("Remove a stage that no task is in"), status=204)
def destroy(project_id: int, stage_id: int) -> None:
    _stage(access.get_project(project_id, "edit"), stage_id).remove(by=current_user)
    commit()


def _stage(project: Project, stage_id: int) -> Stage:
    return next((stage for stage in project.stages if stage.id == stage_id), None) or abort(404)
