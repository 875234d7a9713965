from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar import clock
from linkstar.doctor import A_WEEK
from linkstar.extensions import commit, record_id
from linkstar.i18n import _, ngettext
from linkstar.models.audit_event import record
from linkstar.reports.channel_log import failed_in, send_again
from linkstar.views.workspaces import membership_inside
from linkstar.words import TOPIC_NAMES, trouble_words

blueprint = Blueprint("deliveries", __name__, url_prefix="/deliveries")


@blueprint.get("")
def index() -> Any:
    """What was given up: within a week, as much as the doctor counts, and before."""
    membership = membership_inside()
    failed = failed_in(membership.workspace_id, current_user, keeps=membership.keeps_workspace)
    week = clock.now() - A_WEEK
    fresh = [each for each in failed if each.due_at >= week]
    return render_template(
        "deliveries/index.html", fresh=fresh, older=[each for each in failed if each not in fresh],
        trouble_words=trouble_words, topic_names=TOPIC_NAMES,
    )  # fmt: skip


@blueprint.put("")
def update() -> Any:
    """Tried again from the start: one of them, or all."""
    membership = membership_inside()
    one = request.form.get("delivery")
    chosen = [record_id(one) or 0] if one else None
    keeps = membership.keeps_workspace
    count = send_again(membership.workspace_id, current_user, keeps=keeps, delivery_ids=chosen)
    if count:
        record("channel.replayed", by=current_user, workspace_id=membership.workspace_id)
    commit()
    message = (
        ngettext("%(num)s is on its way again.", "%(num)s are on their way again.", count)
        if count
        else _("Nothing is left there.")
    )
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("deliveries.index"), 303)
