from typing import Any

from flask import Blueprint, redirect, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.emergency import ClosureForm
from linkstar.i18n import _
from linkstar.models import NotAllowed, Overtaken
from linkstar.views import access
from linkstar.views.emergencies.emergencies import page

blueprint = Blueprint("closure", __name__, url_prefix="/<id:emergency_id>/closure")


@blueprint.post("")
def create(emergency_id: int) -> Any:
    """It ends with what was learnt; what it held may start again."""
    emergency = access.get_emergency(emergency_id)
    if emergency.closed_at:
        raise Overtaken("changed_since")
    if not emergency.may_be_closed_by(current_user):
        raise NotAllowed("close")
    form = ClosureForm()
    if not form.validate():
        return page(emergency, form), 422
    emergency.close(form.retrospective.data or "", by=current_user)
    commit()
    session["toast"] = {"message": _("Closed. What it held may start again."), "change": None}
    return redirect(url_for("emergencies.show", emergency_id=emergency.id), 303)
