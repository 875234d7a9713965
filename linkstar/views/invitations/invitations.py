from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, session, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar import clock
from linkstar.extensions import commit, db
from linkstar.forms.invitation import AcceptanceForm, Guest, InvitationForm
from linkstar.i18n import _, language, ngettext, speaking
from linkstar.models import Approval, MailedLink, Membership, Project, User, invitations_to
from linkstar.models.audit_event import record
from linkstar.models.operations.role_change import RoleChange
from linkstar.views.admission import public
from linkstar.views.members.members import manager

blueprint = Blueprint("invitations", __name__, url_prefix="/invitations")

HOME = {"zh": "Asia/Shanghai", "en": "America/New_York"}


@blueprint.get("/new")
def new() -> Any:
    mine = manager(asks=True)
    form = InvitationForm(formdata=None, data={"language": language(), "role": "ops"}).offer(_projects(mine))
    return _form_page(mine, form, 200)


@blueprint.post("")
def create() -> Any:
    """All of them or none: one faulty line, and nobody is invited."""
    mine = manager(asks=True)
    form = InvitationForm().offer(_projects(mine))
    right = form.validate()
    guests = form.guests(_addresses(mine.workspace_id) if mine.administers else ())
    if not right or form.addresses.errors:
        return _form_page(mine, form, 422)
    if not mine.administers:
        return _ask(mine, form, guests)
    project = next((each for each in _projects(mine) if each.id == form.project_id.data), None)
    for guest in guests:
        Membership.invite(
            mine.workspace, guest.email, guest.name, form.role.data, form.language.data, by=current_user,
            project=project,
        )  # fmt: skip
    commit()
    return _back(ngettext("%(num)s invitation is on its way", "%(num)s invitations are on their way", len(guests)))


@blueprint.put("/<id:invitation_id>")
def update(invitation_id: int) -> Any:
    """Sends it again, with a new link; the old one opens nothing any more."""
    mine = manager()
    old = _get(mine, invitation_id)
    project = db.session.get(Project, old.project_id) if old.project_id else None
    Membership.invite(
        mine.workspace, old.email, old.name, old.role or "", old.language, by=current_user, project=project
    )
    commit()
    return _back(_("The invitation of %(name)s is on its way again", name=old.name))


@blueprint.delete("/<id:invitation_id>")
def destroy(invitation_id: int) -> Any:
    mine = manager()
    invitation = _get(mine, invitation_id)
    invitation.revoked_at = clock.now()
    record(
        "invitation.revoked", by=current_user, workspace_id=mine.workspace_id,
        changes={"invitation_id": (invitation.id, None)},
    )  # fmt: skip
    commit()
    return _back(_("The invitation of %(name)s opens nothing any more", name=invitation.name))


@blueprint.get("/<token>")
@public
def show(token: str) -> Response:
    """Who invites to what. Nothing is taken up by looking: mail programs look at links as well."""
    invitation = MailedLink.find("invitation", token)
    if invitation is None:
        return gone()
    values = {"name": invitation.name, "language": invitation.language, "timezone": HOME[invitation.language]}
    with speaking(invitation.language):
        return page(invitation, AcceptanceForm(formdata=None, data=values).offer())


def page(invitation: MailedLink, form: AcceptanceForm, status: int = 200) -> Response:
    return _unreferred(render_template("invitations/show.html", invitation=invitation, form=form), status)


def gone() -> Response:
    """The same for one that ran out, was used, was taken back, or never was."""
    return _unreferred(render_template("invitations/gone.html"), 404)


def _unreferred(text: str, status: int) -> Response:
    """The address holds the token, and is told to nobody."""
    response = make_response(text, status)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _get(mine: Membership, invitation_id: int) -> MailedLink:
    query = invitations_to(mine.workspace_id).where(MailedLink.id == invitation_id)
    return db.session.scalar(query) or abort(404)


def _projects(mine: Membership) -> list[Project]:
    query = Project.visible_to(current_user).where(Project.workspace_id == mine.workspace_id)
    return list(db.session.scalars(query.where(Project.draft_of_id.is_(None)).order_by(Project.id)))


def _addresses(workspace_id: int) -> set[str]:
    query = select(User.email).join(User.memberships).where(Membership.workspace_id == workspace_id)
    return set(db.session.scalars(query))


def _ask(mine: Membership, form: InvitationForm, guests: list[Guest]) -> Any:
    wanted = {
        "guests": [[guest.email, guest.name] for guest in guests], "role": form.role.data,
        "language": form.language.data, "project_id": form.project_id.data,
    }  # fmt: skip
    Approval.ask(RoleChange(mine.workspace_id, wanted), by=current_user, reason=form.reason.data)
    commit()
    return _back(_("Asked: an administrator decides"))


def _back(message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("members.index"), 303)


def _form_page(mine: Membership, form: InvitationForm, status: int) -> Response:
    return make_response(render_template("invitations/new.html", form=form, mine=mine), status)
