from typing import Any

from flask import Blueprint
from flask_login import current_user
from marshmallow import fields

from linkstar.api.operation import operation
from linkstar.api.paging import Page, page_of
from linkstar.api.problems import not_taken
from linkstar.api.values import Answer, Body, Day, Flag, Id, Moment, Text
from linkstar.extensions import commit
from linkstar.i18n import _, _l
from linkstar.models import EVIDENCE, Checklist
from linkstar.reports.library import Library
from linkstar.views import access

blueprint = Blueprint("checklists", __name__)


class EvidenceAnswer(Answer):
    kind = fields.String(metadata={"enum": list(EVIDENCE)})
    value = fields.String(allow_none=True)
    file_name = fields.String(allow_none=True)
    size = fields.Integer(allow_none=True)
    sha256 = fields.String(allow_none=True)
    valid_from = Day(allow_none=True)
    valid_until = Day(allow_none=True)
    given_at = Moment()
    given_by_id = Id()


class ChecklistItemAnswer(Answer):
    id = Id()
    checklist_id = Id()
    text_zh = fields.String(allow_none=True)
    text_en = fields.String(allow_none=True)
    required = Flag()
    evidence_kind = fields.String(allow_none=True)
    citation = fields.String(allow_none=True)
    position = fields.Integer()
    ticked_at = Moment(allow_none=True)
    ticked_by_id = Id(allow_none=True)
    evidence = fields.Nested(EvidenceAnswer, attribute="shown_by", allow_none=True)


class ChecklistAnswer(Answer):
    id = Id()
    task_id = Id(allow_none=True)
    stage_id = Id(allow_none=True)
    key = fields.String(allow_none=True)
    title_zh = fields.String(allow_none=True)
    title_en = fields.String(allow_none=True)
    items = fields.List(fields.Nested(ChecklistItemAnswer))


class NewChecklist(Body):
    """A list of the workspace's library by its key; or one of your own by its title."""

    key = Text(60)
    title = Text(120)


@blueprint.get("/tasks/<id:task_id>/checklists")
@operation("work:read", _l("The checklists of a task, with their items"), answer=ChecklistAnswer, many=True)
def index(task_id: int, asked: dict[str, Any]) -> Page:
    return page_of(access.get_task(task_id).checklists, asked)


@blueprint.post("/tasks/<id:task_id>/checklists")
@operation("work:write", _l("Put a checklist on a task"), answer=ChecklistAnswer, body=NewChecklist, status=201)
def create(task_id: int, body: dict[str, Any]) -> Checklist:
    task = access.get_task(task_id, "edit")
    key, title = body.get("key"), body.get("title")
    rule = Library(task.project, task.checklists).rules.get(key or "")
    if rule:
        checklist = Checklist.attach(rule, task, by=current_user)
    elif title and not key:
        checklist = Checklist.begin(title, task, by=current_user)
    else:
        raise not_taken(key=_("Choose a list, or write the title of your own."))
    commit()
    return checklist


@blueprint.delete("/checklists/<id:checklist_id>")
@operation("work:write", _l("Take a checklist away"), status=204)
def destroy(checklist_id: int) -> None:
    access.get_checklist(checklist_id, "edit").remove(by=current_user)
    commit()
