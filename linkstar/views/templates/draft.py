from typing import Any

from flask import Blueprint, redirect, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.models import TemplateDraft
from linkstar.views import access

blueprint = Blueprint("draft", __name__, url_prefix="/templates/<id:template_id>/draft")


@blueprint.post("")
def create(template_id: int) -> Any:
    """Opens the template as a project to be edited; the same one for everybody."""
    template = access.get_template(template_id, "edit")
    project = TemplateDraft(template).open(by=current_user)
    commit()
    return redirect(url_for("projects.board.show", project_id=project.id), 303)


@blueprint.delete("")
def destroy(template_id: int) -> Any:
    template = access.get_template(template_id, "edit")
    TemplateDraft(template).discard(by=current_user)
    commit()
    session["toast"] = {"message": _("The draft is discarded. The template stays as it was."), "change": None}
    return redirect(url_for("templates.show", template_id=template.id), 303)
