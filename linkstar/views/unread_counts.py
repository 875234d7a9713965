from typing import Any

from flask import Blueprint, render_template, request
from flask_login import current_user

from linkstar.reports.inbox import unread_count
from linkstar.views.admission import polled

blueprint = Blueprint("unread_counts", __name__, url_prefix="/unread_count")


@blueprint.get("")
@polled
def show() -> Any:
    """How many notices are unread, for the badge of an open page; nothing where that is what it shows."""
    count = unread_count(current_user)
    if request.args.get("shown") == str(count or ""):
        return "", 204
    return render_template("layouts/_unread.html", count=count, oob=True)
