from flask import Blueprint, abort
from flask_login import current_user
from marshmallow import fields

from linkstar.api.operation import operation
from linkstar.api.values import Answer, Id, Moment
from linkstar.extensions import db
from linkstar.i18n import _l
from linkstar.models import Approval

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")


class ApprovalAnswer(Answer):
    """What one person alone may not do: it happens when somebody else has agreed."""

    id = Id()
    operation = fields.String()
    state = fields.String()
    project_id = Id(allow_none=True)
    task_id = Id(allow_none=True)
    asked_by_id = Id()
    asked_at = Moment()
    decided_at = Moment(allow_none=True)
    done_at = Moment(allow_none=True)


@blueprint.get("/<id:approval_id>")
@operation("work:read", _l("How far a request for approval is"), answer=ApprovalAnswer)
def show(approval_id: int) -> Approval:
    return db.session.scalar(Approval.visible_to(current_user).where(Approval.id == approval_id)) or abort(404)
