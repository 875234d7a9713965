from typing import Any

from flask import Blueprint, redirect, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.waiver import VoteForm
from linkstar.i18n import _
from linkstar.models import AlreadyDecided, Approval
from linkstar.views import access
from linkstar.views.approvals.approvals import page

blueprint = Blueprint("votes", __name__, url_prefix="/<id:approval_id>/votes")


@blueprint.post("")
def create(approval_id: int) -> Any:
    """One person's word: agreed, or refused with the reason."""
    approval = access.get_approval(approval_id)
    form = VoteForm()
    if approval.may_be_decided_by(current_user) and not form.validate():
        return page(approval, form), 422
    try:
        approval.vote(form.answer.data == "agree", by=current_user, reason=form.reason.data)
    except AlreadyDecided:
        db.session.rollback()
        return page(access.get_approval(approval_id), overtaken=True), 409
    commit()
    session["toast"] = {"message": _said(approval), "change": None}
    done = approval.state != "failed"
    return redirect(url_for("approvals.index") if done else url_for("approvals.show", approval_id=approval.id), 303)


def _said(approval: Approval) -> str:
    if approval.state == "failed":
        return _("Approved, but it could not be done.")
    if approval.state == "refused":
        return _("Declined")
    if approval.state == "agreed":
        return _("Approved. It is done when its hours are over.")
    return _("Approved and done") if approval.state == "done" else _("Approved; one more person is wanted.")
