from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import IO, Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, send_file, url_for
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wsgi import FileWrapper

from linkstar import clock, pictures, storage
from linkstar.extensions import commit, limiter, record_id
from linkstar.i18n import _
from linkstar.models import Attachment, AttachmentVersion, NotAllowed
from linkstar.views import access, answers
from linkstar.views.admission import open_to_creators
from linkstar.views.tasks.attachments import answer
from linkstar.words import size_words

blueprint = Blueprint("attachments", __name__, url_prefix="/attachments/<id:attachment_id>")
blueprint.add_app_template_filter(size_words, "size")

LINK_LASTS = timedelta(days=7)  # of an address that an outsider gets
LOCKED_IN = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}


@blueprint.get("")
@open_to_creators
@limiter.limit("120 per minute", key_func=lambda: str(current_user.id))
def show(attachment_id: int) -> Any:
    """The file, to be kept and never shown inside a page of ours. A picture that goes out bears who it went to."""
    attachment = access.get_attachment(attachment_id)
    version = version_of(attachment)
    if attachment.task.seen_whole_by(current_user):
        return handed_over(version)
    until = request.args.get("until")
    if until is None:
        return redirect(answers.page_of(attachment.task), 303)
    if not _still(until, attachment):
        return _page(attachment, 410, reason="ended")
    return handed_over(version) or _page(attachment, 422, reason="no mark")


@blueprint.post("/trashing")
@open_to_creators
def destroy(attachment_id: int) -> Any:
    attachment = access.get_attachment(attachment_id)
    if not attachment.may_be_trashed_by(current_user):
        raise NotAllowed("edit")
    change = attachment.trash(by=current_user)
    commit()
    return answer(attachment.task, _("The file is in the trash"), change=change)


@blueprint.app_template_global()
def file_url(attachment: Attachment, version: AttachmentVersion) -> str:
    """The address of the download; for an outsider one that runs out."""
    given: dict[str, Any] = {"version": version.number}
    if not attachment.task.seen_whole_by(current_user):
        given["until"] = _signature().dumps(
            [attachment.id, current_user.id, int((clock.now() + LINK_LASTS).timestamp())]
        )
    return url_for("attachments.show", attachment_id=attachment.id, **given)


def version_of(attachment: Attachment) -> AttachmentVersion:
    """The version that is asked for, else the newest, of those that the reader may have."""
    versions = {version.number: version for version in reversed(attachment.versions_for(current_user))}
    number = record_id(request.args["version"]) if "version" in request.args else max(versions, default=None)
    return versions.get(number or 0) or abort(404)


def handed_over(version: AttachmentVersion) -> Response | None:
    """The file. To an outsider a picture goes with who it went to on it; None where that cannot be written."""
    outside = not version.attachment.task.seen_whole_by(current_user)
    if outside and version.media_type in storage.PHOTOS and version.sent_by_id != current_user.id:
        marked = pictures.watermarked(opened(version.file_key), mark())
        return _marked(version, marked) if marked else None
    return _file(version)


def opened(key: str) -> IO[bytes]:
    try:
        return storage.open(key)
    except storage.Missing:
        abort(404)


def mark() -> str:
    """What is written over a picture: for whom it was drawn, and when."""
    return f"{current_user.email} · {clock.today(ZoneInfo(current_user.timezone)).isoformat()}"


def _signature() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="attachment")


def _still(until: str, attachment: Attachment) -> bool:
    """Was this address given to this reader for this file, and not too long ago?"""
    try:
        attachment_id, user_id, moment = _signature().loads(until)
    except (BadSignature, ValueError, TypeError):
        return False
    mine = (attachment_id, user_id) == (attachment.id, current_user.id)
    return mine and clock.now() < datetime.fromtimestamp(moment, UTC)


def _file(version: AttachmentVersion) -> Response:
    return _sent(opened(version.file_key), version.file_name, version.size, version.sha256)


def _marked(version: AttachmentVersion, picture: bytes) -> Response:
    name = f"{version.file_name.rpartition('.')[0]}.jpg"
    return _sent(BytesIO(picture), name, len(picture), False)


def _sent(file: IO[bytes], name: str, size: int, etag: str | bool) -> Response:
    answer = send_file(
        file, "application/octet-stream", as_attachment=True, download_name=name, etag=etag, conditional=False
    )
    answer.response = FileWrapper(file, storage.CHUNK)  # that of the server cannot begin in the middle
    answer.content_length = size
    answer.headers.update(LOCKED_IN)
    answer.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    return answer


def _page(attachment: Attachment, status: int, *, reason: str) -> tuple[str, int]:
    page = answers.page_of(attachment.task)
    return render_template("attachments/ended.html", attachment=attachment, page=page, reason=reason), status
