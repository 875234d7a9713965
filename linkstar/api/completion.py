from flask import Blueprint
from flask_login import current_user

from linkstar.api.moves import first_stage
from linkstar.api.operation import operation
from linkstar.api.tasks import TaskAnswer
from linkstar.extensions import commit
from linkstar.i18n import _l
from linkstar.models import Task
from linkstar.views import access

blueprint = Blueprint("completion", __name__, url_prefix="/tasks/<id:task_id>/completion")


@blueprint.put("")
@operation("work:write", _l("Complete a task: it goes to the first stage of kind done"), answer=TaskAnswer)
def update(task_id: int) -> Task:
    return _moved(task_id, True, "done")


@blueprint.delete("")
@operation("work:write", _l("Open a task again"), answer=TaskAnswer)
def destroy(task_id: int) -> Task:
    return _moved(task_id, False, "active", "backlog")


def _moved(task_id: int, done: bool, *kinds: str) -> Task:
    """To the first stage of these kinds; where it is done, or is not, already, nothing changes."""
    task = access.get_task(task_id, "move")
    if bool(task.completed_at) == done:
        return task
    task.move_to(by=current_user, to={"stage": first_stage(task, *kinds)})
    commit()
    return task
