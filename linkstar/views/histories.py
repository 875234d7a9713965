from collections.abc import Iterator
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    get_template_attribute,
    redirect,
    render_template,
    request,
    send_file,
    session,
    stream_with_context,
    url_for,
)
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, select

from linkstar import clock, evidence_pack
from linkstar.extensions import commit, db, record_id, write
from linkstar.i18n import _, both
from linkstar.models import Approval, AuditEvent, ExportHistory, Membership, NotAllowed, Project, Task, User
from linkstar.models.audit_event import head_of, record
from linkstar.reports.audit_archive import AuditArchive
from linkstar.reports.history import KINDS, History, HistoryFilter
from linkstar.reports.spreadsheet import BEGINNING, line
from linkstar.views.workspaces import membership_inside
from linkstar.words import VIA_NAMES

blueprint = Blueprint("histories", __name__)
exports = Blueprint("exports", __name__, url_prefix="/exports")
archive = Blueprint("archive", __name__, url_prefix="/history/archive")


@blueprint.get("/history")
def show() -> Any:
    """All that happened in the workspace, for the roles that see all of it."""
    membership = membership_inside()
    if membership.scope("view") != "all":
        raise NotAllowed("admin")
    here = membership.workspace_id
    people = select(User).join(User.memberships).where(Membership.workspace_id == here).order_by(User.id)
    return page(
        "histories/show.html", happened_in(here), list(db.session.scalars(people)), membership,
        url_for("histories.show"),
    )  # fmt: skip


@exports.post("")
def create() -> Any:
    """Asks for the workspace's trail as a file."""
    return asked_for_file(membership_inside().workspace_id)


@archive.get("", endpoint="show")
def show_archive() -> Any:
    """What an auditor asks for, as a sealed ZIP: access list, roles, all that happened, and the head of its chain."""
    membership = membership_inside()
    if not membership.administers or membership.scope("view") != "all":
        raise NotAllowed("admin")
    report = AuditArchive(membership)
    happened = History(happened_in(membership.workspace_id), current_user, HistoryFilter())
    files = report.files() | {"history.csv": "".join(_lines(happened)).encode(errors="replace")}
    key = evidence_pack.sealing_key(current_app.config["SECRET_KEY"])
    pack = evidence_pack.build(report.manifest(), files, [], key)
    note_export(membership.workspace_id)
    name = f"linkstar-audit-{membership.workspace.key}-{clock.now():%Y%m%d}.zip"
    return send_file(pack, "application/zip", as_attachment=True, download_name=name)


for module in (exports, archive):
    blueprint.register_blueprint(module)


def happened_in(workspace_id: int, project: Project | None = None) -> ColumnElement[bool]:
    return AuditEvent.of_project(project) if project else AuditEvent.workspace_id == workspace_id


def page(
    template: str,
    scope: ColumnElement[bool],
    people: list[User],
    membership: Membership,
    address: str,
    project: Project | None = None,
    **context: Any,
) -> Any:
    """A page of the trail, or with ?file=csv all of it as a file."""
    chosen = HistoryFilter.read(request.args)
    may_export = project.allows(current_user, "export") if project else membership.scope("export") == "all"
    if request.args.get("file") == "csv":
        if not may_export:
            raise NotAllowed("export")
        note_export(membership.workspace_id, project, context.get("task"))
        return csv_file(scope, chosen)
    return render_template(
        template,
        history=History(scope, current_user, chosen, record_id(request.args.get("before", ""))),
        people=people,
        may_export=may_export,
        may_ask=_export(membership.workspace_id, project, chosen).may_be_asked_by(current_user),
        address=address,
        kinds=KINDS,
        project=project,
        **context,
    )


def note_export(workspace_id: int, project: Project | None = None, task: Task | None = None) -> None:
    """Whoever takes what happened out of Linkstar is part of it."""
    write()
    project_id = project.id if project else None
    record("history.exported", by=current_user, workspace_id=workspace_id, project_id=project_id, task=task)
    commit()


def csv_file(scope: ColumnElement[bool], chosen: HistoryFilter) -> Response:
    return Response(
        stream_with_context(_lines(History(scope, current_user, chosen))),
        mimetype="text/csv",
        headers={"Content-Disposition": "attachment; filename=history.csv"},
    )


def asked_for_file(workspace_id: int, project: Project | None = None) -> Any:
    """A request for what the form's filter leaves of the trail."""
    Approval.ask(_export(workspace_id, project, HistoryFilter.read(request.form)), by=current_user)
    commit()
    session["toast"] = {"message": _("Asked. When it is approved, you fetch the file here."), "change": None}
    return redirect(url_for("approvals.index"), 303)


def _export(workspace_id: int, project: Project | None, chosen: HistoryFilter) -> ExportHistory:
    return ExportHistory.of(workspace_id, project, chosen.query())


def _lines(history: History) -> Iterator[str]:
    sentence = get_template_attribute("audit_events/_sentence.html", "sentence")
    yield BEGINNING + line(
        _("Time (UTC)"), _("Person"), _("What"), _("Project"), _("Code"), _("Task"), _("Field"), _("Before"),
        _("After"), _("From where"),
    )  # fmt: skip
    head = None
    for events, names in history.chunks():
        head = head or head_of(events[0].workspace_id)
        for event in events:
            first = (
                f"{event.created_at:%Y-%m-%d %H:%M:%S}",
                event.actor.name if event.actor else _("Linkstar"),
                Markup(sentence(event, names)).unescape(),
                both(event.project, "name") if event.project else "",
                f"{event.project.key}-{event.task.number}" if event.task and event.project else "",
                both(event.task, "title") if event.task else _("a deleted task") if event.task_id else "",
            )
            for change in names.changes_of(event) or [("", "", "")]:
                yield line(*first, *change, str(VIA_NAMES.get(event.via, event.via)))
    yield line(_("Head of the chain"), head or "", *[""] * 8)
