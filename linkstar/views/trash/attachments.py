from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _, both
from linkstar.models import NotAllowed
from linkstar.views import access
from linkstar.views.trash.trash import answer

blueprint = Blueprint("attachments", __name__, url_prefix="/attachments/<id:attachment_id>/restoration")


@blueprint.post("")
def create(attachment_id: int) -> Any:
    attachment = access.get_trashed_attachment(attachment_id)
    if not attachment.may_be_trashed_by(current_user):
        raise NotAllowed("edit")
    attachment.restore(by=current_user)
    commit()
    name, title = attachment.newest.file_name, both(attachment.task, "title")
    return answer(_("“%(file)s” is back on “%(title)s”.", file=name, title=title))
