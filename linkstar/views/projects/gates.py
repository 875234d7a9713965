from typing import Any

from flask import Blueprint, request
from flask_login import current_user

from linkstar.extensions import commit, db, record_id
from linkstar.i18n import _
from linkstar.models import CycleRefused
from linkstar.views import access
from linkstar.views.stages.checklists import answer, drawn

blueprint = Blueprint("gates", __name__, url_prefix="/projects/<id:project_id>/gates")


@blueprint.get("")
def show(project_id: int) -> Any:
    """The lists on the stages, and which phases each phase waits for."""
    return drawn(access.get_project(project_id))


@blueprint.put("")
def update(project_id: int) -> Any:
    """Which phases one phase waits for."""
    project = access.get_project(project_id, "edit")
    phase_id = record_id(request.form.get("phase_id", ""))
    phase = next((phase for phase in project.phases if phase.id == phase_id), None)
    chosen = {record_id(text) for text in request.form.getlist("awaited_id")}
    if phase is None or not chosen <= {other.id for other in project.phases if other is not phase}:
        return drawn(project, trouble=_("That is not one of the choices any more. Choose again.")), 422
    try:
        phase.wait_for([other for other in project.phases if other.id in chosen], by=current_user)
    except CycleRefused:
        db.session.rollback()
        return drawn(project, trouble=_("Phases would wait for each other, and none could begin.")), 422
    commit()
    return answer(project, _("Saved"))
