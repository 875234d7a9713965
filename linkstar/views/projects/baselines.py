from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, session, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar.extensions import commit, db
from linkstar.forms.baseline import BaselineForm
from linkstar.i18n import _
from linkstar.models import Baseline, Project
from linkstar.reports.comparison import Comparison
from linkstar.views import access

blueprint = Blueprint("baselines", __name__, url_prefix="/projects/<id:project_id>/baselines")


@blueprint.get("")
def index(project_id: int) -> Any:
    return _page(access.get_project(project_id), BaselineForm(formdata=None))


@blueprint.post("")
def create(project_id: int) -> Any:
    project = access.get_project(project_id, "edit")
    form = BaselineForm()
    if not form.validate():
        return _page(project, form, 422)
    baseline = Baseline.take(project, form.name.data or "", by=current_user)
    commit()
    session["toast"] = {"message": _("Baseline taken"), "change": None}
    return redirect(url_for("projects.gantt.show", project_id=project.id, baseline=baseline.id), 303)


@blueprint.get("/<id:baseline_id>")
def show(project_id: int, baseline_id: int) -> Any:
    """What slipped since."""
    project = access.get_project(project_id)
    page = Comparison(_baseline(project, baseline_id), current_user)
    return render_template("projects/baselines/show.html", project=project, page=page)


@blueprint.post("/<id:baseline_id>/removal")
def destroy(project_id: int, baseline_id: int) -> Any:
    project = access.get_project(project_id, "edit")
    _baseline(project, baseline_id).delete(by=current_user)
    commit()
    session["toast"] = {"message": _("Removed"), "change": None}
    return redirect(url_for("projects.baselines.index", project_id=project.id), 303)


def _baseline(project: Project, baseline_id: int) -> Baseline:
    query = select(Baseline).where(Baseline.id == baseline_id, Baseline.project_id == project.id)
    return db.session.scalar(query) or abort(404)


def _page(project: Project, form: BaselineForm, status: int = 200) -> Any:
    drawn = render_template("projects/baselines/index.html", project=project, baselines=Baseline.of(project), form=form)
    return make_response(drawn, status)
