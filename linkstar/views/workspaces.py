from typing import Any

from flask import Blueprint, abort, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, record_id
from linkstar.forms.workspace import WorkspaceForm
from linkstar.i18n import _
from linkstar.models import Membership, NotAllowed, StorageUse, example, set_rule
from linkstar.views.shell import Shell

blueprint = Blueprint("workspaces", __name__)


def membership_inside(*, keeper: bool = False) -> Membership:
    """The person in the workspace that is looked at. Outsiders are not told how it works inside."""
    membership = Shell(current_user).membership or abort(404)
    if membership.external or (keeper and not membership.keeps_workspace):
        raise NotAllowed("admin")
    return membership


def look_at(workspace_id: str) -> None:
    """A link of ours leads to a list of another workspace than the chosen one: from here on it is that one."""
    membership = current_user.membership_in(record_id(workspace_id) or 0) or abort(404)
    if membership.external:
        raise NotAllowed("admin")
    session["workspace_id"] = membership.workspace_id


@blueprint.get("/workspace")
def show() -> Any:
    membership = membership_inside()
    return _page(membership, WorkspaceForm(formdata=None, data={"code_rule": membership.workspace.code_rule}))


@blueprint.put("/workspace")
def update() -> Any:
    membership = membership_inside(keeper=True)
    form = WorkspaceForm()
    if not form.validate():
        return _page(membership, form), 422
    set_rule(membership.workspace, form.code_rule.data, by=current_user)
    commit()
    session["toast"] = {"message": _("Saved"), "change": None}
    return redirect(url_for("workspaces.show"), 303)


def _page(membership: Membership, form: WorkspaceForm) -> str:
    workspace = membership.workspace
    return render_template(
        "workspaces/show.html",
        membership=membership,
        workspace=workspace,
        example=example(workspace.code_rule),
        form=form,
        storage=StorageUse(workspace.id),
    )
