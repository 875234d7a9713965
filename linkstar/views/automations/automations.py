from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db, record_id
from linkstar.forms.automation import AutomationForm
from linkstar.i18n import _, both
from linkstar.models import Automation, Emergency, Membership, Missing, NotAllowed, Project, StaleVersion
from linkstar.reports.automations import WHY_NOT, Automations, Choices, Runs, Wording
from linkstar.reports.rehearsal import Rehearsal
from linkstar.views.workspaces import look_at, membership_inside

blueprint = Blueprint("automations", __name__, url_prefix="/automations")


@blueprint.get("")
def index() -> Any:
    """`?project_id=` is the one from whose page somebody came; a new one begins with it."""
    if asked := request.args.get("workspace"):
        look_at(asked)
        return redirect(url_for("automations.index", project_id=_asked_project()), 303)
    membership = membership_inside()
    report = Automations(current_user, membership.workspace_id)
    return render_template(
        "automations/index.html", report=report, may_add=_may_add(membership), project_id=_asked_project()
    )


@blueprint.get("/new")
def new() -> Any:
    membership = membership_of_keeper()
    form = AutomationForm.of(None)
    form.project_id.data = _asked_project()
    return page(_offered(membership, form), None)


@blueprint.post("")
def create() -> Any:
    membership = membership_of_keeper()
    form = AutomationForm.typed()
    if answer := _not_saved(membership, form, None):
        return answer
    automation = Automation.create(membership.workspace_id, _project(form), form.values(), by=current_user)
    commit()
    return saved(automation, _("Saved. It is off until you switch it on."))


@blueprint.get("/<id:automation_id>")
def show(automation_id: int) -> Any:
    """What it did, and why it did not."""
    automation = find(automation_id)
    return render_template(
        "automations/show.html",
        automation=automation,
        wording=Wording(automation.workspace_id, [automation]),
        gone=Missing(automation.workspace_id, [automation]).of(automation),
        runs=Runs(automation, current_user, record_id(request.args.get("before", ""))),
    )


@blueprint.get("/<id:automation_id>/edit")
def edit(automation_id: int) -> Any:
    automation = find(automation_id, keeper=True)
    return page(_offered(membership_inside(), AutomationForm.of(automation)), automation)


@blueprint.put("/<id:automation_id>")
def update(automation_id: int) -> Any:
    automation = find(automation_id, keeper=True)
    form = AutomationForm.typed()
    if answer := _not_saved(membership_inside(), form, automation):
        return answer
    try:
        automation.edit(form.values(), _project(form), by=current_user, version=form.version.data or 0)
    except StaleVersion:
        db.session.rollback()
        return _overtaken(form, automation), 409
    commit()
    return saved(automation, _("Saved"))


@blueprint.delete("/<id:automation_id>")
def destroy(automation_id: int) -> Any:
    automation = find(automation_id, keeper=True)
    automation.remove(by=current_user)
    commit()
    session["toast"] = {"message": _("Removed"), "change": None}
    return redirect(url_for("automations.index"), 303)


def find(automation_id: int, *, keeper: bool = False) -> Automation:
    membership = membership_inside()
    automation = Automations(current_user, membership.workspace_id).one(automation_id) or abort(404)
    if keeper and not automation.is_kept_by(current_user):
        raise NotAllowed("edit")
    return automation


def membership_of_keeper() -> Membership:
    membership = membership_inside()
    if not _may_add(membership):
        raise NotAllowed("admin")
    return membership


def _may_add(membership: Membership) -> bool:
    return membership.keeps_workspace or bool(_projects(membership))


def _projects(membership: Membership) -> list[Project]:
    """Where the person may let automations run: in all, or in those of the person's own."""
    query = Emergency.launches_in(membership.workspace_id, current_user)
    if not membership.keeps_workspace:
        query = query.where(Project.owner_id == current_user.id)
    return list(db.session.scalars(query))


def _project(form: AutomationForm) -> Project | None:
    return db.session.get(Project, form.project_id.data) if form.project_id.data else None


def _asked_project() -> int | None:
    return record_id(request.args.get("project_id", ""))


def _overtaken(form: AutomationForm, automation: Automation) -> str:
    """What was typed stays, beside what somebody else has made of it; sent again it takes that one's place."""
    form.version.data, form.version.raw_data = automation.version, None
    said = _(
        "Someone changed it first. What you typed is below and is not saved yet. It is now “%(name)s”, %(place)s: "
        "%(sentence)s",
        name=automation.name,
        place=both(automation.project, "name") if automation.project else _("All projects"),
        sentence=Wording(automation.workspace_id, [automation]).sentence(automation),
    )
    form.form_errors.append(said)
    return page(form, automation)


def _not_saved(membership: Membership, form: AutomationForm, automation: Automation | None) -> Any:
    """The form once more: with other rows, with what it would have done, or with what is wrong."""
    _offered(membership, form)
    if not (form.saves or form.rehearses):
        return page(form, automation)
    if not form.validate():
        return page(form, automation), 422
    if form.saves:
        return None
    tried = Automation(
        workspace_id=membership.workspace_id, project_id=form.project_id.data, owner=current_user._get_current_object(),
        **form.values(),
    )  # fmt: skip
    return page(form, automation, tried)


def _offered(membership: Membership, form: AutomationForm) -> AutomationForm:
    projects = _projects(membership)
    chosen = next((each for each in projects if each.id == form.project_id.data), None)
    if chosen is None and not membership.keeps_workspace:
        chosen = projects[0] if projects else None
    choices = Choices(current_user, membership.workspace_id, chosen)
    return form.offer(projects, choices.of, whole=membership.keeps_workspace)


def page(form: AutomationForm, automation: Automation | None, tried: Automation | None = None) -> str:
    """`tried`: the automation that was rehearsed, which is nowhere but in the form."""
    return render_template(
        "automations/form.html",
        form=form,
        automation=automation,
        tried=tried,
        rehearsal=Rehearsal(tried, current_user) if tried else None,
        wording=Wording(tried.workspace_id, [tried]) if tried else None,
        why_not=WHY_NOT,
    )


def saved(automation: Automation, said: str) -> Any:
    session["toast"] = {"message": said, "change": None}
    return redirect(url_for("automations.show", automation_id=automation.id), 303)
