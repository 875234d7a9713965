from typing import Any

from flask import Blueprint, redirect, session, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar.extensions import commit, db, limiter, write
from linkstar.forms.invitation import AcceptanceForm
from linkstar.i18n import _, both, speaking
from linkstar.models import MailedLink, Membership, Project, User
from linkstar.views import throttle
from linkstar.views.admission import public, reads_first
from linkstar.views.invitations.invitations import gone, page
from linkstar.views.sign_ins import let_in

blueprint = Blueprint("acceptance", __name__, url_prefix="/<token>/acceptance")


@blueprint.post("")
@public
@limiter.limit("100 per hour", key_func=throttle.address, deduct_when=throttle.refused)
@reads_first
def create(token: str) -> Any:
    """Takes an invitation up: for the person who is signed in, or for somebody who is new here."""
    invitation = MailedLink.find("invitation", token)
    if invitation is None:
        return gone()
    if not current_user.is_authenticated:
        with speaking(invitation.language):
            return _begin(token, invitation, AcceptanceForm().offer())
    if current_user.email != invitation.email:
        return page(invitation, AcceptanceForm().offer(), 403)
    write()
    if not _join(current_user._get_current_object(), invitation):
        return gone()
    commit()
    return _welcome(invitation, redirect(url_for("my_work.show"), 303))


def _begin(token: str, invitation: MailedLink, form: AcceptanceForm) -> Any:
    """An account of his own. Whoever left all workspaces comes back to his old one, with a new password."""
    if not form.passes(invitation.email):
        return page(invitation, form, 422)
    fresh = User(email=invitation.email)
    fresh.set_password(form.password.data or "")
    write()
    found = MailedLink.find("invitation", token)
    if found is None:
        return gone()
    user = db.session.scalar(select(User).where(User.email == found.email)) or fresh
    if user is not fresh and user.active:
        form.name.errors = [_("This does not go on like that. Whoever has an account signs in first, then accepts.")]
        return page(found, form, 422)
    user.name, user.language, user.timezone = form.name.data or "", form.language.data, form.timezone.data
    user.password_hash, user.active = fresh.password_hash, True
    db.session.add(user)
    db.session.flush()
    if not _join(user, found):
        return gone()
    return _welcome(found, let_in(user, wanted=None))


def _join(user: User, invitation: MailedLink) -> bool:
    """Once: of two who come at the same time one is let in."""
    if not invitation.use():
        db.session.rollback()
        return False
    invitation.user = user
    membership = Membership.join(user, invitation)
    project = db.session.get(Project, invitation.project_id) if invitation.project_id else None
    if project and not project.trashed_at and membership.role != "creator" and not project.has_member(user):
        project.add_member(user, by=user)
    return True


def _welcome(invitation: MailedLink, answer: Any) -> Any:
    message = _("Welcome to %(workspace)s", workspace=both(invitation.workspace, "name"))
    session["toast"] = {"message": message, "change": None}
    session["workspace_id"] = invitation.workspace_id
    return answer
