from typing import Any

from flask import Blueprint, g
from flask_login import current_user
from marshmallow import fields
from sqlalchemy import Select, func, select

from linkstar.api import door
from linkstar.api.operation import operation
from linkstar.api.paging import Page, page
from linkstar.api.problems import Problem, not_taken
from linkstar.api.values import Answer, Body, Id, Moment, Text, Word
from linkstar.extensions import commit, db, read_only
from linkstar.i18n import _, _l
from linkstar.models import EVENTS, Channel, Membership, NotAllowed
from linkstar.models.channel import AT_MOST as ALL_AT_MOST
from linkstar.views import access
from linkstar.views.channels.channels import judged

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")

AT_MOST = 100  # of one person
SCOPE = "hooks:write"


class HookAnswer(Answer):
    id = Id()
    event = fields.String(attribute="first_event", allow_none=True)
    events = fields.List(fields.String())
    project_id = Id(allow_none=True)
    name = fields.String()
    host = fields.String(metadata={"description": "All of the address that is shown: the rest of it is a key."})
    active = fields.Boolean()
    created_at = Moment()


class MadeHookAnswer(HookAnswer):
    secret = fields.String(metadata={"description": "Shown this once. What is sent is signed with it."})


class HookFilter(Body):
    project_id = Id(allow_none=True)


class NewHook(Body):
    target_url = Text(2000)
    hookUrl = Text(2000)  # as Zapier calls it
    event = Word(EVENTS, required=True)
    filter = fields.Nested(HookFilter, allow_none=True)


@blueprint.get("")
@operation(SCOPE, _l("The hooks of the token's owner"), answer=HookAnswer, many=True)
def index(asked: dict[str, Any]) -> Page:
    inside()
    return page(_mine(), Channel.id, asked)


@blueprint.get("/<id:hook_id>")
@operation(SCOPE, _l("One hook"), answer=HookAnswer)
def show(hook_id: int) -> Channel:
    return db.session.scalar(_mine().where(Channel.id == hook_id)) or _nothing()


@blueprint.post("")
@operation(
    SCOPE, _l("Have an address told when something happens"), answer=MadeHookAnswer, body=NewHook, status=201,
    place="api.hooks.show",
)  # fmt: skip
def create(body: dict[str, Any]) -> Channel:
    """It tells what the owner of the token may see, is seen and stopped on the page of channels as well, and goes with
    the token."""
    membership = inside()
    address = body.get("target_url") or body.get("hookUrl")
    if not address:
        raise not_taken(target_url=_("This is missing."))
    db.session.rollback()  # nobody waits for the lock while a name is looked up
    read_only()
    if refusal := judged("webhook", address, inside=membership.keeps_workspace).refusal:
        raise not_taken(target_url=refusal)
    door.enter_to_write()
    membership = inside()
    project_id = (body.get("filter") or {}).get("project_id")
    if project_id:
        access.get_project(project_id)
    mine = db.session.scalar(select(func.count()).select_from(_mine().subquery())) or 0
    if mine >= AT_MOST or Channel.count_in(membership.workspace_id) >= ALL_AT_MOST:
        raise Problem(422, _("There are too many already; take away one that nobody needs."))
    channel = Channel.open(
        membership.workspace_id, "webhook", by=current_user, name=f"{g.api_token.name[:40]} · {body['event']}",
        address=address, events=[body["event"]], project_id=project_id, language=current_user.language,
        token_id=g.api_token.id,
    )  # fmt: skip
    commit()
    return channel


@blueprint.delete("/<id:hook_id>")
@operation(SCOPE, _l("Tell the address nothing any more; 204 also where it is gone already"), status=204)
def destroy(hook_id: int) -> None:
    if channel := db.session.scalar(_mine().where(Channel.id == hook_id)):
        channel.remove(by=current_user)
        commit()


def _mine() -> Select[Channel]:
    """Those of the person's own, wherever they were made."""
    return Channel.visible_to(current_user).where(Channel.kind == "webhook", Channel.owner_id == current_user.id)


def inside() -> Membership:
    membership: Membership = current_user.memberships[0]
    if membership.external:
        raise NotAllowed("admin")
    return membership


def _nothing() -> Any:
    raise Problem(404)
