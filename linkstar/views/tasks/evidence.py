from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.evidence import EvidenceForm, kept
from linkstar.i18n import _
from linkstar.views.tasks.checklist_items import answer, drawn, item_of
from linkstar.views.tasks.moves import not_taken
from linkstar.views.uploads import takes_file

blueprint = Blueprint("evidence", __name__, url_prefix="/checklist-items/<id:item_id>/evidence")


@blueprint.post("")
@takes_file
def create(task_id: int, item_id: int) -> Any:
    """Gives what the item asks for, and ticks it."""
    item = item_of(task_id, item_id)
    task, form = item.checklist.task, EvidenceForm()
    assert task
    evidence = form.evidence(item.evidence_kind or "text", task.workspace_id)
    if evidence is None:
        return not_taken(asked=item.id, given_form=form) or (drawn(task, asked=item.id, given_form=form), 422)
    with kept(evidence):
        item.give(evidence, by=current_user)
    commit()
    return answer(task, _("Ticked, with its evidence"))
