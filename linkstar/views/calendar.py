from typing import Any

from flask import Blueprint, abort, render_template, request
from flask_login import current_user

from linkstar.models import Project
from linkstar.reports.calendar_page import CalendarChoice, CalendarPage
from linkstar.reports.task_filter import TaskFilter
from linkstar.views.shell import Shell
from linkstar.words import MARKET_KIND_NAMES

blueprint = Blueprint("calendar", __name__)


@blueprint.get("/calendar")
def show() -> Any:
    """What the person sees of the workspace; ?mine=1 only what is hers."""
    membership = Shell(current_user).membership or abort(404)
    return drawn("calendar/show.html", membership.workspace_id)


def drawn(full: str, workspace_id: int, project: Project | None = None) -> str:
    """The page, or for htmx the part of it that turns."""
    page = CalendarPage(current_user, workspace_id, CalendarChoice.read(request.args), project)
    turns = request.headers.get("HX-Target", "").endswith("#calendar")
    return render_template(
        "calendar/_calendar.html" if turns else full, page=page, project=project, tab="calendar",
        chosen=TaskFilter.read(request.args), market_kind_names=MARKET_KIND_NAMES,
    )  # fmt: skip
