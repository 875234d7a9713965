from typing import Any

from flask import Blueprint, abort, redirect, render_template, session, url_for
from flask_login import current_user
from sqlalchemy import func, select

from linkstar.extensions import commit, db
from linkstar.forms.partner import ENDS_TOO_LATE, PartnerForm
from linkstar.i18n import _
from linkstar.models import Membership, NotAllowed, Partner, Plan, Project, Replan, Task
from linkstar.models.audit_event import new_change
from linkstar.models.task.two_sided import CLOSES, OPENS
from linkstar.planning.working_days import OutOfRange, country_of
from linkstar.reports.preview import Preview, overloads_of
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("partners", __name__, url_prefix="/partners")


@blueprint.get("")
def index() -> Any:
    mine = membership_inside()
    tasks = (
        select(func.count())
        .where(Task.partner_id == Partner.id, Task.seen_by(current_user), Task.completed_at.is_(None))
        .correlate(Partner)
        .scalar_subquery()
    )
    query = select(Partner, tasks).where(Partner.workspace_id == mine.workspace_id).order_by(Partner.name)
    return render_template("partners/index.html", partners=db.session.execute(query).all(), may_write=_may_write(mine))


@blueprint.get("/new")
def new() -> Any:
    _writer()
    return _page(PartnerForm(formdata=None, obj=_usual()).offer(_usual().timezone))


@blueprint.post("")
def create() -> Any:
    mine = _writer()
    form = PartnerForm().offer(_usual().timezone)
    if not _taken(form, mine):
        return _page(form), 422
    Partner.create(mine.workspace_id, form.values(), by=current_user)
    commit()
    return _back(_("Saved"))


@blueprint.get("/<id:partner_id>/edit")
def edit(partner_id: int) -> Any:
    partner = _get(_writer(), partner_id)
    return _page(PartnerForm(formdata=None, obj=partner).offer(partner.timezone), partner)


@blueprint.put("/<id:partner_id>")
def update(partner_id: int) -> Any:
    """Where it answers more slowly than before, what has to begin later is shown first, project by project."""
    mine = _writer()
    partner = _get(mine, partner_id, lock=True)
    form = PartnerForm().offer(partner.timezone)
    if not _taken(form, mine, partner):
        return _page(form, partner), 422
    if form.known.data != partner.fingerprint:
        return _page(form, partner, overtaken=True), 409
    change, days, country = new_change(), partner.answer_days, country_of(partner.timezone)
    partner.edit(form.values(), by=current_user, change=change)
    db.session.flush()
    slower = partner.answer_days > days or country_of(partner.timezone) != country
    try:
        replans = _replans(partner) if slower else []
    except OutOfRange:
        form.answer_days.errors = [ENDS_TOO_LATE]
        drawn = _page(form, partner)
        db.session.rollback()
        return drawn, 422
    seen = " ".join(replan.fingerprint for replan in replans)
    if replans and not (form.confirms and form.seen.data == seen):
        previews = [Preview(replan, current_user) for replan in replans]
        drawn = _page(form, partner, previews=previews, seen=seen, stale=bool(form.confirms))
        db.session.rollback()
        return drawn, 409 if form.confirms else 422
    moving = [replan for replan in replans if replan.shifts] if form.confirms == "others" else []
    for replan in moving:
        replan.apply(by=current_user, change=change)
    commit()
    return _back(_("Saved"), change if moving else None)


@blueprint.delete("/<id:partner_id>")
def destroy(partner_id: int) -> Any:
    partner = _get(_writer(), partner_id)
    partner.remove(by=current_user)
    commit()
    return _back(_("“%(name)s” is removed", name=partner.name))


def _replans(partner: Partner) -> list[Replan]:
    """What begins later, in the projects whose plan the person may change."""
    open_tasks = Task.partner_id == partner.id, Task.completed_at.is_(None), Task.trashed_at.is_(None)
    here = Project.id.in_(select(Task.project_id).where(*open_tasks))
    projects = db.session.scalars(Project.visible_to(current_user).where(here, Project.draft_of_id.is_(None)))
    found = []
    for project in sorted(projects, key=lambda each: each.id):
        plan = Plan(project, lock=True)
        replan = plan.with_answers([task for task in plan.own if task.partner_id == partner.id])
        preview = Preview(replan, current_user)
        if preview.asks and preview.may_push:
            found.append(replan)
    return found


def _usual() -> Partner:
    return Partner(timezone="America/Los_Angeles", works_from=OPENS, works_until=CLOSES, answer_days=1)


def _taken(form: PartnerForm, mine: Membership, partner: Partner | None = None) -> bool:
    if not form.validate():
        return False
    if Partner.is_taken(mine.workspace_id, form.name.data or "", besides=partner):
        form.name.errors = [_("There is a partner of this name already.")]
        return False
    return True


def _may_write(mine: Membership) -> bool:
    return mine.scope("edit") in ("all", "member")


def _writer() -> Membership:
    mine = membership_inside()
    if not _may_write(mine):
        raise NotAllowed("edit")
    return mine


def _get(mine: Membership, partner_id: int, *, lock: bool = False) -> Partner:
    query = select(Partner).where(Partner.id == partner_id, Partner.workspace_id == mine.workspace_id)
    return db.session.scalar(query.with_for_update() if lock else query) or abort(404)


def _page(
    form: PartnerForm, partner: Partner | None = None, *, previews: list[Preview] | None = None, seen: str = "",
    stale: bool = False, overtaken: bool = False,
) -> str:  # fmt: skip
    return render_template(
        "partners/edit.html", form=form, partner=partner, previews=previews or [], seen=seen, stale=stale,
        overtaken=overtaken, overloads=overloads_of([each.replan for each in previews or []], current_user),
    )  # fmt: skip


def _back(message: str, change: str | None = None) -> Any:
    session["toast"] = {"message": message, "change": change}
    return redirect(url_for("partners.index"), 303)
