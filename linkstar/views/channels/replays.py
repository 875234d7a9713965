from typing import Any

from flask import Blueprint, abort, redirect, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, record_id
from linkstar.i18n import _
from linkstar.models.audit_event import record
from linkstar.reports.channel_log import replay
from linkstar.views.channels.channels import find

blueprint = Blueprint("replays", __name__, url_prefix="/<id:channel_id>/replays")


@blueprint.post("")
def create(channel_id: int) -> Any:
    """One message once more, under the key that it had, so that a program can tell."""
    channel = find(channel_id)
    if not replay(channel, record_id(request.form.get("delivery", "")) or 0):
        abort(404)
    changes = {"channel": (channel.name, channel.name)}
    record("channel.replayed", by=current_user, workspace_id=channel.workspace_id, changes=changes)
    commit()
    session["toast"] = {"message": _("It is on its way once more."), "change": None}
    return redirect(url_for("channels.show", channel_id=channel.id), 303)
