from typing import Any

from flask import Blueprint, abort, redirect, session, url_for

from linkstar.extensions import commit, db, limiter
from linkstar.views import throttle
from linkstar.views.admission import public
from linkstar.views.entries.door import device_of_request, enter, find, gone, link_key

blueprint = Blueprint("openings", __name__, url_prefix="/<token>/openings")


@blueprint.post("")
@public
@limiter.limit("30 per 10 minutes", key_func=throttle.address)
@limiter.limit("10 per 5 minutes", key_func=link_key)
def create(token: str) -> Any:
    """The first device is let in, and comes back as often as it likes; another one is sent a code."""
    link = find(token, hold=True)
    if link is None:
        return gone()
    device = device_of_request()
    if link.is_for_device(device):
        return enter(link, device)
    code = link.send_code() or abort(429)
    db.session.flush()
    commit()
    session["entry_code"] = code.id
    return redirect(url_for("entries.code.new", token=token), 303)
