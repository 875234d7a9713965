from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import update
from sqlalchemy.orm import contains_eager, joinedload

from linkstar import clock
from linkstar.extensions import commit, db
from linkstar.models import Approval, Notification, Task
from linkstar.reports.inbox import notices_of
from linkstar.views import access
from linkstar.views.admission import own_path

blueprint = Blueprint("notifications", __name__, url_prefix="/inbox")

MOST = 100


@blueprint.get("")
def index() -> Any:
    """The newest notices about what the person still sees."""
    query = (
        notices_of(current_user)
        .options(
            contains_eager(Notification.task).joinedload(Task.project, innerjoin=False),
            joinedload(Notification.comment),
        )
        .options(joinedload(Notification.approval).options(joinedload(Approval.task), joinedload(Approval.project)))
        .order_by(Notification.id.desc())
        .limit(MOST)
    )
    return render_template("notifications/index.html", notifications=list(db.session.scalars(query)))


@blueprint.post("/<id:notification_id>/reading")
def read(notification_id: int) -> Any:
    """Opens what a notice is about, and marks it as read."""
    notification = access.get_notification(notification_id)
    notification.read_at = notification.read_at or clock.now()
    commit()
    return redirect(own_path(request.form.get("back")) or _about(notification), 303)


def _about(notification: Notification) -> str:
    if notification.approval_id:
        return url_for("approvals.show", approval_id=notification.approval_id)
    return url_for("tasks.show", task_id=notification.task_id)


@blueprint.post("/readings")
def read_all() -> Any:
    db.session.execute(
        update(Notification)
        .where(Notification.user_id == current_user.id, Notification.read_at.is_(None))
        .values(read_at=clock.now())
    )
    commit()
    return redirect(url_for("notifications.index"), 303)
