from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user

from linkstar import packs
from linkstar.extensions import commit, db
from linkstar.i18n import _
from linkstar.models import InstalledPack, Membership, Template, start_blank
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("setups", __name__)


@blueprint.get("/setup")
def new() -> Any:
    """What a new workspace can begin with; afterwards, what it began with."""
    return _page(membership_inside(keeper=True))


@blueprint.post("/setup")
def create() -> Any:
    membership = membership_inside(keeper=True)
    choice = request.form.get("choice")
    if membership.workspace.set_up_at:
        return redirect(url_for("setups.new"), 303)
    if choice == "blank":
        start_blank(membership.workspace, by=current_user)
    elif choice in packs.shipped():
        InstalledPack.install(membership.workspace, packs.pack(choice), by=current_user)
    else:
        return _page(membership, _("Choose a pack, or to start blank.")), 422
    commit()
    return redirect(url_for("setups.new"), 303)


def _page(membership: Membership, trouble: str | None = None) -> str:
    here = membership.workspace_id
    if not membership.workspace.set_up_at:
        offered = [packs.pack(key) for key in packs.shipped()]
        return render_template("setups/new.html", offered=offered, trouble=trouble)
    templates = Template.visible_to(current_user).where(Template.workspace_id == here)
    return render_template(
        "setups/done.html",
        workspace=membership.workspace,
        installed=list(
            db.session.scalars(InstalledPack.visible_to(current_user).where(InstalledPack.workspace_id == here))
        ),
        templates=list(db.session.scalars(templates.order_by(Template.id))),
    )
