from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.checklist import ChecklistForm
from linkstar.i18n import _
from linkstar.models import Project
from linkstar.reports.gates import Gates
from linkstar.views import access
from linkstar.views.tasks.checklists import added, choice
from linkstar.views.tasks.moves import given

blueprint = Blueprint("checklists", __name__, url_prefix="/checklists")


@blueprint.get("/new")
def new(stage_id: int) -> Any:
    stage = access.get_stage(stage_id, "edit")
    return choice(stage.project, stage, ChecklistForm(formdata=None))


@blueprint.post("")
def create(stage_id: int) -> Any:
    stage = access.get_stage(stage_id, "edit")
    form = ChecklistForm()
    if not added(stage.project, stage, form):
        return choice(stage.project, stage, form, 422)
    commit()
    return answer(stage.project, _("List added"))


@blueprint.post("/<id:checklist_id>/removal")
def destroy(stage_id: int, checklist_id: int) -> Any:
    checklist = access.get_checklist(checklist_id, "edit")
    if checklist.stage_id != stage_id:
        abort(404)
    project = checklist.stage.project  # type: ignore[union-attr]
    checklist.remove(by=current_user)
    commit()
    return answer(project, _("List removed"))


def drawn(project: Project, **context: Any) -> str:
    """The page of the gates, or its middle; `asked` is the item whose form stands open."""
    template = "projects/gates/_gates.html" if request.htmx else "projects/gates/show.html"  # type: ignore[attr-defined]
    return render_template(template, project=project, gates=Gates(project, current_user), **context)


def answer(project: Project, said: str) -> Any:
    return given(
        project, [], said, also="projects/gates/_gates.html", gates=Gates(project, current_user), oob_gates=True,
        back=url_for("projects.gates.show", project_id=project.id),
    )  # fmt: skip
