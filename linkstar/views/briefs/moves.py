from typing import Any

from flask import Blueprint, abort, redirect, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.i18n import _
from linkstar.models import MoveRefused, NotAllowed
from linkstar.reports.briefs import brief_of, refused
from linkstar.views import access
from linkstar.views.admission import open_to_creators
from linkstar.views.briefs.page import page

blueprint = Blueprint("moves", __name__, url_prefix="/<id:task_id>/moves")


@blueprint.post("")
@open_to_creators
def create(task_id: int) -> Any:
    """Start, or send for review: the same move as on a board, with the same refusals, told without what is inside."""
    task = access.get_brief(task_id)
    brief = brief_of(task, current_user)
    if not brief.may_move:
        raise NotAllowed("move")
    kind = request.form.get("to")
    if kind not in ("active", "review"):
        abort(422)
    if brief.next_step is None or brief.next_step[0] != kind:
        session["toast"] = {"message": _("This brief has moved on meanwhile."), "change": None}
        return redirect(url_for("briefs.show", task_id=task_id), 303)
    try:
        task.move_to(by=current_user, to={"stage": brief.next_step[1]}, seen_in=task.stage_id)
    except MoveRefused as refusal:
        said = refused(refusal, current_user)
        db.session.rollback()
        return page(access.get_brief(task_id), refused=said), 422
    commit()
    said_so = _("Sent for review") if kind == "review" else _("Started")
    session["toast"] = {"message": said_so, "change": None}
    return redirect(url_for("briefs.show", task_id=task_id), 303)
