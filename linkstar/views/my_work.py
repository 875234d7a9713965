from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user

from linkstar.reports.my_work import MyWork
from linkstar.views.admission import open_to_creators

blueprint = Blueprint("my_work", __name__)


@blueprint.get("/")
@open_to_creators
def show() -> Any:
    if current_user.only_creates:
        return redirect(url_for("briefs.index"), 303)
    return render_template("my_work/show.html", work=MyWork(current_user))
