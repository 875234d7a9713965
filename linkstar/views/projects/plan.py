from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user

from linkstar.reports.plan_page import PlanPage
from linkstar.reports.task_filter import TaskFilter
from linkstar.views import access

blueprint = Blueprint("plan", __name__)


@blueprint.get("/projects/<id:project_id>/plan")
def show(project_id: int) -> Any:
    """The plan as it stands: what makes the launch late, how far each task may slip, what crosses."""
    project = access.get_project(project_id)
    page = PlanPage(project, current_user)
    return render_template("projects/plan/show.html", project=project, page=page, tab="plan", chosen=TaskFilter())
