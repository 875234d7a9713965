from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user

from linkstar.reports.automations import WHY_NOT, Wording
from linkstar.reports.rehearsal import Rehearsal
from linkstar.views.automations.automations import find

blueprint = Blueprint("rehearsal", __name__, url_prefix="/<id:automation_id>/rehearsal")


@blueprint.get("")
def show(automation_id: int) -> Any:
    """What it would have done in the last thirty days."""
    automation = find(automation_id)
    return render_template(
        "automations/rehearsal.html",
        automation=automation,
        wording=Wording(automation.workspace_id, [automation]),
        rehearsal=Rehearsal(automation, current_user),
        why_not=WHY_NOT,
    )
