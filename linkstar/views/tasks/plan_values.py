from typing import Any

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.plan_values import PlanValuesForm
from linkstar.i18n import _
from linkstar.models import NotAllowed, StaleVersion, Task
from linkstar.reports.panel import Panel
from linkstar.views import access, answers
from linkstar.views.overloads import question, taker

blueprint = Blueprint("plan_values", __name__, url_prefix="/plan-values")


@blueprint.get("/edit")
def edit(task_id: int) -> Any:
    task = _task(task_id)
    return _dialog(task, PlanValuesForm(formdata=None, obj=task).offer(task))


@blueprint.post("")
def update(task_id: int) -> Any:
    """What the plan is computed from; the dates follow when the plan is moved the next time. Where a plan counts hours
    the duration is what the task asks of its owner, at once."""
    task = _task(task_id)
    form = PlanValuesForm().offer(task)
    if not form.validate():
        return _dialog(task, form, 422)
    owner = taker(task)
    if form.version.data == task.version and (asked := question(task.project, owner, form.values(), task)):
        return asked
    try:
        change = task.edit(form.values() | {"owner_id": owner.id}, by=current_user, version=form.version.data or 0)
    except StaleVersion:
        db.session.rollback()
        form.form_errors.append(_("Someone changed this task first. Look at it again, then save."))
        return _dialog(_task(task_id), form, 409)
    commit()
    return answers.changed(
        task.project, [task], _("Saved"), change=change, also="tasks/plan_values/_saved.html", task=task,
        panel=Panel(task, current_user), back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _task(task_id: int) -> Task:
    task = access.get_task(task_id, "edit")
    if not task.project.allows(current_user, "edit"):
        raise NotAllowed("edit")
    return task


def _dialog(task: Task, form: PlanValuesForm, status: int = 200) -> Any:
    return answers.dialog(
        "tasks/plan_values/_form.html", "layouts/alone.html", status, task=task, form=form, project=task.project
    )
