from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user

from linkstar.forms.waiver import VoteForm
from linkstar.models import Approval, NotAllowed, Waiver
from linkstar.reports.approvals import Line, Queue
from linkstar.views import access

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")


@blueprint.get("")
def index() -> Any:
    """What waits for the person's word, waivers among it; what the person asked for, and has decided."""
    if current_user.external:
        raise NotAllowed("admin")
    return queue_page()


@blueprint.get("/<id:approval_id>")
def show(approval_id: int) -> Any:
    return page(access.get_approval(approval_id))


def queue_page(waiver: Waiver | None = None, form: VoteForm | None = None) -> str:
    """`waiver` is the one whose signature was not taken as it came with the form."""
    return render_template("approvals/index.html", queue=Queue(current_user), refused=waiver, form=form)


def page(approval: Approval, form: VoteForm | None = None, *, overtaken: bool = False) -> str:
    return render_template("approvals/show.html", line=Line(approval, current_user), form=form, overtaken=overtaken)
