from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.extensions import record_id
from linkstar.reports.trash import TrashPage
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("trash", __name__, url_prefix="/trash")


@blueprint.get("")
def index() -> Any:
    membership_inside()
    page = max(record_id(request.args.get("page", "")) or 1, 1)
    return render_template("trash/index.html", trash=TrashPage(current_user, min(page, 10_000)))


def answer(message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("trash.index"), 303)
