from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from linkstar.extensions import commit, db
from linkstar.forms.member import ReachForm
from linkstar.i18n import _
from linkstar.models import Membership, NotAllowed, Project, ProjectMember, User
from linkstar.views import access
from linkstar.words import REACH_NAMES

blueprint = Blueprint("members", __name__, url_prefix="/projects/<id:project_id>/members")


@blueprint.get("")
def index(project_id: int) -> Any:
    project = access.get_project(project_id)
    if current_user.membership_in(project.workspace_id).external:
        raise NotAllowed("edit")  # an outsider is not told who there is
    return _page(project)


@blueprint.post("")
def create(project_id: int) -> Any:
    """Lets a person of the workspace take part in the project."""
    project = access.get_project(project_id, "edit")
    user_id = request.form.get("user_id", type=int)
    person = next((each.user for each in _candidates(project) if each.user_id == user_id), None)
    if person is None:
        return _page(project, _("Choose somebody of the workspace who does not take part yet.")), 422
    project.add_member(person, by=current_user)
    commit()
    return _back(project, _("%(name)s takes part now", name=person.name))


@blueprint.put("/<id:user_id>")
def update(project_id: int, user_id: int) -> Any:
    """How far somebody who takes part reaches in the project."""
    project = access.get_project(project_id)
    if not project.may_narrow(current_user):
        raise NotAllowed("narrow")
    member = db.session.get(ProjectMember, (project.id, user_id)) or abort(404)
    form = ReachForm().offer()
    if not form.validate():
        return _page(project, form.reach.errors[0]), 422
    if not project.can_narrow(member.user):
        return _page(project, _("Owners and administrators are never narrowed.")), 422
    reach = form.reach.data
    project.narrow(member.user, None if reach == "role" else reach, by=current_user)
    commit()
    return _back(project, _("%(name)s now reaches: %(reach)s", name=member.user.name, reach=REACH_NAMES[reach]))


@blueprint.post("/<id:user_id>/removal")
def destroy(project_id: int, user_id: int) -> Any:
    """Somebody no longer takes part. Tasks that the person owns stay the person's, and visible to the person."""
    project = access.get_project(project_id, "edit")
    member = db.session.get(ProjectMember, (project.id, user_id)) or abort(404)
    if user_id == project.owner_id:
        return _page(project, _("The project's owner always takes part.")), 422
    name = db.session.get_one(User, user_id).name
    project.remove_member(member, by=current_user)
    commit()
    return _back(project, _("%(name)s no longer takes part", name=name))


def _candidates(project: Project) -> list[Membership]:
    """People of the workspace who could join: creators are given single tasks instead."""
    joined = select(ProjectMember.user_id).where(ProjectMember.project_id == project.id)
    query = (
        select(Membership)
        .join(Membership.user)
        .where(Membership.workspace_id == project.workspace_id, Membership.role != "creator", User.active)
        .where(Membership.user_id.not_in(joined))
        .options(joinedload(Membership.user))
        .order_by(User.id)
    )
    return list(db.session.scalars(query).unique())


def _page(project: Project, trouble: str | None = None) -> str:
    members = (
        select(Membership)
        .join(ProjectMember, ProjectMember.user_id == Membership.user_id)
        .where(ProjectMember.project_id == project.id, Membership.workspace_id == project.workspace_id)
        .options(joinedload(Membership.user))
        .order_by(Membership.user_id)
    )
    may_edit = project.allows(current_user, "edit")
    return render_template(
        "projects/members/index.html",
        project=project,
        members=list(db.session.scalars(members).unique()),
        candidates=_candidates(project) if may_edit else [],
        may_edit=may_edit,
        may_narrow=project.may_narrow(current_user),
        trouble=trouble,
    )


def _back(project: Project, message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    still_seen = db.session.scalar(Project.visible_to(current_user).where(Project.id == project.id))
    page = url_for("projects.members.index", project_id=project.id) if still_seen else url_for("projects.index")
    return redirect(page, 303)
