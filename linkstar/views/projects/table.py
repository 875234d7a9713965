from typing import Any

from flask import Blueprint, render_template

from linkstar.views import access
from linkstar.views.projects.list import task_list_page

blueprint = Blueprint("table", __name__)


@blueprint.get("/projects/<id:project_id>/table")
def show(project_id: int) -> Any:
    project = access.get_project(project_id)
    return render_template("projects/table/show.html", tab="table", **task_list_page(project))
