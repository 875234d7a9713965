from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import update

from linkstar import clock
from linkstar.extensions import commit, db, record_id
from linkstar.models import Notification
from linkstar.reports.inbox import Inbox
from linkstar.views import access
from linkstar.views.admission import own_path

blueprint = Blueprint("notifications", __name__, url_prefix="/inbox")


@blueprint.get("")
def index() -> Any:
    """The newest notices about what the person still sees."""
    unread_only, page = request.args.get("show") == "unread", max(record_id(request.args.get("page", "")) or 1, 1)
    inbox = Inbox(current_user, unread_only=unread_only, page=min(page, 1000))
    return render_template("notifications/index.html", inbox=inbox)


@blueprint.post("/<id:notification_id>/reading")
def read(notification_id: int) -> Any:
    """Opens what a notice is about, and marks it as read; with all that stands with it, where that is asked for."""
    notification = access.get_notification(notification_id)
    notification.read_at = notification.read_at or clock.now()
    if request.form.get("together") and notification.task_id:
        _mark_read(Notification.task_id == notification.task_id)
    commit()
    endpoint, values = notification.place
    return redirect(own_path(request.form.get("back")) or url_for(endpoint, **values), 303)


@blueprint.post("/readings")
def read_all() -> Any:
    _mark_read()
    commit()
    return redirect(url_for("notifications.index"), 303)


def _mark_read(*which: Any) -> None:
    mine = Notification.user_id == current_user.id, Notification.read_at.is_(None)
    db.session.execute(
        update(Notification)
        .where(*mine, *which)
        .values(read_at=clock.now())
        .execution_options(synchronize_session=False)
    )
