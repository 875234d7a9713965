from typing import Any

from flask import Blueprint, current_app, render_template
from flask_login import current_user

from linkstar import doctor
from linkstar.i18n import _
from linkstar.models import NotAllowed
from linkstar.reports.operations import Operations
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("operations", __name__, url_prefix="/operations")


@blueprint.get("")
def show() -> Any:
    """Whether what works unseen works, and what to do where it does not; for who administers the workspace."""
    membership = membership_inside()
    if not membership.administers:
        raise NotAllowed("admin")
    operations = Operations(current_app.config, membership.workspace_id, current_user)
    return render_template(
        "operations/show.html",
        operations=operations,
        findings=list(doctor.unseen(operations.pulse, membership.workspace_id)),
        names={
            "reminders": _("Reminders that are due"),
            "deliveries": _("Messages that are due"),
            "automations": _("Automations that wait"),
        },
        media={"mail": _("Mail"), "push": _("Push"), "channel": _("Channels")},
    )
