from typing import Any

from flask import render_template
from flask_login import current_user

from linkstar.models import Task
from linkstar.reports.briefs import brief_of
from linkstar.reports.panel import Panel


def page(task: Task, **values: Any) -> str:
    """A brief with its files and its messages."""
    brief, panel = brief_of(task, current_user), Panel(task, current_user)
    return render_template("briefs/show.html", task=task, brief=brief, panel=panel, **values)
