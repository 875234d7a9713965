from typing import Any

from flask import Blueprint, abort, send_file

from linkstar import storage
from linkstar.views import access

blueprint = Blueprint("evidence", __name__, url_prefix="/evidence")


@blueprint.get("/<id:evidence_id>")
def show(evidence_id: int) -> Any:
    """A file that was given, under the name that it came with; never shown inside a page of ours."""
    evidence = access.get_evidence(evidence_id)
    if evidence.file_key is None:
        abort(404)
    try:
        file = storage.open(evidence.file_key)
    except storage.Missing:
        abort(404)
    answer = send_file(
        file, evidence.media_type, as_attachment=True, download_name=evidence.file_name, etag=evidence.sha256 or False,
        conditional=False,
    )  # fmt: skip
    answer.content_length = evidence.size or 0
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer
