from typing import Any

from flask import Blueprint, redirect, request, url_for

from linkstar.views.admission import reads_first
from linkstar.views.projects import wizard

blueprint = Blueprint("previews", __name__)


@blueprint.get("/projects/previews")
def index() -> Any:
    """A preview is kept nowhere; who comes back to its address begins again."""
    wizard.workspace_for_new()
    return redirect(url_for("projects.new"), 303)


@blueprint.post("/projects/previews")
@reads_first
def create() -> Any:
    """What the project would become; nothing is written. With `change` the form again, as it was filled in."""
    membership = wizard.workspace_for_new()
    version = wizard.chosen_version(membership)
    if version is None:
        return wizard.template_gone(membership)
    form = wizard.form_of(version, membership)
    if "change" in request.form:
        return wizard.form_page(form)
    if not form.validate():
        return wizard.form_page(form, 422)
    return wizard.preview_page(form, form.launch())
