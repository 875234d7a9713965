from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.forms.approval import RequestForm
from linkstar.i18n import _
from linkstar.models import DeleteTask, NotAllowed, Task
from linkstar.reports.approvals import rows_of
from linkstar.views import access, answers

blueprint = Blueprint("trashing", __name__, url_prefix="/trashing")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    """For who may not delete the task alone: what would go, and who has to agree."""
    task = access.get_task(task_id)
    if not DeleteTask.of(task).may_be_asked_by(current_user):
        raise NotAllowed("delete")
    return request_dialog(task, RequestForm(formdata=None))


def request_dialog(task: Task, form: RequestForm, status: int = 200) -> Any:
    operation = DeleteTask.of(task)
    return answers.dialog(
        "tasks/trashing/_form.html", "layouts/alone.html", status, task=task, project=task.project, form=form,
        heading=_("Ask for deletion"), rule=operation.rule, rows=rows_of(operation.difference(by=current_user)),
    )  # fmt: skip
