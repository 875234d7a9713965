from typing import Any

from flask import Blueprint, session
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.emergency import ReopeningForm
from linkstar.i18n import _
from linkstar.models import Overtaken
from linkstar.views import access
from linkstar.views.emergencies.emergencies import gone_on, page, to_page

blueprint = Blueprint("reopening", __name__, url_prefix="/<id:emergency_id>/reopening")


@blueprint.post("")
def create(emergency_id: int) -> Any:
    """It was not over: what it names is held again."""
    emergency = access.get_emergency(emergency_id)
    form = ReopeningForm()
    if emergency.may_be_reopened_by(current_user) and not form.validate():
        return page(emergency, reopening=form), 422
    try:
        emergency.reopen(form.why.data or "", by=current_user)
    except Overtaken:
        return gone_on(emergency, reopened=True)
    commit()
    session["toast"] = {"message": _("It is open again."), "change": None}
    return to_page(emergency)
