from typing import Any

from flask import Blueprint, redirect, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, limiter
from linkstar.i18n import _
from linkstar.views.channels.channels import find

blueprint = Blueprint("tests", __name__, url_prefix="/<id:channel_id>/tests")


@blueprint.post("")
@limiter.limit(
    "6 per minute", key_func=lambda: f"channel {current_user.id} {(request.view_args or {}).get('channel_id')}"
)
def create(channel_id: int) -> Any:
    """A message on the way that all others go, at once; the answer stands in the log as soon as it is there. No page
    waits for the other side."""
    channel = find(channel_id)
    channel.test()
    commit()
    session["toast"] = {"message": _("The test is on its way. The answer appears below."), "change": None}
    return redirect(url_for("channels.show", channel_id=channel.id), 303)
