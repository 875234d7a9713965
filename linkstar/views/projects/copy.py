from typing import Any

from flask import Blueprint, make_response, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar import packs
from linkstar.extensions import commit, db
from linkstar.forms.project_copy import ProjectCopyForm
from linkstar.i18n import _
from linkstar.models import NotAllowed, Project, ProjectCopy
from linkstar.planning.working_days import OutOfRange
from linkstar.views import access

blueprint = Blueprint("copy", __name__, url_prefix="/projects/<id:project_id>/copy")


@blueprint.get("/new")
def new(project_id: int) -> Any:
    project = _project(project_id)
    names = {"name_zh": project.name_zh, "name_en": project.name_en}
    return _page(project, ProjectCopyForm(formdata=None, **names).of(current_user, project.unit))


@blueprint.post("")
def create(project_id: int) -> Any:
    """The same plan under a new name, its dates laid anew from another anchor day."""
    project = _project(project_id)
    form = ProjectCopyForm().of(current_user, project.unit)
    if not form.validate():
        return _page(project, form, 422)
    try:
        copy = ProjectCopy(
            source=project, name_zh=form.name_zh.data, name_en=form.name_en.data, word=form.word.data or "",
            anchor=form.anchor, keeps_people=form.people.data == "same",
        ).create(by=current_user)  # fmt: skip
    except packs.PackFault as fault:
        db.session.rollback()
        form.form_errors.append(str(fault))
        return _page(_project(project_id), form, 422)
    except (OutOfRange, OverflowError):
        db.session.rollback()
        form.day.errors = [_("The plan would run out of the years 2000 to 2100. Choose another day.")]
        return _page(_project(project_id), form, 422)
    commit()
    session["toast"] = {"message": _("Copied as %(code)s", code=copy.code), "change": None}
    return redirect(url_for("projects.board.show", project_id=copy.id), 303)


def _project(project_id: int) -> Project:
    """For who sees the whole project and may make one in its workspace."""
    project = access.get_project(project_id)
    membership = current_user.membership_in(project.workspace_id)
    if membership.external or membership.scope("create") not in ("all", "member"):
        raise NotAllowed("create")
    return project


def _page(project: Project, form: ProjectCopyForm, status: int = 200) -> Any:
    return make_response(render_template("projects/copy/new.html", project=project, form=form), status)
