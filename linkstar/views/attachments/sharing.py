from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.models import Attachment, NotAllowed
from linkstar.views import access
from linkstar.views.tasks.attachments import answer

blueprint = Blueprint("sharing", __name__, url_prefix="/sharing")


@blueprint.put("")
def update(attachment_id: int) -> Any:
    attachment = _attachment(attachment_id)
    attachment.share(by=current_user)
    commit()
    return answer(attachment.task, _("People outside see the file now"))


@blueprint.delete("")
def destroy(attachment_id: int) -> Any:
    attachment = _attachment(attachment_id)
    attachment.unshare(by=current_user)
    commit()
    return answer(attachment.task, _("The file is internal now"))


def _attachment(attachment_id: int) -> Attachment:
    attachment = access.get_attachment(attachment_id)
    if not attachment.may_be_shared_by(current_user):
        raise NotAllowed("edit")
    return attachment
