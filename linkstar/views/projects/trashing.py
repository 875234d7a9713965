from typing import Any

from flask import Blueprint, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.approval import RequestForm
from linkstar.i18n import _, both
from linkstar.models import Approval, DeleteProject, NotAllowed, Project
from linkstar.models.role import GATE_KEEPERS
from linkstar.reports.approvals import rows_of
from linkstar.views import access, answers

blueprint = Blueprint("trashing", __name__, url_prefix="/projects/<id:project_id>/trashing")


@blueprint.get("/new")
def new(project_id: int) -> Any:
    """What goes with the project, and whether somebody else has to agree."""
    return _page(_project(project_id), RequestForm(formdata=None))


@blueprint.post("")
def create(project_id: int) -> Any:
    """Into the trash with all its tasks; or a request, where the person may not do that alone."""
    project = _project(project_id)
    form = RequestForm()
    if not form.validate():
        return _page(project, form, 422)
    if project.living_children or _holds(project):
        return _page(project, form, 422)
    if project.may_be_trashed_by(current_user):
        project.trash(by=current_user)
        said, page = _("“%(project)s” is in the trash.", project=both(project, "name")), url_for("projects.index")
    else:
        Approval.ask(DeleteProject.of(project), by=current_user, reason=form.reason.data)
        said, page = _("Asked for deletion. Nothing is deleted yet."), url_for("approvals.index")
    commit()
    session["toast"] = {"message": said, "change": None}
    return answers.leave(page)


def _project(project_id: int) -> Project:
    project = access.get_project(project_id)
    if not project.may_be_trashed_by(current_user) and not DeleteProject.of(project).may_be_asked_by(current_user):
        raise NotAllowed("delete")
    return project


def _holds(project: Project) -> bool:
    """Another project waits for it, and the person may not take that away."""
    return not DeleteProject.of(project).is_let_go_by(current_user)


def _page(project: Project, form: RequestForm, status: int = 200) -> Any:
    operation = DeleteProject.of(project)
    return answers.dialog(
        "projects/trashing/_form.html", "layouts/alone.html", status, project=project, task=None, form=form,
        heading=_("Delete project"), alone=project.may_be_trashed_by(current_user), rule=operation.rule,
        rows=rows_of(operation.difference(by=current_user)), children=project.living_children,
        holds=_holds(project), keepers=sorted(GATE_KEEPERS),
    )  # fmt: skip
