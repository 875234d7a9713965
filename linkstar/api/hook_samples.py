from typing import Any

from flask import Blueprint
from flask_login import current_user
from marshmallow import INCLUDE, fields

from linkstar import clock
from linkstar.api.hooks import SCOPE, inside
from linkstar.api.operation import operation
from linkstar.api.values import Answer, Asked, Body, Word
from linkstar.channels import news
from linkstar.extensions import LARGEST_ID, db
from linkstar.i18n import _l
from linkstar.models import EVENTS, Approval, Channel, Emergency, Post, Project, Task

blueprint = Blueprint("hook_samples", __name__, url_prefix="/hooks/samples")

SHOWN = 3


class SampleAnswer(Answer):
    """What is sent; which members there are beside these depends on the event."""

    class Meta:
        unknown = INCLUDE

    event = fields.String()
    id = fields.String()
    at = fields.String()


class SampleQuery(Body):
    event = Word(EVENTS, load_default=EVENTS[0])
    project = Asked(1, LARGEST_ID)


@blueprint.get("")
@operation(
    SCOPE, _l("What such a message looks like, of what there is: up to three"), answer=SampleAnswer, bare=True,
    query=SampleQuery,
)  # fmt: skip
def index(asked: dict[str, Any]) -> list[dict[str, Any]]:
    here = inside().workspace_id
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
