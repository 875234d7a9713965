from typing import Any

from flask import Blueprint, redirect, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.i18n import _
from linkstar.models import AlreadyDecided
from linkstar.views import access
from linkstar.views.approvals.approvals import page

blueprint = Blueprint("withdrawal", __name__, url_prefix="/<id:approval_id>/withdrawal")


@blueprint.post("")
def create(approval_id: int) -> Any:
    """Whoever asked takes it back; also what was agreed, until it is done."""
    try:
        access.get_approval(approval_id).withdraw(by=current_user)
    except AlreadyDecided:
        db.session.rollback()
        return page(access.get_approval(approval_id), overtaken=True), 409
    commit()
    session["toast"] = {"message": _("Withdrawn. Nothing is done."), "change": None}
    return redirect(url_for("approvals.index"), 303)
