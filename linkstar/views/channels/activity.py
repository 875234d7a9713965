from typing import Any

from flask import Blueprint, redirect, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.views.channels.channels import find

blueprint = Blueprint("activity", __name__, url_prefix="/<id:channel_id>/activity")


@blueprint.put("")
def update(channel_id: int) -> Any:
    return _switched(channel_id, on=True)


@blueprint.delete("")
def destroy(channel_id: int) -> Any:
    """What waits while it is off is not sent later."""
    return _switched(channel_id, on=False)


def _switched(channel_id: int, *, on: bool) -> Any:
    channel = find(channel_id, lock=True)
    channel.edit({"active": on}, by=current_user)
    commit()
    message = _("“%(name)s” is on", name=channel.name) if on else _("“%(name)s” is off", name=channel.name)
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("channels.show", channel_id=channel.id), 303)
