from typing import Any

from flask import Blueprint, make_response, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar import packs
from linkstar.extensions import commit, db
from linkstar.forms.template import ProjectTemplateForm
from linkstar.i18n import _
from linkstar.models import NotAllowed, Outline, Project, is_template_keeper
from linkstar.views import access

blueprint = Blueprint("template", __name__, url_prefix="/projects/<id:project_id>/template")


@blueprint.get("/new")
def new(project_id: int) -> Any:
    project = _project(project_id)
    return _page(project, ProjectTemplateForm(formdata=None, name_zh=project.name_zh, name_en=project.name_en))


@blueprint.post("")
def create(project_id: int) -> Any:
    """Keeps the project's plan for the next ones of its kind."""
    project = _project(project_id)
    form = ProjectTemplateForm()
    if not form.validate():
        return _page(project, form, 422)
    outline = Outline(
        project, roles=form.roles.data, dependencies=form.dependencies.data, checklists=form.checklists.data
    )
    try:
        template = outline.save_as_template(by=current_user, name_zh=form.name_zh.data, name_en=form.name_en.data)
    except packs.PackFault as fault:
        db.session.rollback()
        form.form_errors.append(str(fault))
        return _page(_project(project_id), form, 422)
    commit()
    session["toast"] = {"message": _("Saved as a template"), "change": None}
    return redirect(url_for("templates.show", template_id=template.id), 303)


def _project(project_id: int) -> Project:
    project = access.get_project(project_id)
    if not is_template_keeper(current_user, project.workspace_id):
        raise NotAllowed("edit")
    return project


def _page(project: Project, form: ProjectTemplateForm, status: int = 200) -> Any:
    return make_response(render_template("projects/template/new.html", project=project, form=form), status)
