from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.member import DepartureForm
from linkstar.i18n import _
from linkstar.models import CannotTakeOver, Handover, LastAdministrator, User
from linkstar.reports.overload import Overload, Wanted
from linkstar.views.members.members import get_member, manager

blueprint = Blueprint("departure", __name__, url_prefix="/<id:member_id>/departure")


@blueprint.get("/new")
def new(member_id: int) -> Any:
    """What the person looks after, and who could take it over."""
    handover = Handover(get_member(member_id))
    manager()
    return _page(handover, _form(handover, formdata=None), 200)


@blueprint.post("")
def create(member_id: int) -> Any:
    """The person is out of the workspace, and everything of the person's is the successor's. Where that is too much
    for the successor it is said first, and the same choice again means all the same."""
    handover = Handover(get_member(member_id))
    manager()
    form = _form(handover)
    name = handover.user.name
    if not form.validate():
        return _page(handover, form, 422)
    chosen = next((each.user for each in handover.successors if each.user_id == form.successor_id.data), None)
    if chosen and request.form.get("overload", type=int) != chosen.id and (overload := _overload(handover, chosen)):
        return _page(handover, form, 422, overload)
    try:
        handover.run(chosen, by=current_user)
    except CannotTakeOver:
        form.successor_id.errors = [_("Choose who takes over. Nothing is left without an owner.")]
        return _page(handover, form, 422)
    except LastAdministrator:
        form.successor_id.errors = [_("The workspace needs an administrator. Make somebody else one first.")]
        return _page(handover, form, 422)
    commit()
    session["toast"] = {"message": _("%(name)s is out, on all devices", name=name), "change": None}
    return redirect(url_for("members.index"), 303)


def _form(handover: Handover, **given: Any) -> DepartureForm:
    return DepartureForm(**given).offer(handover.successors, needed=handover.is_needed)


def _overload(handover: Handover, successor: User) -> Overload | None:
    """What would be too much for the successor; who else could take over is of the role of either."""
    wanted = [Wanted(task.project, task, successor, {}) for task in handover.tasks]
    others = [each.user for each in handover.successors]
    return next(iter(Overload.of_all(wanted, current_user, lambda: others, [handover.membership.role])), None)


def _page(handover: Handover, form: DepartureForm, status: int, overload: Overload | None = None) -> Any:
    page = render_template("members/departure/new.html", handover=handover, form=form, overload=overload)
    return make_response(page, status)
