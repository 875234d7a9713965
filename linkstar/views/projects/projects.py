from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from linkstar.extensions import commit, db
from linkstar.forms.launch import LaunchForm
from linkstar.forms.project import ProjectForm
from linkstar.forms.project_settings import FIELDS, ProjectSettingsForm, version_of
from linkstar.i18n import _
from linkstar.models import Approval, ChangeBudget, Membership, Project, Stage, free_key, next_code
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


@blueprint.get("/projects/<id:project_id>/edit")
def edit(project_id: int) -> Any:
    """The project's settings: names, shop, budget, suppliers, as far as the person may know them."""
    project = _settable(project_id)
    form = ProjectSettingsForm(formdata=None, obj=project).offer(project, current_user)
    return _settings(project, form)


@blueprint.post("/projects/<id:project_id>")
def update(project_id: int) -> Any:
    """A budget that grows by much is asked for; everything else is written at once."""
    project = _settable(project_id)
    form = ProjectSettingsForm().offer(project, current_user)
    if any(name in request.form and name not in form for name in FIELDS):
        return _settings(project, form, 422, _("One of these fields is not yours to change. Nothing was saved."))
    if not form.validate():
        return _settings(project, form, 422)
    project.lock()
    if form.version.data != version_of(project, current_user):
        trouble = _("Someone changed these settings since you opened them. Yours are kept below: compare, then save.")
        return _settings(project, form, 409, trouble)
    values = form.values()
    asked = ChangeBudget.of(project, values.get("budget", project.budget), values.get("currency", project.currency))
    if asked.is_needed:
        Approval.ask(asked, by=current_user, reason=form.reason.data)
        values = {name: value for name, value in values.items() if name not in asked.arguments}
    project.edit(values, by=current_user)
    commit()
    said = _("Saved. The budget waits for approval.") if asked.is_needed else _("Saved")
    session["toast"] = {"message": said, "change": None}
    return redirect(url_for("projects.board.show", project_id=project.id), 303)


def _settable(project_id: int) -> Project:
    project = access.get_project(project_id, "edit")
    return abort(404) if project.draft_of_id else project


def _settings(project: Project, form: ProjectSettingsForm, status: int = 200, trouble: str | None = None) -> Any:
    drawn = render_template(
        "projects/edit.html", project=project, form=form, trouble=trouble, version=version_of(project, current_user),
        now={name: getattr(project, name) for name in FIELDS if name in form and status == 409},
    )  # fmt: skip
    return make_response(drawn, status)
