from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db, limiter
from linkstar.forms.inlet import InletForm
from linkstar.i18n import _
from linkstar.models import Emergency, Inlet, Membership, Project
from linkstar.views.idempotency import keep_no_answer
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("inlets", __name__, url_prefix="/inlets")


@blueprint.get("")
def index() -> Any:
    membership = membership_inside(keeper=True)
    return _page(membership, InletForm(formdata=None).offer(_projects(membership)))


@blueprint.post("")
@limiter.limit("20 per hour", key_func=lambda: str(current_user.id))
def create() -> Any:
    """The answer shows the address, once."""
    membership = membership_inside(keeper=True)
    form = InletForm().offer(_projects(membership))
    if not form.validate():
        return _page(membership, form), 422
    project = db.session.get(Project, form.project.data) if form.project.data else None
    inlet = Inlet.create(
        membership.workspace_id, form.name.data or "", form.purpose.data or "", by=current_user, project=project
    )
    commit()
    keep_no_answer()
    address = current_app.config["PUBLIC_URL"] + url_for("incoming.create", token=inlet.token)
    return render_template("inlets/create.html", inlet=inlet, address=address)


@blueprint.delete("/<id:inlet_id>")
def destroy(inlet_id: int) -> Any:
    membership = membership_inside(keeper=True)
    inlet = db.session.get(Inlet, inlet_id)
    if inlet is None or inlet.workspace_id != membership.workspace_id:
        abort(404)
    inlet.revoke(by=current_user)
    commit()
    session["toast"] = {"message": _("“%(name)s” is revoked", name=inlet.name), "change": None}
    return redirect(url_for("inlets.index"), 303)


def _projects(membership: Membership) -> list[Project]:
    return list(db.session.scalars(Emergency.launches_in(membership.workspace_id, current_user)))


def _page(membership: Membership, form: InletForm) -> str:
    return render_template("inlets/index.html", inlets=Inlet.of(membership.workspace_id), form=form)
