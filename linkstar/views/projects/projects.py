from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from linkstar.extensions import commit, db
from linkstar.forms.launch import LaunchForm
from linkstar.forms.project import ProjectForm
from linkstar.i18n import _
from linkstar.models import Membership, Project, Stage, free_key, next_code
from linkstar.reports.portfolio import Portfolio
from linkstar.views import access
from linkstar.views.projects import wizard

blueprint = Blueprint("projects", __name__)


@blueprint.get("/projects")
def index() -> Any:
    return render_template("projects/index.html", portfolio=Portfolio(current_user))


@blueprint.get("/projects/new")
def new() -> Any:
    """The templates; `?template=7` the form of one, `?blank=1` that of a project without any."""
    membership = wizard.workspace_for_new()
    if "template" in request.args:
        version = wizard.chosen_version(membership) or abort(404)
        return wizard.form_page(wizard.form_of(version, membership))
    if "blank" in request.args:
        return render_template("projects/blank.html", form=ProjectForm(formdata=None))
    return wizard.chooser(membership)


@blueprint.post("/projects")
def create() -> Any:
    membership = wizard.workspace_for_new()
    return _from_template(membership) if "template" in request.form else _blank(membership)


def _from_template(membership: Membership) -> Any:
    version = wizard.chosen_version(membership)
    if version is None:
        return wizard.template_gone(membership)
    form = wizard.form_of(version, membership)
    if not form.validate():
        return wizard.form_page(form, 422)
    if form.code.data and _code_taken(membership, form.code.data):
        return _refuse_code(form)
    launch = form.launch()
    anchor = launch.spans[launch.template.anchor.task].start
    launch.values["code"] = form.code.data or next_code(
        membership.workspace_id, platforms=launch.values["platforms"], anchor=anchor, word=launch.values["key"]
    )
    try:
        project = launch.create(by=current_user)
        commit()
    except IntegrityError:  # somebody took the code in this very moment
        db.session.rollback()
        return _refuse_code(form)
    return redirect(url_for("projects.board.show", project_id=project.id), 303)


def _refuse_code(form: LaunchForm) -> Any:
    form.code.errors = [_("Another project has this code already.")]
    return wizard.form_page(form, 422)


def _blank(membership: Membership) -> Any:
    """A project without a template: the four usual stages and no phases."""
    form = ProjectForm()
    if not form.validate():
        return render_template("projects/blank.html", form=form), 422
    if _code_taken(membership, form.code.data):
        form.code.errors = [_("Another project has this code already.")]
        return render_template("projects/blank.html", form=form), 422
    if free_key(membership.workspace_id, form.key.data) != form.key.data:
        form.key.errors = [_("The tasks of another project are called so already.")]
        return render_template("projects/blank.html", form=form), 422
    try:
        project = Project.create(by=current_user, workspace_id=membership.workspace_id, **form.data)
        project.stages.extend(Stage.usual())
        commit()
    except IntegrityError:  # somebody took the code in this very moment
        db.session.rollback()
        form.code.errors = [_("Another project has this code already.")]
        return render_template("projects/blank.html", form=form), 422
    return redirect(url_for("projects.board.show", project_id=project.id), 303)


def _code_taken(membership: Membership, code: str) -> bool:
    taken = select(Project.id).where(Project.workspace_id == membership.workspace_id, Project.code == code)
    return db.session.scalar(taken) is not None


@blueprint.get("/projects/<id:project_id>")
def show(project_id: int) -> Any:
    return redirect(url_for("projects.board.show", project_id=access.get_project(project_id).id), 303)
