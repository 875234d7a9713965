from typing import Any

from flask import Blueprint
from flask_login import current_user
from marshmallow import fields, post_dump
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from linkstar.api.operation import operation
from linkstar.api.paging import Page, PageQuery, page
from linkstar.api.values import Answer, Asked, Id, Moment, Text
from linkstar.extensions import LARGEST_ID
from linkstar.i18n import _l
from linkstar.models import AuditEvent, NotAllowed

blueprint = Blueprint("audit_events", __name__, url_prefix="/audit-events")


class AuditEventAnswer(Answer):
    id = Id()
    workspace_id = Id()
    project_id = Id(allow_none=True)
    task_id = Id(allow_none=True)
    actor_id = Id(allow_none=True)
    action = fields.String()
    changes = fields.Dict(keys=fields.String(), values=fields.List(fields.Raw(allow_none=True)))
    change = fields.String()
    undoes = fields.String(allow_none=True)
    via = fields.String()
    created_at = Moment()

    @post_dump(pass_original=True)
    def mask(self, data: dict[str, Any], record: AuditEvent, **more: Any) -> dict[str, Any]:
        told = {name: pair for name, pair in data["changes"].items() if record.shows(current_user, name)}
        return data | {"changes": told}


class AuditEventQuery(PageQuery):
    project = Asked(1, LARGEST_ID)
    task = Asked(1, LARGEST_ID)
    actor = Asked(1, LARGEST_ID)
    action = Text(40)
    since = Moment()
    until = Moment()


@blueprint.get("")
@operation(
    "audit:read", _l("What happened, for roles that see all of it; in the whole workspace, for those that export"),
    answer=AuditEventAnswer, many=True, query=AuditEventQuery,
)  # fmt: skip
def index(asked: dict[str, Any]) -> Page:
    membership = current_user.memberships[0]
    if membership.external or membership.scope("view") != "all":
        raise NotAllowed("admin")
    if "project" not in asked and "task" not in asked and membership.scope("export") != "all":
        raise NotAllowed("export")
    query = select(AuditEvent).where(AuditEvent.workspace_id == membership.workspace_id)
    columns = {"project": "project_id", "task": "task_id", "actor": "actor_id", "action": "action"}
    for name, column in columns.items():
        if asked.get(name):
            query = query.where(getattr(AuditEvent, column) == asked[name])
    if "since" in asked:
        query = query.where(AuditEvent.created_at >= asked["since"])
    if "until" in asked:
        query = query.where(AuditEvent.created_at < asked["until"])
    return page(query.options(joinedload(AuditEvent.project)), AuditEvent.id, asked)
