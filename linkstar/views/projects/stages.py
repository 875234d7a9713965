from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms.flow import StageForm
from linkstar.i18n import _, ngettext
from linkstar.models import FlowBroken, Project, Stage, StillUsed
from linkstar.views import access

blueprint = Blueprint("stages", __name__, url_prefix="/projects/<id:project_id>/stages")


@blueprint.get("")
def index(project_id: int) -> Any:
    return _page(access.get_project(project_id, "edit"))


@blueprint.post("")
def create(project_id: int) -> Any:
    project = access.get_project(project_id, "edit")
    form = StageForm().offer()
    if not form.validate():
        return _page(project, added=form, status=422)
    Stage.add(project, by=current_user, **form.data)
    commit()
    return _back(project, _("Saved"))


@blueprint.post("/<id:stage_id>")
def update(project_id: int, stage_id: int) -> Any:
    """New values, or with `step` one place up (-1) or down (1)."""
    project = access.get_project(project_id, "edit")
    stage = _stage(project, stage_id)
    form = StageForm().offer()
    step = request.form.get("step")
    if step not in ("-1", "1") and not form.validate():
        return _page(project, changed={stage.id: form}, status=422)
    try:
        if step in ("-1", "1"):
            stage.shift(int(step), by=current_user)
        else:
            stage.edit(by=current_user, **form.data)
    except (FlowBroken, StillUsed) as refusal:
        return _refused(project_id, refusal)
    commit()
    return _back(project, _("Saved"))


@blueprint.post("/<id:stage_id>/removal")
def destroy(project_id: int, stage_id: int) -> Any:
    project = access.get_project(project_id, "edit")
    try:
        _stage(project, stage_id).remove(by=current_user)
    except (FlowBroken, StillUsed) as refusal:
        return _refused(project_id, refusal)
    commit()
    return _back(project, _("Removed"))


def _stage(project: Project, stage_id: int) -> Stage:
    return next((stage for stage in project.stages if stage.id == stage_id), None) or abort(404)


def _refused(project_id: int, refusal: FlowBroken | StillUsed) -> Any:
    db.session.rollback()
    if isinstance(refusal, StillUsed):
        sentence = ngettext(
            "%(num)s task is still in it. Move it first.", "%(num)s tasks are still in it. Move them first.",
            refusal.count,
        )  # fmt: skip
    else:
        sentence = _("The first stage is one of kind “To do”, and the last one of kind “Done”.")
    return _page(access.get_project(project_id, "edit"), trouble=sentence, status=422)


def _page(
    project: Project, *, added: StageForm | None = None, changed: dict[int, StageForm] | None = None,
    trouble: str | None = None, status: int = 200,
) -> Any:  # fmt: skip
    forms = {stage.id: StageForm(formdata=None, obj=stage).offer() for stage in project.stages} | (changed or {})
    drawn = render_template(
        "projects/stages/index.html", project=project, forms=forms, trouble=trouble,
        added=added or StageForm(formdata=None, kind="active").offer(),
    )  # fmt: skip
    return make_response(drawn, status)


def _back(project: Project, message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("projects.stages.index", project_id=project.id), 303)
