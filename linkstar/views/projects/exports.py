from typing import Any

from flask import Blueprint

from linkstar.views import access
from linkstar.views.histories import asked_for_file

blueprint = Blueprint("exports", __name__, url_prefix="/projects/<id:project_id>/exports")


@blueprint.post("")
def create(project_id: int) -> Any:
    """Asks for the project's trail as a file."""
    project = access.get_project(project_id)
    return asked_for_file(project.workspace_id, project)
