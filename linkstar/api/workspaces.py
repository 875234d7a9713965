from typing import Any

from flask import Blueprint, abort
from flask_login import current_user
from marshmallow import fields

from linkstar.api.operation import operation
from linkstar.api.paging import Page, page_of
from linkstar.api.values import Answer, Id, Moment
from linkstar.i18n import _l
from linkstar.models import Workspace

blueprint = Blueprint("workspaces", __name__, url_prefix="/workspaces")


class WorkspaceAnswer(Answer):
    id = Id()
    key = fields.String()
    name_zh = fields.String()
    name_en = fields.String()
    code_rule = fields.String()
    created_at = Moment()


@blueprint.get("")
@operation("work:read", _l("The workspace of the token"), answer=WorkspaceAnswer, many=True)
def index(asked: dict[str, Any]) -> Page:
    return page_of([membership.workspace for membership in current_user.memberships], asked)


@blueprint.get("/<id:workspace_id>")
@operation("work:read", _l("One workspace"), answer=WorkspaceAnswer)
def show(workspace_id: int) -> Workspace:
    membership = current_user.membership_in(workspace_id)
    return membership.workspace if membership else abort(404)
