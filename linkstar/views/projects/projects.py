from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from linkstar.extensions import commit, db
from linkstar.forms.project import ProjectForm
from linkstar.i18n import _
from linkstar.models import Membership, NotAllowed, Project, Stage
from linkstar.reports.portfolio import Portfolio
from linkstar.views import access
from linkstar.views.shell import Shell

blueprint = Blueprint("projects", __name__)


def _workspace() -> Membership:
    """The workspace that a new project is made in, if the person may make one there."""
    membership = Shell(current_user).membership or abort(404)
    if membership.scope("create") not in ("all", "member"):
        raise NotAllowed("create")
    return membership


@blueprint.get("/projects")
def index() -> Any:
    return render_template("projects/index.html", portfolio=Portfolio(current_user))


@blueprint.get("/projects/new")
def new() -> Any:
    _workspace()
    return render_template("projects/new.html", form=ProjectForm(formdata=None))


@blueprint.post("/projects")
def create() -> Any:
    """A project without a template: the four usual stages and no phases."""
    membership = _workspace()
    form = ProjectForm()
    if not form.validate():
        return render_template("projects/new.html", form=form), 422
    if db.session.scalar(
        select(Project.id).where(Project.workspace_id == membership.workspace_id, Project.code == form.code.data)
    ):
        form.code.errors = [_("Another project has this code already.")]
        return render_template("projects/new.html", form=form), 422
    try:
        project = Project.create(by=current_user, workspace_id=membership.workspace_id, **form.data)
        project.stages.extend(Stage.usual())
        commit()
    except IntegrityError:  # somebody took the code in this very moment
        db.session.rollback()
        form.code.errors = [_("Another project has this code already.")]
        return render_template("projects/new.html", form=form), 422
    return redirect(url_for("projects.board.show", project_id=project.id), 303)


@blueprint.get("/projects/<id:project_id>")
def show(project_id: int) -> Any:
    return redirect(url_for("projects.board.show", project_id=access.get_project(project_id).id), 303)
