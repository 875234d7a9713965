from typing import Any

from flask import Blueprint, render_template, request
from flask_login import current_user

from linkstar.reports.task_filter import TaskFilter
from linkstar.reports.task_list import TaskList
from linkstar.views import access
from linkstar.views.projects.board import filter_choices

blueprint = Blueprint("list", __name__)


@blueprint.get("/projects/<id:project_id>/list")
def show(project_id: int) -> Any:
    project = access.get_project(project_id)
    return render_template("projects/list/show.html", tab="list", **task_list_page(project))


def task_list_page(project: Any) -> dict[str, Any]:
    """What the list and the table share: one query, its filter bar, its pages."""
    chosen = TaskFilter.read(request.args)
    return {
        "project": project,
        "chosen": chosen,
        "may_change": project.may_change_tasks(current_user),
        "tasks": TaskList(
            project, current_user, chosen, sort=request.args.get("sort"), page=request.args.get("page", 1, type=int)
        ),
        **filter_choices(project),
    }
