from typing import Any

from flask import Blueprint, abort, render_template
from flask_login import current_user

from linkstar.reports.briefs import Briefs
from linkstar.views import access
from linkstar.views.admission import open_to_creators
from linkstar.views.briefs.page import page

blueprint = Blueprint("briefs", __name__, url_prefix="/briefs")


@blueprint.get("")
@open_to_creators
def index() -> Any:
    if not any(membership.role == "creator" for membership in current_user.memberships):
        abort(404)
    return render_template("briefs/index.html", briefs=Briefs(current_user))


@blueprint.get("/<id:task_id>")
@open_to_creators
def show(task_id: int) -> Any:
    return page(access.get_brief(task_id))
