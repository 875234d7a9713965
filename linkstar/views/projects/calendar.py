from typing import Any

from flask import Blueprint

from linkstar.views import access
from linkstar.views.calendar import drawn

blueprint = Blueprint("calendar", __name__)


@blueprint.get("/projects/<id:project_id>/calendar")
def show(project_id: int) -> Any:
    """The project's calendar; that of a programme with those of its projects."""
    project = access.get_project(project_id)
    return drawn("projects/calendar/show.html", project.workspace_id, project)
