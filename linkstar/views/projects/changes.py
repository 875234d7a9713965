from typing import Any

from flask import Blueprint, Response, abort, render_template, request, session
from flask_login import current_user

from linkstar.models import Project
from linkstar.reports.board import Board
from linkstar.reports.task_filter import TaskFilter
from linkstar.views import access
from linkstar.views.admission import lies_unused, public, send_to_sign_in

blueprint = Blueprint("changes", __name__)


@blueprint.get("/projects/<id:project_id>/changes")
@public  # the one query below asks for the sign-in as well; an open board comes here every two seconds
def index(project_id: int) -> Any:
    """What changed on a board after revision `since`: 204 and one cheap query where nothing did."""
    since = request.args.get("since", type=int)
    token = "" if lies_unused() else session.get("_user_id", "")
    revision = Project.revision_seen_with(token, project_id)
    if revision is None:
        return abort(404) if current_user.is_authenticated else send_to_sign_in()
    if since is None or since == revision:
        return Response(status=204)
    project = access.get_project(project_id)
    board = Board(project, current_user, TaskFilter.read(request.args))
    ids = board.changed_since(since) if 0 <= since < revision else None
    if ids is None:
        return Response(status=200, headers={"HX-Refresh": "true"})
    cells, gone = board.changes(ids)
    return render_template("projects/changes/index.html", board=board, cells=cells, gone=gone, revision=revision)
