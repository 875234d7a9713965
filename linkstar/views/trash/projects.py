from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _, both
from linkstar.models import NotAllowed
from linkstar.views import access
from linkstar.views.trash.trash import answer

blueprint = Blueprint("projects", __name__, url_prefix="/projects/<id:project_id>/restoration")


@blueprint.post("")
def create(project_id: int) -> Any:
    """The project comes back with the tasks that went with it."""
    project = access.get_trashed_project(project_id)
    if not project.may_be_restored_by(current_user):
        raise NotAllowed("delete")
    project.restore(by=current_user)
    commit()
    return answer(_("“%(project)s” is back with its tasks.", project=both(project, "name")))
