from typing import Any

from flask import Blueprint, redirect, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.waiver import VoteForm
from linkstar.i18n import _
from linkstar.models import NotAllowed
from linkstar.views import access
from linkstar.views.approvals.approvals import queue_page

blueprint = Blueprint("waivers", __name__, url_prefix="/waivers")
votes = Blueprint("votes", __name__, url_prefix="/<id:waiver_id>/votes")


@blueprint.get("")
def index() -> Any:
    """They stand among all that waits for somebody's word."""
    return redirect(url_for("approvals.index"), 303)


@votes.post("")
def create(waiver_id: int) -> Any:
    """One signature, or a refusal with its reason."""
    waiver = access.get_waiver(waiver_id)
    if not waiver.may_be_signed_by(current_user):
        raise NotAllowed("waive")
    form = VoteForm()
    if not form.validate():
        return queue_page(waiver, form), 422
    agrees = form.answer.data == "agree"
    waiver.vote(agrees, by=current_user, reason=form.reason.data)
    commit()
    said = _("Signed: it may pass.") if waiver.state == "granted" else _("Signed; one more signature is wanted.")
    session["toast"] = {"message": said if agrees else _("Declined"), "change": None}
    return redirect(url_for("approvals.index"), 303)


blueprint.register_blueprint(votes)
