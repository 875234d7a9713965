from typing import Any

from flask import Blueprint, render_template, request
from flask_login import current_user
from sqlalchemy import select

from linkstar.extensions import db, record_id
from linkstar.models import Label, Project, SavedView, Task, TaskLabel, User
from linkstar.reports.board import Board
from linkstar.reports.panel import Panel
from linkstar.reports.task_filter import TaskFilter
from linkstar.views import access

blueprint = Blueprint("board", __name__)


@blueprint.get("/projects/<id:project_id>/board")
def show(project_id: int) -> Any:
    """The board; `?all=1` with every card in the page, `?task=12` with that task's panel open beside it."""
    project = access.get_project(project_id)
    chosen = TaskFilter.read(request.args)
    board = Board(project, current_user, chosen, everything=request.args.get("all") == "1").with_cards()
    return render_template(
        "projects/board/show.html", project=project, board=board, chosen=chosen, panel=_open_panel(),
        tab="board", **filter_choices(project),
    )  # fmt: skip


def _open_panel() -> Panel | None:
    task_id = record_id(request.args.get("task", ""))
    return Panel(access.get_task(task_id), current_user) if task_id is not None else None


def filter_choices(project: Project) -> dict[str, Any]:
    """What the filter bar offers beside the fixed words: labels and owners of the tasks that the reader sees."""
    views = select(SavedView).where(SavedView.project_id == project.id, SavedView.user_id == current_user.id)
    here = select(Task.id).where(Task.project_id == project.id, Task.seen_by(current_user))
    labels = (
        select(Label)
        .where(Label.id.in_(select(TaskLabel.label_id).where(TaskLabel.task_id.in_(here))))
        .order_by(Label.name)
    )
    owners = select(User.id, User.name).where(User.id.in_(here.with_only_columns(Task.owner_id))).order_by(User.id)
    return {
        "people": list(db.session.execute(owners)),
        "labels": list(db.session.scalars(labels)),
        "saved_views": list(db.session.scalars(views.order_by(SavedView.name))),
    }
