from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar.models import AuditEvent, NotAllowed
from linkstar.views import access
from linkstar.views.histories import page

blueprint = Blueprint("history", __name__, url_prefix="/history")


@blueprint.get("")
def show(task_id: int) -> Any:
    """Outsiders are not shown who inside did what."""
    task = access.get_task(task_id)
    if not task.seen_whole_by(current_user):
        raise NotAllowed("edit")
    return page(
        "tasks/history/show.html", AuditEvent.of_task(task), task.readers(),
        current_user.membership_in(task.workspace_id), url_for("tasks.history.show", task_id=task.id), task=task,
    )  # fmt: skip
