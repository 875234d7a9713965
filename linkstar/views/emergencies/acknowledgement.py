from typing import Any

from flask import Blueprint, redirect, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.views import access

blueprint = Blueprint("acknowledgement", __name__, url_prefix="/<id:emergency_id>/acknowledgement")


@blueprint.post("")
def create(emergency_id: int) -> Any:
    """One of those who were told takes it up."""
    emergency = access.get_emergency(emergency_id)
    emergency.acknowledge(by=current_user)
    commit()
    session["toast"] = {"message": _("It is yours. Nobody else is called."), "change": None}
    return redirect(url_for("emergencies.show", emergency_id=emergency.id), 303)
