from typing import Any

from flask import Blueprint, abort, redirect, request, session, url_for
from flask_login import current_user

from linkstar.channels import door, push
from linkstar.extensions import commit, limiter
from linkstar.i18n import _
from linkstar.models import PushSubscription

blueprint = Blueprint("push_subscriptions", __name__, url_prefix="/push_subscriptions")

MOST = 10  # browsers of one person; the oldest goes
LONGEST = 1000


@blueprint.post("")
@limiter.limit("60 per hour", key_func=lambda: str(current_user.id))
def create() -> Any:
    """What the browser says of itself: where it is reached, and with which key one writes to it."""
    endpoint, public_key, secret = (request.form.get(name, "") for name in ("endpoint", "p256dh", "auth"))
    if len(endpoint) > LONGEST or not push.is_browser_key(public_key, secret) or not _may_be_reached(endpoint):
        abort(422)
    PushSubscription.write(current_user, current_user.get_id(), endpoint, public_key, secret)
    for oldest in PushSubscription.of(current_user)[:-MOST]:
        PushSubscription.forget(oldest.endpoint)
    commit()
    return "", 204


@blueprint.delete("")
def destroy() -> Any:
    """One browser, or all of the person's."""
    endpoint = request.args.get("endpoint")
    for each in PushSubscription.of(current_user):
        if endpoint in (None, each.endpoint):
            PushSubscription.forget(each.endpoint)
    commit()
    if request.htmx:  # type: ignore[attr-defined]
        return "", 204
    session["toast"] = {"message": _("No browser shows notices any more."), "change": None}
    return redirect(url_for("notification_preferences.show"), 303)


def _may_be_reached(endpoint: str) -> bool:
    try:
        return door.checked(endpoint).scheme == "https"
    except door.Closed:
        return False
