from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user
from sqlalchemy.orm import joinedload

from linkstar.extensions import commit, db, record_id
from linkstar.forms.approval import RequestForm
from linkstar.forms.bulk_edit import BulkEditForm
from linkstar.i18n import _, ngettext
from linkstar.models import (
    Approval,
    BulkEdit,
    ChangeMany,
    DayPassed,
    Label,
    MoveRefused,
    NotAllowed,
    Project,
    Task,
    User,
)
from linkstar.models.bulk_edit import Row
from linkstar.reports.obstacles import Obstacles
from linkstar.reports.overload import Overload, Wanted
from linkstar.views import access
from linkstar.views.admission import own_path
from linkstar.words import roles_in_words

blueprint = Blueprint("bulk_edits", __name__, url_prefix="/projects/<id:project_id>/bulk-edits")

MOST = 500


@blueprint.post("")
def create(project_id: int) -> Any:
    """First what would become of each task, then, when that is confirmed, all of it as one change."""
    project = access.get_project(project_id)
    if not project.may_change_tasks(current_user):
        raise NotAllowed("edit")
    tasks = _chosen_tasks(project)
    form = BulkEditForm().offer(project)
    passed = form.validate()
    trouble = None if tasks else _("Choose at least one task first.")
    if tasks and passed and form.asks_nothing and "confirmed" in request.form:
        trouble = _("Choose what to change.")
    edit = _edit(project, tasks, form) if passed else None
    overloads = _overloads(project, edit) if edit and not form.asks_nothing else []
    unanswered = {each.owner.id for each in overloads} - set(request.form.getlist("overload", type=int))
    if unanswered and not trouble and "confirmed" in request.form:
        trouble = _("Somebody would have too much to do. Look at it, then change them all the same.")
    if edit and not trouble and "confirmed" in request.form and not any(row.changes for row in edit.rows()):
        trouble = _("None of the chosen tasks can be changed like this.")
    if edit and not trouble and (asked := _request(project, edit)) and not asked.may_be_asked_by(current_user):
        roles = roles_in_words(list(asked.rule.requested_by))
        trouble = _("So many tasks at once are changed only when %(roles)s ask for it. Choose fewer.", roles=roles)
    request_form = RequestForm()
    if edit is None or trouble or not request_form.validate() or "confirmed" not in request.form:
        return _preview(project, tasks, form, edit, trouble, request_form, overloads)
    if asked := _request(project, edit):
        Approval.ask(asked, by=current_user, reason=request_form.reason.data)
        commit()
        session["toast"] = {"message": _("Asked. Nothing is changed before somebody agrees."), "change": None}
        return redirect(_back(project), 303)
    try:
        change, touched = edit.run()
    except MoveRefused as refusal:  # by what the edit itself did to another of the tasks
        db.session.rollback()
        held = Obstacles(refusal.task, refusal.stage, refusal.phase, current_user, refusal.holds)
        return _preview(project, tasks, form, edit, held.sentences[0], request_form)
    except DayPassed:
        db.session.rollback()
        trouble = _("The project's launch day would be a day that has passed.")
        return _preview(project, tasks, form, edit, trouble, request_form)
    commit()
    said = ngettext("%(num)s task changed", "%(num)s tasks changed", len(touched))
    session["toast"] = {"message": said, "change": change if touched else None}
    return redirect(_back(project), 303)


def _preview(
    project: Project, tasks: list[Task], form: BulkEditForm, edit: BulkEdit | None, trouble: str | None,
    request_form: RequestForm, overloads: Sequence[Overload] = (),
) -> Any:  # fmt: skip
    rows = edit.rows() if edit and not form.asks_nothing else None
    drawn = render_template(
        "projects/bulk_edits/new.html", project=project, tasks=tasks, form=form, trouble=trouble, rows=rows,
        why={row.task.id: _why(row, edit) for row in rows or [] if edit and row.holds}, back=_back(project),
        asked=_request(project, edit) if edit and rows else None, request_form=request_form, overloads=overloads,
    )  # fmt: skip
    return make_response(drawn, 422 if trouble or form.errors or request_form.errors else 200)


def _request(project: Project, edit: BulkEdit) -> ChangeMany | None:
    """What has to be asked for, because it is so much; who administers the workspace needs nobody."""
    membership = current_user.membership_in(project.workspace_id)
    asked = ChangeMany.of(project, edit)
    return asked if asked.is_needed and not project.draft_of_id and not membership.administers else None


def _overloads(project: Project, edit: BulkEdit) -> list[Overload]:
    """Who would have too much to do by all of it together."""
    found = []
    for row in edit.rows():
        values = {name: new for name, (_old, new) in row.changes.items()}
        if values.keys() & {"owner_id", "start_on", "due_on"}:
            owner = db.session.get_one(User, values.get("owner_id", row.task.owner_id))
            found.append(Wanted(project, row.task, owner, values))
    return Overload.of_all(found, current_user, partial(project.people_for, current_user))


def _why(row: Row, edit: BulkEdit) -> str:
    """The first obstacle of a task that is left out because it is held."""
    obstacles = Obstacles(row.task, edit.stage or row.task.stage, edit.phase_for(row.task), current_user, row.holds)
    return obstacles.sentences[0]


def _chosen_tasks(project: Project) -> list[Task]:
    ids = [found for text in request.form.getlist("task_id")[:MOST] if (found := record_id(text)) is not None]
    query = Task.visible_to(current_user).where(Task.project_id == project.id, Task.id.in_(ids))
    query = query.options(joinedload(Task.stage), joinedload(Task.owner)).order_by(Task.position)
    return list(db.session.scalars(query))


def _edit(project: Project, tasks: list[Task], form: BulkEditForm) -> BulkEdit:
    stage = next((stage for stage in project.stages if stage.id == form.stage_id.data), None)
    label = Label.named(project.workspace_id, [form.label.data])[0] if form.label.data else None
    return BulkEdit(
        tasks,
        form.values(),
        by=current_user,
        stage=stage,
        shift_days=form.shift_days.data,
        label=label,
        versions={task.id: request.form.get(f"version-{task.id}", task.version, type=int) for task in tasks},
    )


def _back(project: Project) -> str:
    return own_path(request.form.get("back")) or url_for("projects.table.show", project_id=project.id)
