from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from linkstar import clock
from linkstar.reports.workload import Chosen, Workload
from linkstar.views.shell import Shell

blueprint = Blueprint("workload", __name__)


@blueprint.get("/workload")
def show() -> Any:
    """Who inside has how much to do. For outsiders, and for who sees only work of the own, the page is not there."""
    membership = Shell(current_user).membership
    if membership is None or not membership.sees_workload:
        abort(404)
    chosen = Chosen.read(request.args, clock.today(ZoneInfo(current_user.timezone)))
    return render_template("workload/show.html", workload=Workload(membership, chosen), chosen=chosen)
