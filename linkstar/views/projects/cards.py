from typing import Any

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from linkstar.reports.board import Board
from linkstar.reports.task_filter import TaskFilter
from linkstar.views import access

blueprint = Blueprint("cards", __name__)


@blueprint.get("/projects/<id:project_id>/cards")
def index(project_id: int) -> Any:
    """The next cards of one cell, for scrolling on."""
    project = access.get_project(project_id)
    start = request.args.get("start", type=int)
    if start is None or abs(start) >= 2**62:
        abort(400)
    board = Board(project, current_user, TaskFilter.read(request.args))
    cell = board.page(request.args.get("cell", ""), start) or abort(404)
    return render_template("projects/cards/index.html", project=project, board=board, cell=cell)
