from typing import Any

from flask import Blueprint, render_template, request
from flask_login import current_user

from linkstar.reports.gantt import HEAD, ROW, Gantt, GanttView
from linkstar.reports.task_filter import TaskFilter
from linkstar.views import access

blueprint = Blueprint("gantt", __name__)


@blueprint.get("/projects/<id:project_id>/gantt")
def show(project_id: int) -> Any:
    project = access.get_project(project_id)
    chart = Gantt(project, current_user, GanttView.read(request.args))
    return render_template(
        "projects/gantt/show.html", project=project, chart=chart, view=chart.view, tab="gantt", chosen=TaskFilter(),
        row_height=ROW, head_height=HEAD,
    )  # fmt: skip
