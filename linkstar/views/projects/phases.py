from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.flow import PhaseForm
from linkstar.i18n import _, ngettext
from linkstar.models import Phase, Project, StillUsed
from linkstar.views import access

blueprint = Blueprint("phases", __name__, url_prefix="/projects/<id:project_id>/phases")


@blueprint.get("")
def index(project_id: int) -> Any:
    return _page(access.get_project(project_id, "edit"))


@blueprint.post("")
def create(project_id: int) -> Any:
    project = access.get_project(project_id, "edit")
    form = PhaseForm()
    if not form.validate():
        return _page(project, added=form, status=422)
    Phase.add(project, by=current_user, name_zh=form.name_zh.data, name_en=form.name_en.data)
    commit()
    return _back(project, _("Saved"))


@blueprint.post("/<id:phase_id>")
def update(project_id: int, phase_id: int) -> Any:
    """New names, or with `step` one place up (-1) or down (1)."""
    project = access.get_project(project_id, "edit")
    phase = _phase(project, phase_id)
    if request.form.get("step") in ("-1", "1"):
        phase.shift(int(request.form["step"]), by=current_user)
    else:
        form = PhaseForm()
        if not form.validate():
            return _page(project, changed={phase.id: form}, status=422)
        phase.rename(form.name_zh.data, form.name_en.data, by=current_user)
    commit()
    return _back(project, _("Saved"))


@blueprint.post("/<id:phase_id>/removal")
def destroy(project_id: int, phase_id: int) -> Any:
    project = access.get_project(project_id, "edit")
    try:
        _phase(project, phase_id).remove(by=current_user)
    except StillUsed as used:
        db.session.rollback()
        sentence = ngettext(
            "%(num)s task is still in it. Move it first.", "%(num)s tasks are still in it. Move them first.", used.count
        )
        return _page(access.get_project(project_id, "edit"), trouble=sentence, status=422)
    commit()
    return _back(project, _("Removed"))


def _phase(project: Project, phase_id: int) -> Phase:
    return next((phase for phase in project.phases if phase.id == phase_id), None) or abort(404)


def _page(
    project: Project, *, added: PhaseForm | None = None, changed: dict[int, PhaseForm] | None = None,
    trouble: str | None = None, status: int = 200,
) -> Any:  # fmt: skip
    forms = {phase.id: PhaseForm(formdata=None, obj=phase) for phase in project.phases} | (changed or {})
    drawn = render_template(
        "projects/phases/index.html", project=project, forms=forms, added=added or PhaseForm(formdata=None),
        trouble=trouble,
    )  # fmt: skip
    return make_response(drawn, status)


def _back(project: Project, message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("projects.phases.index", project_id=project.id), 303)
