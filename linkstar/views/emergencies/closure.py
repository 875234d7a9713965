from typing import Any

from flask import Blueprint, session
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.emergency import ClosureForm
from linkstar.i18n import _
from linkstar.models import Overtaken
from linkstar.views import access
from linkstar.views.emergencies.emergencies import gone_on, page, to_page

blueprint = Blueprint("closure", __name__, url_prefix="/<id:emergency_id>/closure")


@blueprint.post("")
def create(emergency_id: int) -> Any:
    """It ends with what was learnt, or is withdrawn with what it was; what it held may start again."""
    emergency = access.get_emergency(emergency_id)
    form = ClosureForm()
    if emergency.may_be_closed_by(current_user) and not form.validate():
        return page(emergency, form), 422
    try:
        emergency.close(form.retrospective.data or "", by=current_user)
    except Overtaken:
        return gone_on(emergency)
    commit()
    session["toast"] = {"message": _("Closed. What it held may start again."), "change": None}
    return to_page(emergency)
