from typing import Any

from flask import Blueprint, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.waiver import VoteForm
from linkstar.i18n import _
from linkstar.models import NotAllowed, Waiver
from linkstar.reports.waivers import Waivers
from linkstar.views import access

blueprint = Blueprint("waivers", __name__, url_prefix="/waivers")
votes = Blueprint("votes", __name__, url_prefix="/<id:waiver_id>/votes")


@blueprint.get("")
def index() -> Any:
    """What waits for the person's signature, and what the person asked for."""
    return _page()


@votes.post("")
def create(waiver_id: int) -> Any:
    """One signature, or a refusal with its reason."""
    waiver = access.get_waiver(waiver_id)
    if not waiver.may_be_signed_by(current_user):
        raise NotAllowed("waive")
    form = VoteForm()
    if not form.validate():
        return _page(waiver, form), 422
    agrees = form.answer.data == "agree"
    waiver.vote(agrees, by=current_user, reason=form.reason.data)
    commit()
    said = _("Signed: it may pass.") if waiver.state == "granted" else _("Signed; one more signature is wanted.")
    session["toast"] = {"message": said if agrees else _("Declined"), "change": None}
    return redirect(url_for("waivers.index"), 303)


blueprint.register_blueprint(votes)


def _page(refused: Waiver | None = None, form: VoteForm | None = None) -> str:
    return render_template("waivers/index.html", waivers=Waivers(current_user), refused=refused, form=form)
