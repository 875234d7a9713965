from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit, limiter, write
from linkstar.forms.attachment import AttachmentForm
from linkstar.i18n import _
from linkstar.models import NotAllowed
from linkstar.models.attachment import kept
from linkstar.views import access
from linkstar.views.admission import open_to_creators, reads_first
from linkstar.views.tasks.attachments import answer, not_taken
from linkstar.views.uploads import takes_file

blueprint = Blueprint("versions", __name__, url_prefix="/versions")


@blueprint.post("")
@open_to_creators
@takes_file
@limiter.limit("60 per minute", key_func=lambda: str(current_user.id))
@reads_first
def create(attachment_id: int) -> Any:
    """A newer version, as a plain form sends it."""
    attachment = access.get_attachment(attachment_id)
    if not attachment.may_get_version(current_user):
        raise NotAllowed("edit")
    form = AttachmentForm()
    files = form.received(attachment.workspace_id, by=current_user) if form.validate() else []
    if not files:
        return not_taken(attachment.task, form)
    with kept(files):
        write()
        attachment = access.get_attachment(attachment_id)
        for file in files:
            attachment.add_version(file, by=current_user)
    commit()
    return answer(attachment.task, _("The new version is here"))
