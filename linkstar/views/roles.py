from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar import packs
from linkstar.extensions import commit
from linkstar.forms.role import MatrixForm
from linkstar.i18n import _
from linkstar.models import PERMISSIONS, ROLES, MatrixChanged, Workspace
from linkstar.models.role import choices
from linkstar.views.members.members import manager
from linkstar.views.workspaces import membership_inside
from linkstar.words import SCOPES_EXPLAINED

blueprint = Blueprint("roles", __name__, url_prefix="/roles")


@blueprint.get("")
def index() -> Any:
    """What each role may do, as the server enforces it."""
    mine = membership_inside()
    return _page("roles/index.html", mine.workspace, MatrixForm(mine.workspace), 200, may_edit=mine.administers)


@blueprint.get("/edit")
def edit() -> Any:
    workspace = manager().workspace
    return _page("roles/edit.html", workspace, MatrixForm(workspace), 200)


@blueprint.put("")
def update() -> Any:
    """First what would change; then, when that is confirmed, all of it."""
    workspace = manager().workspace
    workspace.hold()
    form = MatrixForm(workspace, request.form)
    if not form.seen or not form.validate():
        return _page("roles/edit.html", workspace, form, 422)
    if not form.changes and not form.factor_changes:
        return _back(_("Nothing was changed"))
    if form.seen == workspace.matrix_seen and form.confirmed != form.fingerprint:
        return _page("roles/edit.html", workspace, form, 422, summary=True)
    try:
        workspace.write_matrix(form.matrix, form.second_factor, seen=form.seen, by=current_user)
    except MatrixChanged:
        return _page("roles/edit.html", workspace, form, 409, summary=True)
    commit()
    return _back(_("The roles are changed, from now on and for everybody"))


def _back(message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("roles.index"), 303)


def _page(template: str, workspace: Workspace, form: MatrixForm, status: int, **more: Any) -> Any:
    pack, rules = packs.pack(), packs.read(packs.WORKFLOWS)["extra_rules"]
    text = render_template(
        template, workspace=workspace, form=form, roles=ROLES, permissions=PERMISSIONS, choices=choices,
        scopes_explained=SCOPES_EXPLAINED,
        rules=rules, operations=pack.sensitive_operations, stale=status == 409, **more,
    )  # fmt: skip
    return make_response(text, status)
