from typing import Any

from flask import Blueprint, redirect, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.views import access
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("activity", __name__, url_prefix="/<id:channel_id>/activity")


@blueprint.put("")
def update(channel_id: int) -> Any:
    """On or off; what waits while it is off is not sent later."""
    membership_inside()
    channel = access.get_channel(channel_id, lock=True)
    channel.edit({"active": bool(request.form.get("on"))}, by=current_user)
    commit()
    message = _("“%(name)s” is on", name=channel.name) if channel.active else _("“%(name)s” is off", name=channel.name)
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("channels.show", channel_id=channel.id), 303)
