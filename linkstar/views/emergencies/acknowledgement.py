from typing import Any

from flask import Blueprint, session
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.models import Overtaken
from linkstar.views import access
from linkstar.views.emergencies.emergencies import gone_on, to_page

blueprint = Blueprint("acknowledgement", __name__, url_prefix="/<id:emergency_id>/acknowledgement")


@blueprint.post("")
def create(emergency_id: int) -> Any:
    """One of those who were told takes it up."""
    emergency = access.get_emergency(emergency_id)
    try:
        emergency.acknowledge(by=current_user)
    except Overtaken:
        return gone_on(emergency)
    commit()
    session["toast"] = {"message": _("It is yours. Nobody else is called."), "change": None}
    return to_page(emergency)
