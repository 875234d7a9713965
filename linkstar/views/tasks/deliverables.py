from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.evidence import EvidenceForm, kept
from linkstar.i18n import _
from linkstar.views import access
from linkstar.views.tasks.checklist_items import answer, drawn
from linkstar.views.tasks.moves import not_taken
from linkstar.views.uploads import takes_file

blueprint = Blueprint("deliverables", __name__, url_prefix="/deliverables")


@blueprint.post("")
@takes_file
def create(task_id: int) -> Any:
    """Hands in what the task is done for: a file, a link or a text. Who moves the task hands it in."""
    task = access.get_task(task_id, "move")
    form = EvidenceForm()
    evidence = form.evidence(None, task.workspace_id)
    if evidence is None:
        return not_taken(asked="deliverable", given_form=form) or (
            drawn(task, asked="deliverable", given_form=form), 422,
        )  # fmt: skip
    with kept(evidence):
        task.deliver(evidence, by=current_user)
    commit()
    return answer(task, _("Handed in"))
