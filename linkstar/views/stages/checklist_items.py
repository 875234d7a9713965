from typing import Any

from flask import Blueprint, abort
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.checklist import ChecklistItemForm
from linkstar.i18n import _
from linkstar.models import ChecklistItem, EvidenceMissing, Project
from linkstar.views import access
from linkstar.views.stages.checklists import answer, drawn
from linkstar.views.tasks.moves import not_taken

blueprint = Blueprint("checklist_items", __name__)


@blueprint.post("/checklists/<id:checklist_id>/checklist-items")
def create(stage_id: int, checklist_id: int) -> Any:
    checklist = access.get_checklist(checklist_id, "edit")
    if checklist.stage_id != stage_id or checklist.key:
        abort(404)
    project = project_of(stage_id)
    form = ChecklistItemForm().offer()
    if not form.validate():
        return drawn(project, item_form=form, asked_list=checklist.id), 422
    checklist.write(
        form.text.data or "", by=current_user, required=form.required.data, evidence_kind=form.evidence_kind.data
    )
    commit()
    return answer(project, _("Added"))


@blueprint.put("/checklist-items/<id:item_id>/tick")
def tick(stage_id: int, item_id: int) -> Any:
    item = item_of(stage_id, item_id)
    try:
        item.tick(by=current_user)
    except EvidenceMissing:
        db.session.rollback()
        return not_taken(asked=item_id) or (drawn(project_of(stage_id), asked=item_id), 422)
    commit()
    return answer(project_of(stage_id), _("Ticked"))


@blueprint.delete("/checklist-items/<id:item_id>/tick")
def untick(stage_id: int, item_id: int) -> Any:
    item_of(stage_id, item_id).untick(by=current_user)
    commit()
    return answer(project_of(stage_id), _("No longer ticked"))


def project_of(stage_id: int) -> Project:
    return access.get_stage(stage_id).project


def item_of(stage_id: int, item_id: int) -> ChecklistItem:
    item = access.get_checklist_item(item_id, "edit")
    return item if item.checklist.stage_id == stage_id else abort(404)
