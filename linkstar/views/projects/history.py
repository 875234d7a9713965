from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar.models import NotAllowed
from linkstar.views import access
from linkstar.views.histories import happened_in, page

blueprint = Blueprint("history", __name__, url_prefix="/projects/<id:project_id>/history")


@blueprint.get("")
def show(project_id: int) -> Any:
    """Whoever inside sees the project sees all that happened in it, its tasks in the trash too."""
    project = access.get_project(project_id)
    membership = current_user.membership_in(project.workspace_id)
    if membership.external:
        raise NotAllowed("edit")
    return page(
        "projects/history/show.html", happened_in(project.workspace_id, project), project.people(), membership,
        url_for("projects.history.show", project_id=project.id), project,
    )  # fmt: skip
