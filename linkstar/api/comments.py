from typing import Any

from flask import Blueprint
from flask_login import current_user
from marshmallow import fields

from linkstar.api.operation import operation
from linkstar.api.paging import Page, page_of
from linkstar.api.values import Answer, Body, Flag, Id, Moment, Text
from linkstar.extensions import commit
from linkstar.i18n import _l
from linkstar.models import Comment
from linkstar.views import access

blueprint = Blueprint("comments", __name__, url_prefix="/tasks/<id:task_id>/comments")


class CommentAnswer(Answer):
    id = Id()
    task_id = Id()
    author_id = Id()
    author_name = fields.String(attribute="author.name")
    body = fields.String()
    shared = Flag()
    created_at = Moment()
    edited_at = Moment(allow_none=True)


class NewComment(Body):
    body = Text(10_000, required=True)
    shared = Flag(load_default=False, metadata={"description": "What an outsider says is always shared."})


@blueprint.get("")
@operation("work:read", _l("What was said on a task"), answer=CommentAnswer, many=True, for_creators=True)
def index(task_id: int, asked: dict[str, Any]) -> Page:
    said = Comment.on(access.get_task(task_id), reader=current_user)
    return page_of([comment for comment in said if not comment.trashed_at], asked)


@blueprint.post("")
@operation(
    "work:write", _l("Say something on a task"), answer=CommentAnswer, body=NewComment, status=201, for_creators=True
)
def create(task_id: int, body: dict[str, Any]) -> Comment:
    comment = Comment.post(access.get_task(task_id), body["body"], by=current_user, shared=body["shared"])
    commit()
    return comment
