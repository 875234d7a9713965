from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user

from linkstar.reports.my_work import MyWork

blueprint = Blueprint("my_work", __name__)


@blueprint.get("/")
def show() -> Any:
    return render_template("my_work/show.html", work=MyWork(current_user))
