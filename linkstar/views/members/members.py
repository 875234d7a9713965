from typing import Any

from flask import Blueprint, abort, redirect, render_template, session, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar.extensions import commit, db
from linkstar.forms.member import ContactForm, HoursForm
from linkstar.i18n import _
from linkstar.models import MailedLink, Membership, NotAllowed, SecondFactor, entries_to
from linkstar.models.operations.role_change import RoleChange
from linkstar.reports.people import People
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("members", __name__, url_prefix="/members")


def manager(*, asks: bool = False) -> Membership:
    """The person who manages the people of the workspace, or who may at least ask for it."""
    mine = membership_inside()
    if not mine.administers and not (asks and RoleChange.is_asked_by(mine)):
        raise NotAllowed("admin")
    return mine


def get_member(member_id: int) -> Membership:
    """Somebody of the workspace that is looked at."""
    here = membership_inside().workspace_id
    query = select(Membership).where(Membership.id == member_id, Membership.workspace_id == here)
    return db.session.scalar(query) or abort(404)


@blueprint.get("")
def index() -> Any:
    mine = membership_inside()
    may_ask = mine.administers or RoleChange.is_asked_by(mine)
    return render_template("members/index.html", people=People(mine), mine=mine, may_ask=may_ask)


@blueprint.get("/<id:member_id>/edit")
def edit(member_id: int) -> Any:
    member = _reachable(member_id)
    return _page(member, _form(member)(formdata=None, obj=member))


@blueprint.put("/<id:member_id>")
def update(member_id: int) -> Any:
    member = _reachable(member_id)
    form = _form(member)()
    if not form.validate():
        return _page(member, form), 422
    if isinstance(form, HoursForm):
        member.write_hours(form.hours_a_day.data or 0, by=current_user)
    else:
        member.write_contact(form.contact.data, by=current_user)
    commit()
    session["toast"] = {"message": _("Saved"), "change": None}
    return redirect(url_for("members.index"), 303)


def _form(member: Membership) -> type[ContactForm | HoursForm]:
    """Of a creator it is kept how to reach the person; of everybody else, how much the person can do."""
    return HoursForm if member.of_the_team else ContactForm


def _reachable(member_id: int) -> Membership:
    """Somebody whose contact the reader may know, to write it."""
    member = get_member(member_id)
    if not People(manager()).shows_contact(member):
        raise NotAllowed("see_creator_contacts")
    return member


def back_to_edit(member: Membership, message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("members.edit", member_id=member.id), 303)


def _page(member: Membership, form: ContactForm | HoursForm) -> str:
    links = entries_to(member.workspace_id).where(MailedLink.user_id == member.user_id)
    may_reset = SecondFactor(member.user).may_be_reset_by(current_user)
    return render_template(
        "members/edit.html", member=member, form=form, links=list(db.session.scalars(links)), may_reset=may_reset
    )
