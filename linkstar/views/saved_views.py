from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar.extensions import commit, db
from linkstar.forms.saved_view import SavedViewForm
from linkstar.models import SavedView
from linkstar.reports.task_filter import TaskFilter
from linkstar.views import access, answers

blueprint = Blueprint("saved_views", __name__)


@blueprint.get("/projects/<id:project_id>/saved-views/new")
def new(project_id: int) -> Any:
    project = access.get_project(project_id)
    return answers.dialog(
        "saved_views/_form.html", "layouts/alone.html", project=project, form=SavedViewForm(request.args, meta={}),
    )  # fmt: skip


@blueprint.post("/projects/<id:project_id>/saved-views")
def create(project_id: int) -> Any:
    """Keeps the filters under a name; the same name again is given the new filters."""
    project = access.get_project(project_id)
    form = SavedViewForm()
    if not form.validate():
        return answers.dialog("saved_views/_form.html", "layouts/alone.html", 422, project=project, form=form)
    chosen = TaskFilter.read(dict(parse_qsl(form.query.data or "")))
    view = db.session.scalar(
        select(SavedView).where(
            SavedView.project_id == project.id, SavedView.user_id == current_user.id, SavedView.name == form.name.data
        )
    ) or SavedView(project_id=project.id, user_id=current_user.id, name=form.name.data)
    view.page, view.query = form.page.data, urlencode(chosen.query())
    db.session.add(view)
    commit()
    return answers.leave(saved_view_url(view))


@blueprint.post("/saved-views/<id:view_id>/removal")
def destroy(view_id: int) -> Any:
    view = access.get_saved_view(view_id)
    project_id = view.project_id
    db.session.delete(view)
    commit()
    return redirect(url_for("projects.board.show", project_id=project_id), 303)


def saved_view_url(view: SavedView) -> str:
    endpoint = {"board": "projects.board.show", "list": "projects.list.show", "table": "projects.table.show"}[view.page]
    arguments: dict[str, Any] = dict(parse_qsl(view.query))
    return url_for(endpoint, project_id=view.project_id, **arguments)
