from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.member import RoleForm
from linkstar.i18n import _
from linkstar.models import Approval, LastAdministrator, Membership, StillOwns
from linkstar.models.operations.role_change import RoleChange
from linkstar.reports.people import RoleDifference
from linkstar.views.members.members import get_member, manager

blueprint = Blueprint("role", __name__, url_prefix="/<id:member_id>/role")


@blueprint.get("")
def edit(member_id: int) -> Any:
    """Another role, and what it would give and take."""
    member, mine = get_member(member_id), manager(asks=True)
    form = RoleForm(request.args if "role" in request.args else None, data={"role": member.role}).offer()
    right = "role" not in request.args or form.validate()
    return _page(member, mine, form, 200 if right else 422)


@blueprint.put("")
def update(member_id: int) -> Any:
    """First what changes with the role; then, when that is confirmed, the change, or the request for it."""
    member, mine = get_member(member_id), manager(asks=True)
    form = RoleForm().offer()
    if not form.validate():
        return _page(member, mine, form, 422)
    if form.seen.data != member.role or form.confirmed.data != form.role.data:
        return _page(member, mine, form, 409 if form.confirmed.data else 422)
    if not mine.administers:
        return _ask(member, mine, form)
    try:
        member.change_role(form.role.data, by=current_user)
    except LastAdministrator:
        form.role.errors = [_("The workspace needs an administrator. Make somebody else one first.")]
        return _page(member, mine, form, 422)
    except StillOwns:
        form.role.errors = [_("Who becomes a creator hands over projects and open tasks first.")]
        return _page(member, mine, form, 422)
    commit()
    return _back(_("%(name)s has another role now", name=member.user.name))


def _ask(member: Membership, mine: Membership, form: RoleForm) -> Any:
    wanted = {"user_id": member.user_id, "role": form.role.data}
    Approval.ask(RoleChange(mine.workspace_id, wanted), by=current_user, reason=form.reason.data)
    commit()
    return _back(_("Asked: an administrator decides"))


def _back(message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("members.index"), 303)


def _page(member: Membership, mine: Membership, form: RoleForm, status: int) -> Any:
    changes = not form.errors and form.role.data != member.role
    difference = RoleDifference(member, form.role.data) if changes else None
    page = render_template(
        "members/role/edit.html", member=member, mine=mine, form=form, difference=difference, stale=status == 409
    )
    return make_response(page, status)
