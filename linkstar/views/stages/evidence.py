from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.evidence import EvidenceForm, kept
from linkstar.i18n import _
from linkstar.views.stages.checklist_items import item_of, project_of
from linkstar.views.stages.checklists import answer, drawn
from linkstar.views.tasks.moves import not_taken
from linkstar.views.uploads import takes_file

blueprint = Blueprint("evidence", __name__, url_prefix="/checklist-items/<id:item_id>/evidence")


@blueprint.post("")
@takes_file
def create(stage_id: int, item_id: int) -> Any:
    item, project, form = item_of(stage_id, item_id), project_of(stage_id), EvidenceForm()
    evidence = form.evidence(item.evidence_kind or "text", project.workspace_id)
    if evidence is None:
        return not_taken(asked=item.id, given_form=form) or (
            drawn(project, asked=item.id, given_form=form), 422,
        )  # fmt: skip
    with kept(evidence):
        item.give(evidence, by=current_user)
    commit()
    return answer(project, _("Ticked, with its evidence"))
