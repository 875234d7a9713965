from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _, both
from linkstar.models import NotAllowed
from linkstar.views import access
from linkstar.views.trash.trash import answer

blueprint = Blueprint("tasks", __name__, url_prefix="/tasks/<id:task_id>/restoration")


@blueprint.post("")
def create(task_id: int) -> Any:
    """Back to where the task was, with everything attached."""
    task = access.get_trashed_task(task_id)
    if not task.may_be_restored_by(current_user):
        raise NotAllowed("delete")
    task.restore(by=current_user)
    commit()
    title, project = both(task, "title"), both(task.project, "name")
    return answer(_("“%(title)s” is back in “%(project)s”.", title=title, project=project))
