from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.models import Missing
from linkstar.views.automations.automations import find, saved

blueprint = Blueprint("activity", __name__, url_prefix="/<id:automation_id>/activity")


@blueprint.put("")
def update(automation_id: int) -> Any:
    """On, in the name of who says so."""
    automation = find(automation_id, keeper=True)
    if Missing(automation.workspace_id, [automation]).of(automation):
        return saved(automation, _("It names something that is gone. Choose anew first."))
    automation.switch(True, by=current_user)
    commit()
    return saved(automation, _("Switched on. It acts in your name."))


@blueprint.delete("")
def destroy(automation_id: int) -> Any:
    automation = find(automation_id, keeper=True)
    automation.switch(False, by=current_user)
    commit()
    return saved(automation, _("Switched off"))
