"""Files on their way in: in one form, where an address says that it takes one, or piece by piece as tus 1.0 says it
(https://tus.io/protocols/resumable-upload): core, creation, termination."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, abort, current_app, request, session, url_for
from flask_login import current_user

from linkstar import clock, storage
from linkstar.extensions import commit, db, limiter, record_id, write
from linkstar.forms.attachment import refusal_words
from linkstar.forms.evidence import LARGEST_FILE, plain_name
from linkstar.models import LARGEST_FILM, FileRefused, ReceivedFile, Upload
from linkstar.views import access
from linkstar.views.admission import open_to_creators, reads_first

View = TypeVar("View", bound=Callable[..., Any])

AROUND_IT = 1_000_000  # for the other fields and what a browser writes between them
LARGEST_PIECE = 16 << 20
PIECE = "application/offset+octet-stream"

blueprint = Blueprint("uploads", __name__, url_prefix="/uploads")


def takes_file(view: View) -> View:
    """Marks a view that a file may be sent to."""
    view.takes_file = True  # type: ignore[attr-defined]
    return view


def takes_piece(view: View) -> View:
    """Marks a view that reads what arrives as it arrives. Until then it only reads the database, so that nobody waits
    for a slow line."""
    view.takes_piece = True  # type: ignore[attr-defined]
    return reads_first(view)


def init_app(app: Flask) -> None:
    app.url_value_preprocessor(_read_more)  # before the first look at the form, which is the token's


def _read_more(endpoint: str | None, values: dict[str, Any] | None) -> None:
    view = current_app.view_functions.get(endpoint or "")
    if getattr(view, "takes_file", False) and "_user_id" in session:
        request.max_content_length = LARGEST_FILE + AROUND_IT
    if getattr(view, "takes_piece", False) and "_user_id" in session:
        request.max_content_length = LARGEST_PIECE
        request.environ.pop("HTTP_IDEMPOTENCY_KEY", None)  # the offset says whether it came before


@blueprint.before_request
def _speaks_tus() -> None:
    if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != "1.0.0":
        abort(412)


@blueprint.after_request
def _speak_tus(answer: Response) -> Response:
    answer.headers["Tus-Resumable"] = answer.headers["Tus-Version"] = "1.0.0"
    if request.method == "OPTIONS":
        answer.headers["Tus-Extension"] = "creation,termination"
        answer.headers["Tus-Max-Size"] = str(LARGEST_FILM)
    return answer


@blueprint.post("")
@open_to_creators
@limiter.limit("120 per minute", key_func=lambda: str(current_user.id))
def create() -> Any:
    """Says what will be sent, and where it belongs; refused before a byte of it is on its way."""
    told = _metadata()
    size = _number("Upload-Length")
    task = access.get_task(record_id(told.get("task_id", "")) or 0)
    version_of = told.get("attachment_id")
    attachment = access.get_attachment(record_id(version_of) or 0) if version_of else None
    if attachment and attachment.task_id != task.id:
        abort(404)
    try:
        upload = Upload.begin(
            task, plain_name(told.get("filename", "")), size, by=current_user, shared=bool(told.get("shared")),
            attachment=attachment,
        )  # fmt: skip
    except FileRefused as refusal:
        return _refused(refusal)
    commit()
    return Response(status=201, headers={"Location": url_for("uploads.show", upload_key=upload.key)})


@blueprint.get("/<upload_key>")
@open_to_creators
def show(upload_key: str) -> Any:
    """How far it is."""
    upload = access.get_upload(upload_key)
    try:
        return _at(upload.size if upload.version_id else upload.received, upload.size)
    except storage.Missing:
        abort(404)


@blueprint.patch("/<upload_key>")
@open_to_creators
@takes_piece
def update(upload_key: str) -> Any:
    """Adds what arrives, as it arrives; with the last byte it is an attachment."""
    upload = access.get_upload(upload_key)
    if request.mimetype != PIECE:
        abort(415)
    offset = _number("Upload-Offset")
    file_key, size, done = upload.file_key, upload.size, upload.version_id is not None
    if done:
        return _at(size) if offset == size else abort(409)
    db.session.rollback()  # while bytes arrive, nothing is held
    try:
        whole = offset == size == storage.grown(file_key)  # but nobody heard that it was ended, or nobody ended it
        received = size if whole else storage.append(file_key, offset, request.stream, limit=size)
        if received == size:
            _finish(upload_key)
        else:
            write()
            access.get_upload(upload_key).last_piece_at = clock.now()
            commit()
    except storage.WrongOffset:
        abort(409)
    except storage.TooLarge:
        abort(413)
    except storage.Missing:
        abort(404)
    except FileRefused as refusal:
        return _refused(refusal)
    return _at(received)


@blueprint.delete("/<upload_key>")
@open_to_creators
def destroy(upload_key: str) -> Any:
    """What has arrived goes. Where all had, the file stays."""
    access.get_upload(upload_key).cancel()
    commit()
    return Response(status=204)


def _finish(upload_key: str) -> None:
    """May come twice, where the line broke before the answer, and then the second finds it done; so what went wrong
    here deletes no bytes, which the sweep does. Raises FileRefused."""
    upload = access.get_upload(upload_key)
    file_key, name = upload.file_key, upload.file_name
    db.session.rollback()
    try:
        file = ReceivedFile.judge(storage.finish(file_key), name)
    except FileRefused:
        write()
        access.get_upload(upload_key).cancel()
        commit()
        raise
    write()
    upload = access.get_upload(upload_key)
    db.session.refresh(upload, with_for_update=True)
    if upload.version_id is None:
        try:
            upload.become(file)
        except FileRefused:
            upload.cancel()
            commit()
            raise
    commit()


def _metadata() -> dict[str, str]:
    pairs = [pair.strip().split(" ") for pair in request.headers.get("Upload-Metadata", "").split(",") if pair.strip()]
    try:
        return {name: b64decode("".join(value), validate=True).decode() for name, *value in pairs}
    except (NotBase64, UnicodeDecodeError):
        abort(400)


def _number(header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        abort(400)
    return int(text)


def _at(offset: int, size: int | None = None) -> Response:
    headers = {"Upload-Offset": str(offset)} | ({"Upload-Length": str(size)} if size is not None else {})
    return Response(status=204, headers=headers)


def _refused(refusal: FileRefused) -> Response:
    """In words that the page shows as they are."""
    return Response(refusal_words(refusal), 413 if refusal.reason == "large" else 422, mimetype="text/plain")
