from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, url_for
from flask_login import current_user

from linkstar import clock
from linkstar.extensions import commit
from linkstar.forms.plan import AnchorForm, AnchorTimeForm
from linkstar.i18n import _, ngettext
from linkstar.models import Plan, Project
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.preview import Preview
from linkstar.views import access, answers

blueprint = Blueprint("anchor", __name__, url_prefix="/projects/<id:project_id>/anchor")


@blueprint.get("/edit")
def edit(project_id: int) -> Any:
    project = access.get_project(project_id, "edit")
    form = _form(project, formdata=None)
    form.day.data = project.anchor_at or project.anchor_on
    return _dialog(project, form)


@blueprint.post("")
def update(project_id: int) -> Any:
    """First what would move with the launch day; then, when that is confirmed, all of it as one change."""
    project = access.get_project(project_id, "edit")
    form = _form(project)
    if not form.validate() or not _fits(project, form):
        return _dialog(project, form, 422)
    plan = Plan(project, lock=True)
    if plan.anchor and plan.anchor.completed_at:
        form.day.errors = [_("That is over, so its day cannot be moved any more.")]
        return _dialog(project, form, 422)
    try:
        replan = plan.moved_to(form.day.data)
    except OutOfRange:
        form.day.errors = [_("With this day the plan would leave the years 2000 to 2100.")]
        return _dialog(project, form, 422)
    preview = Preview(replan, current_user)
    if form.seen.data != replan.fingerprint:
        return _dialog(project, form, 409 if form.confirms else 422, preview)
    change = replan.apply(by=current_user)
    commit()
    count = len(replan.shifts)
    return answers.changed(
        project, [shift.task for shift in replan.shifts],
        ngettext("%(num)s task moved", "%(num)s tasks moved", count) if count else _("Saved"),
        change=change if count else None, also="layouts/_no_dialog.html",
        back=url_for("projects.plan.show", project_id=project.id),
    )  # fmt: skip


def _form(project: Project, **given: Any) -> Any:
    return AnchorTimeForm(**given) if project.unit == "hour" else AnchorForm(**given)


def _fits(project: Project, form: Any) -> bool:
    """A day that has passed is no launch day; an incident is measured from when it happened."""
    if isinstance(form.day.data, datetime):
        return True
    if form.day.data < clock.today(ZoneInfo(current_user.timezone)):
        form.day.errors = [_("This day has passed. Choose today or a later one.")]
    return not form.day.errors


def _dialog(project: Project, form: Any, status: int = 200, preview: Preview | None = None) -> Any:
    return answers.dialog(
        "projects/anchor/_form.html", "layouts/alone.html", status, project=project, form=form, preview=preview,
        stale=status == 409, task=None,
    )  # fmt: skip
