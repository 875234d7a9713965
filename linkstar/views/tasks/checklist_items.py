from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.checklist import ChecklistItemForm
from linkstar.i18n import _
from linkstar.models import Checklist, ChecklistItem, EvidenceMissing, Task
from linkstar.reports.panel import Panel
from linkstar.views import access
from linkstar.views.tasks.moves import given, not_taken

blueprint = Blueprint("checklist_items", __name__, url_prefix="/checklist-items")


@blueprint.post("")
def create(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    form = ChecklistItemForm().offer()
    if not form.validate():
        return drawn(task, item_form=form), 422
    own = form.checklist_id.data
    checklist = access.get_checklist(own, "edit") if own else Checklist.of(task, by=current_user)
    if checklist.task_id != task.id or checklist.key:
        abort(404)
    checklist.write(
        form.text.data or "", by=current_user, required=form.required.data, evidence_kind=form.evidence_kind.data
    )
    commit()
    return answer(task, _("Added"))


@blueprint.put("/<id:item_id>/tick")
def tick(task_id: int, item_id: int) -> Any:
    item = item_of(task_id, item_id)
    try:
        item.tick(by=current_user)
    except EvidenceMissing:
        db.session.rollback()
        return not_taken(asked=item_id) or (drawn(access.get_task(task_id), asked=item_id), 422)
    commit()
    return answer(item.checklist.task, _("Ticked"))


@blueprint.delete("/<id:item_id>/tick")
def untick(task_id: int, item_id: int) -> Any:
    item = item_of(task_id, item_id)
    item.untick(by=current_user)
    commit()
    return answer(item.checklist.task, _("No longer ticked"))


def item_of(task_id: int, item_id: int) -> ChecklistItem:
    item = access.get_checklist_item(item_id, "edit")
    return item if item.checklist.task_id == task_id else abort(404)


def drawn(task: Task, **context: Any) -> str:
    """The lists in the panel, or the task's page; `asked` is the item whose form stands open."""
    template = "tasks/_checklists.html" if request.htmx else "tasks/show.html"  # type: ignore[attr-defined]
    return render_template(template, task=task, panel=Panel(task, current_user), **context)


def answer(task: Task | None, said: str, change: str | None = None) -> Any:
    assert task
    return given(
        task.project, [task], said, change=change, also="tasks/_checklists.html", task=task,
        panel=Panel(task, current_user), back=url_for("tasks.show", task_id=task.id, _anchor=f"checklists-{task.id}"),
    )  # fmt: skip
