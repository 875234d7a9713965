from typing import Any

from flask import Blueprint, g
from flask_login import current_user
from marshmallow import fields
from sqlalchemy import Select, func, select

from linkstar import clock
from linkstar.api.operation import operation
from linkstar.api.paging import Page, page
from linkstar.api.problems import Problem, not_taken
from linkstar.api.values import Answer, Asked, Body, Id, Moment, Text, Word
from linkstar.channels import news
from linkstar.extensions import LARGEST_ID, commit, db, read_only, write
from linkstar.i18n import _, _l
from linkstar.models import EVENTS, Approval, Channel, Emergency, Membership, NotAllowed, Post, Project, Task
from linkstar.models.channel import AT_MOST as ALL_AT_MOST
from linkstar.views import access
from linkstar.views.channels.channels import judged

blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")

AT_MOST = 100  # of one person
SHOWN = 3
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


class SampleAnswer(Answer):
    """What is sent; which members there are beside these depends on the event."""

    event = fields.String()
    id = fields.String()
    at = fields.String()


class HookFilter(Body):
    project_id = Id(allow_none=True)


class NewHook(Body):
    target_url = Text(2000)
    hookUrl = Text(2000)  # as Zapier calls it
    event = Word(EVENTS, required=True)
    filter = fields.Nested(HookFilter, allow_none=True)


class SampleQuery(Body):
    event = Word(EVENTS, load_default=EVENTS[0])
    project = Asked(1, LARGEST_ID)


@blueprint.get("")
@operation(SCOPE, _l("The hooks of the token's owner"), answer=HookAnswer, many=True)
def index(asked: dict[str, Any]) -> Page:
    _inside()
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
    membership = _inside()
    address = body.get("target_url") or body.get("hookUrl")
    if not address:
        raise not_taken(target_url=_("This is missing."))
    db.session.rollback()  # nobody waits for the lock while a name is looked up
    read_only()
    if refusal := judged("webhook", address, inside=membership.keeps_workspace).refusal:
        raise not_taken(target_url=refusal)
    write()
    membership = _inside()
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


@blueprint.get("/samples")
@operation(
    SCOPE, _l("What such a message looks like, of what there is: up to three"), answer=SampleAnswer, bare=True,
    query=SampleQuery,
)  # fmt: skip
def samples(asked: dict[str, Any]) -> list[dict[str, Any]]:
    here = _inside().workspace_id
    channel = Channel(kind="webhook", workspace_id=here, owner=current_user, language=current_user.language)
    posts = _recent(asked["event"], here, asked.get("project"))
    told = (news.payload(channel, post, number=f"sample_{number}") for number, post in enumerate(posts, 1))
    return [each for each in told if each]


def _recent(event: str, workspace_id: int, project_id: int | None) -> list[Post]:
    """As if it had just happened to the newest ones that the person sees."""
    now, kind = clock.now(), event.partition(".")[0]
    if kind == "emergency":
        query = Emergency.visible_to(current_user).where(Emergency.workspace_id == workspace_id)
        found = db.session.scalars(query.order_by(Emergency.id.desc()).limit(SHOWN))
        return [Post(event=event, emergency=each, facts={}, created_at=now) for each in found]
    if kind == "approval":
        asked = Approval.visible_to(current_user).where(Approval.workspace_id == workspace_id)
        requests = db.session.scalars(asked.order_by(Approval.id.desc()).limit(SHOWN))
        return [
            Post(event=event, task=each.task, project=each.project, facts={"approval": each.id}, created_at=now)
            for each in requests
        ]
    if kind in ("project", "cutoff"):
        projects = Project.visible_to(current_user).where(Project.id.not_in(Project.drafts()))
        if project_id:
            projects = projects.where(Project.id == project_id)
        rows = db.session.scalars(projects.order_by(Project.id.desc()).limit(SHOWN))
        return [Post(event=event, project=each, facts={}, created_at=now) for each in rows]
    tasks = Task.visible_to(current_user).where(Task.project_id.not_in(Project.drafts()))
    if project_id:
        tasks = tasks.where(Task.project_id == project_id)
    if event == "task.completed":
        tasks = tasks.where(Task.completed_at.is_not(None))
    newest = db.session.scalars(tasks.order_by(Task.id.desc()).limit(SHOWN))
    return [Post(event=event, task=each, facts={}, created_at=now) for each in newest]


def _mine() -> Select[Channel]:
    """Those of the person's own, wherever they were made."""
    return Channel.visible_to(current_user).where(Channel.kind == "webhook", Channel.owner_id == current_user.id)


def _inside() -> Membership:
    membership: Membership = current_user.memberships[0]
    if membership.external:
        raise NotAllowed("admin")
    return membership


def _nothing() -> Any:
    raise Problem(404)
