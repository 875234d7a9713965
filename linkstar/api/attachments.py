from typing import Any

from flask import Blueprint
from flask_login import current_user
from marshmallow import fields
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from linkstar.api import door
from linkstar.api.operation import operation
from linkstar.api.paging import Page, page
from linkstar.api.problems import not_taken
from linkstar.api.values import Answer, Body, Flag, Id, Moment, Word
from linkstar.extensions import commit
from linkstar.forms.attachment import AttachmentForm
from linkstar.i18n import _l
from linkstar.models import Attachment, NotAllowed
from linkstar.models.attachment import kept
from linkstar.views import access

blueprint = Blueprint("attachments", __name__)


class AttachmentAnswer(Answer):
    id = Id()
    task_id = Id()
    added_by_id = Id()
    shared = Flag()
    created_at = Moment()
    version = fields.Integer(attribute="number")  # these of the newest version that the reader may have
    file_name = fields.String()
    media_type = fields.String()
    size = fields.Integer()
    sha256 = fields.String()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        version = attr in ("number", "file_name", "media_type", "size", "sha256")
        return getattr(obj.versions_for(current_user)[0] if version else obj, attr)


class NewAttachment(Body):
    file = fields.Raw(required=True, metadata={"type": "string", "contentMediaType": "application/octet-stream"})
    shared = Word(("true", "false"))


@blueprint.get("/tasks/<id:task_id>/attachments")
@operation("work:read", _l("The files of a task"), answer=AttachmentAnswer, many=True, for_creators=True)
def index(task_id: int, asked: dict[str, Any]) -> Page:
    task = access.get_task(task_id)
    query = select(Attachment).where(Attachment.task_id == task.id, Attachment.seen_by(current_user))
    return page(query.options(selectinload(Attachment.versions)), Attachment.id, asked)


@blueprint.get("/attachments/<id:attachment_id>")
@operation("work:read", _l("One file, without its content"), answer=AttachmentAnswer, for_creators=True)
def show(attachment_id: int) -> Attachment:
    return access.get_attachment(attachment_id)


@blueprint.post("/tasks/<id:task_id>/attachments")
@operation(
    "work:write", _l("Send a file of at most 20 MB"), answer=AttachmentAnswer, body=NewAttachment, file=True,
    status=201, for_creators=True, place="api.attachments.show",
)  # fmt: skip
def create(task_id: int, body: dict[str, Any]) -> Attachment:
    task = access.get_task(task_id)
    if not Attachment.may_be_added(task, current_user):
        raise NotAllowed("edit")
    form = AttachmentForm()
    received = form.received(task.workspace_id, by=current_user) if form.validate() else []
    if not received:
        raise not_taken(file=" ".join(map(str, form.file.errors)))
    with kept(received):
        door.enter_to_write()
        task = access.get_task(task_id)
        attachment = Attachment.add(task, received[0], by=current_user, shared=body.get("shared") == "true")
    commit()
    return attachment


@blueprint.delete("/attachments/<id:attachment_id>")
@operation("work:write", _l("Move a file to the trash"), status=204, for_creators=True)
def destroy(attachment_id: int) -> None:
    access.get_attachment(attachment_id).trash(by=current_user)
    commit()
