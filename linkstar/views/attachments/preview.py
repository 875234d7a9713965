from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, abort, request
from flask_login import current_user

from linkstar import pictures
from linkstar.views import access
from linkstar.views.admission import open_to_creators
from linkstar.views.attachments.attachments import LOCKED_IN, mark, opened, version_of

blueprint = Blueprint("preview", __name__, url_prefix="/preview")


@blueprint.get("")
@open_to_creators
def show(attachment_id: int) -> Any:
    """A picture of the file that we drew ourselves; for an outsider with the outsider's address all over it."""
    attachment = access.get_attachment(attachment_id)
    version = version_of(attachment)
    words = "" if attachment.task.seen_whole_by(current_user) or version.sent_by_id == current_user.id else mark()
    answer = Response(headers=LOCKED_IN, mimetype=pictures.MEDIA_TYPE)
    etag = sha256(f"{version.sha256} {words}".encode()).hexdigest()
    answer.set_etag(etag)
    if request.if_none_match.contains(etag):
        answer.status_code = 304
        return answer
    file = opened(version.preview_key) if version.preview_key else abort(404)
    with file:
        answer.data = (pictures.watermarked(file, words) if words else file.read()) or abort(404)
    return answer
