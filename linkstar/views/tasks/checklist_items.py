from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.comment import ChecklistItemForm
from linkstar.i18n import _
from linkstar.models import ChecklistItem, Task
from linkstar.reports.panel import Panel
from linkstar.views import access, answers

blueprint = Blueprint("checklist_items", __name__, url_prefix="/checklist-items")


@blueprint.post("")
def create(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    form = ChecklistItemForm()
    if not form.validate():
        template = "tasks/_checklists.html" if request.htmx else "tasks/show.html"  # type: ignore[attr-defined]
        return render_template(template, task=task, panel=Panel(task, current_user), item_form=form), 422
    ChecklistItem.write(task, form.text.data or "", by=current_user)
    commit()
    return _answer(task, _("Added"))


@blueprint.put("/<id:item_id>/tick")
def tick(task_id: int, item_id: int) -> Any:
    item = _item(task_id, item_id)
    item.tick(by=current_user)
    commit()
    return _answer(item.checklist.task, _("Ticked"))


@blueprint.delete("/<id:item_id>/tick")
def untick(task_id: int, item_id: int) -> Any:
    item = _item(task_id, item_id)
    item.untick(by=current_user)
    commit()
    return _answer(item.checklist.task, _("No longer ticked"))


def _item(task_id: int, item_id: int) -> ChecklistItem:
    item = access.get_checklist_item(item_id, "edit")
    return item if item.checklist.task_id == task_id else abort(404)


def _answer(task: Task, said: str) -> Any:
    return answers.changed(
        task.project, [task], said, also="tasks/_checklists.html", task=task, panel=Panel(task, current_user),
        back=url_for("tasks.show", task_id=task.id, _anchor=f"checklists-{task.id}"),
    )  # fmt: skip
