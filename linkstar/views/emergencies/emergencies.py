from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar import packs
from linkstar.extensions import commit, db, limiter, read_only, record_id
from linkstar.forms.emergency import ClosureForm, EmergencyForm, ReopeningForm
from linkstar.i18n import _, moment
from linkstar.models import Declaration, Emergency, Membership, NotAllowed, Project
from linkstar.reports.emergencies import Emergencies, EmergencyPage
from linkstar.views import access
from linkstar.views.admission import polled
from linkstar.views.projects.wizard import once
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("emergencies", __name__, url_prefix="/emergencies")


@blueprint.get("")
def index() -> Any:
    return render_template("emergencies/index.html", page=Emergencies(membership_inside(), current_user))


@blueprint.get("/new")
def new() -> Any:
    """`?project=` is the one from whose page somebody came."""
    membership, about = _declarer()
    return _form_page(membership, about, EmergencyForm(formdata=None, project=about.id if about else None))


@blueprint.post("")
@limiter.limit("20 per minute", key_func=lambda: str(current_user.id))
def create() -> Any:
    membership, about = _declarer()
    form = EmergencyForm().offer(_projects(membership))
    if not form.validate():
        return _form_page(membership, about, form, 422)
    emergency = declaration(form, membership.workspace_id).declare(by=current_user)
    commit()
    session["toast"] = {"message": _said(emergency), "change": None}
    return to_page(emergency)


@blueprint.get("/<id:emergency_id>")
@polled
def show(emergency_id: int) -> Any:
    return page(access.get_emergency(emergency_id))


def page(emergency: Emergency, form: ClosureForm | None = None, reopening: ReopeningForm | None = None) -> str:
    """For htmx, which asks again while it is open, only the clock and what goes with it. What was learnt before it was
    reopened stands in the form already."""
    template = "emergencies/_redrawn.html" if request.htmx else "emergencies/show.html"  # type: ignore[attr-defined]
    page = EmergencyPage(emergency, current_user)
    form = form or ClosureForm(formdata=None, retrospective=emergency.retrospective)
    if page.may_withdraw:
        form.retrospective.label.text = _("What it really was")
    return render_template(
        template, page=page, emergency=emergency, form=form,
        reopening=reopening or ReopeningForm(formdata=None),
    )  # fmt: skip


def to_page(emergency: Emergency) -> Any:
    return redirect(url_for("emergencies.show", emergency_id=emergency.id), 303)


def gone_on(emergency: Emergency, *, reopened: bool = False) -> Any:
    """Somebody was faster, and nothing is wrong: its page says who, and when."""
    db.session.rollback()
    read_only()
    if request.htmx:  # type: ignore[attr-defined]
        return page(emergency)
    session["toast"] = {"message": _who_was_faster(emergency, reopened), "change": None}
    return to_page(emergency)


def _who_was_faster(emergency: Emergency, reopened: bool) -> str:
    zone = current_user.timezone
    if reopened and (person := emergency.reopened_by):
        at = moment(emergency.reopened_at, zone)
        return _("%(name)s has already reopened it: %(at)s", name=person.name, at=at)
    if person := emergency.closed_by:
        at = moment(emergency.closed_at, zone)
        return _("%(name)s has already closed it: %(at)s", name=person.name, at=at)
    if person := emergency.acknowledged_by:
        if person.id == current_user.id:
            return _("It is yours. Nobody else is called.")
        at = moment(emergency.acknowledged_at, zone)
        return _("%(name)s has already taken it up: %(at)s", name=person.name, at=at)
    return _("Somebody else was faster.")


def declaration(form: EmergencyForm, workspace_id: int, **source: Any) -> Declaration:
    """Of a form that was accepted."""
    about = db.session.get(Project, form.project.data) if form.project.data else None
    return Declaration(
        workspace_id=workspace_id, trigger=form.trigger.data or "", severity=form.severity.data,
        title=form.title.data or "", note=form.note.data, about=about, posts=form.posts.data, drill=form.drill.data,
        **source,
    )  # fmt: skip


def _declarer() -> tuple[Membership, Project | None]:
    """In the workspace of the project that the address names, whichever the person looks at; else in that one."""
    if (asked := request.args.get("project")) is None:
        membership, about = membership_inside(), None
    else:
        about = access.get_project(record_id(asked) or 0)
        membership = current_user.membership_in(about.workspace_id)
        if about.draft_of_id or about.drill:
            abort(404)
    if not Emergency.may_be_declared_by(current_user, membership.workspace_id, about):
        raise NotAllowed("create")
    return membership, about


def _projects(membership: Membership) -> list[Project]:
    """Those that the person may declare an emergency about."""
    return [
        each
        for each in db.session.scalars(Emergency.launches_in(membership.workspace_id, current_user))
        if Emergency.may_be_declared_by(current_user, membership.workspace_id, each)
    ]


def _form_page(membership: Membership, about: Project | None, form: EmergencyForm, status: int = 200) -> Any:
    projects = _projects(membership)
    asked: list[Project | None] = [*projects] or [None]
    at_once = {Emergency.may_hold(current_user, membership.workspace_id, each) for each in asked}
    levels = packs.emergency_flow().severity
    return render_template(
        "emergencies/new.html", form=form.offer(projects), about=about, levels=levels, at_once=at_once, once=once()
    ), status


def _said(emergency: Emergency) -> str:
    if emergency.drill:
        return _("The drill has begun. Nobody outside is told.")
    if emergency.about_id and emergency.held_at is None:
        return _("Declared. Legal has been told; what it names is held as soon as somebody takes it up.")
    return _("Declared. Legal has been told.")
