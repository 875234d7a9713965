from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.forms import FIRST_DAY, LAST_DAY
from linkstar.forms.publication import PublicationForm, fill
from linkstar.i18n import _
from linkstar.models import StaleVersion, Task
from linkstar.planning.moments import day_seen_as
from linkstar.reports.publication import Publication
from linkstar.views import access, answers

blueprint = Blueprint("publication", __name__, url_prefix="/publication")


@blueprint.get("/edit")
def edit(task_id: int) -> Any:
    """The dialog; ?day= is where the post was put, at the hour that it has. While it is filled in, what it means."""
    task = access.get_task(task_id, "edit")
    if "time" in request.args:
        form = PublicationForm(request.args).offer(task)
        post = _post(task, form) if form.validate() else None
        if request.htmx:  # type: ignore[attr-defined]
            return render_template("tasks/publication/_meaning.html", post=post, form=form, task=task)
        return _dialog(task, form, post=post)
    form = PublicationForm(formdata=None, data=put_on_day(fill(task))).offer(task)
    return _dialog(task, form, post=_drafted(task, form))


@blueprint.post("")
def update(task_id: int) -> Any:
    """A cheerful post on a sensitive day is asked about first, and nothing is written."""
    task = access.get_task(task_id, "edit")
    form = PublicationForm().offer(task)
    if not form.validate():
        return _dialog(task, form, 422)
    post = _post(task, form)
    if form.answer.data == "another":
        return _dialog(task, form, post=post, choosing=True)
    answered = form.answer.data == "publish" and form.seen.data == post.fingerprint
    if post.warnings and not answered:
        return _dialog(task, form, 409 if form.answer.data == "publish" else 422, post=post, asks=True)
    try:
        change = task.edit(form.values(), by=current_user, version=form.version.data or 0)
    except StaleVersion:
        db.session.rollback()
        form.form_errors.append(_("Someone changed this task first. Look at it again, then save."))
        form.version.data = None
        return _dialog(access.get_task(task_id, "edit"), form, 409, post=post)
    commit()
    return _saved(task, _("Saved"), change)


@blueprint.delete("")
def destroy(task_id: int) -> Any:
    task = access.get_task(task_id, "edit")
    change = task.edit({"publish_at": None, "audience_timezone": None}, by=current_user)
    commit()
    return _saved(task, _("Publication removed"), change)


def put_on_day(planned: dict[str, Any]) -> dict[str, Any]:
    """The same on the day that the address names: one of the audience's or, with ?zone=, of the calendar that shows
    the post by the days of that zone. On the audience's clock it stays the same time."""
    zone = seen_from()
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return planned
    if not FIRST_DAY < day < LAST_DAY:
        return planned
    if zone:
        audience = ZoneInfo(planned["audience_timezone"])
        day = day_seen_as(day, planned["time"], audience, seen_from=ZoneInfo(zone))
    return planned | {"day": day}


def seen_from() -> str | None:
    """The zone by whose days the calendar shows what is planned, where the address names one."""
    zone = request.args.get("zone")
    return zone if zone in available_timezones() else None


def _post(task: Task, form: PublicationForm) -> Publication:
    assert form.moment
    zone, cheerful = form.audience_timezone.data, form.cheerful.data
    return Publication(
        task.workspace_id, form.moment, zone, current_user, cheerful=cheerful, seen_from=seen_from()
    )  # fmt: skip


def _drafted(task: Task, form: PublicationForm) -> Publication | None:
    """What the dialog begins with means something where there is a day."""
    return _post(task, form) if form.work_out() else None


def _saved(task: Task, said: str, change: str | None) -> Any:
    return answers.changed(
        task.project, [task], said, change=change, also="layouts/_no_dialog.html", task=task,
        back=url_for("tasks.show", task_id=task.id),
    )  # fmt: skip


def _dialog(task: Task, form: PublicationForm, status: int = 200, **context: Any) -> Any:
    return answers.dialog(
        "tasks/publication/_form.html", "layouts/alone.html", status, task=task, form=form, project=task.project,
        address=url_for("tasks.publication.update", task_id=task.id, zone=seen_from()),
        again=url_for("tasks.publication.edit", task_id=task.id, zone=seen_from()),
        stale=status == 409, **({"post": None, "asks": False, "choosing": False} | context),
    )  # fmt: skip
