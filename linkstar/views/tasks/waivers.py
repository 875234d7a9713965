from typing import Any

from flask import Blueprint, abort, request
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.waiver import WaiverForm
from linkstar.i18n import _
from linkstar.models import ChecklistItem, NotAllowed, Task, Waiver
from linkstar.views import access, answers
from linkstar.views.admission import own_path
from linkstar.views.tasks.checklist_items import answer

blueprint = Blueprint("waivers", __name__, url_prefix="/waivers")


@blueprint.get("/new")
def new(task_id: int) -> Any:
    task = _task(task_id)
    form = WaiverForm(request.args)
    _obstacle(task, form)
    return _dialog(task, form, own_path(request.args.get("back")))


@blueprint.post("")
def create(task_id: int) -> Any:
    """Asks legal and PMO to let the task pass one obstacle."""
    task = _task(task_id)
    form = WaiverForm()
    item, blocker = _obstacle(task, form)
    if not form.validate() or not (item or blocker):
        return _dialog(task, form, own_path(request.form.get("back")), 422)
    Waiver.ask(task, form.reason.data or "", by=current_user, item=item, blocker=blocker)
    commit()
    return answer(task, _("Asked: legal and PMO both decide."))


def _task(task_id: int) -> Task:
    task = access.get_task(task_id, "move")
    if not Waiver.may_be_asked_by(current_user, task):
        raise NotAllowed("waive")
    return task


def _obstacle(task: Task, form: WaiverForm) -> tuple[ChecklistItem | None, Task | None]:
    """The item of this project, or the task of its programme, that stands in the way."""
    if form.item_id.data and not form.blocker_id.data:
        item = access.get_checklist_item(form.item_id.data, "view")
        place = item.checklist.task or item.checklist.stage
        if item.required and place and place.project.id == task.project_id:
            return item, None
    elif form.blocker_id.data and not form.item_id.data:
        blocker = access.get_task(form.blocker_id.data)
        if blocker.blocking and blocker.project.programme_id == task.project.programme_id:
            return None, blocker
    elif not (form.item_id.data or form.blocker_id.data):
        return None, None
    abort(404)


def _dialog(task: Task, form: WaiverForm, back: str | None, status: int = 200) -> Any:
    item, blocker = _obstacle(task, form)
    return answers.dialog(
        "tasks/waivers/_form.html", "layouts/alone.html", status, task=task, project=task.project, form=form,
        item=item, blocker=blocker, back=back,
    )  # fmt: skip
