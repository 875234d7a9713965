import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, get_template_attribute, render_template, request, stream_with_context, url_for
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import ColumnElement, select

from linkstar.extensions import db, record_id
from linkstar.i18n import _, both
from linkstar.models import AuditEvent, Membership, NotAllowed, User
from linkstar.reports.history import KINDS, History, HistoryFilter
from linkstar.views.workspaces import membership_inside
from linkstar.words import VIA_NAMES

FORMULA = ("=", "+", "-", "@", "\t", "\r")
blueprint = Blueprint("histories", __name__)


@blueprint.get("/history")
def show() -> Any:
    """All that happened in the workspace, for the roles that see all of it."""
    membership = membership_inside()
    if membership.scope("view") != "all":
        raise NotAllowed("admin")
    here = membership.workspace_id
    people = select(User).join(User.memberships).where(Membership.workspace_id == here).order_by(User.id)
    return page(
        "histories/show.html", AuditEvent.workspace_id == here, list(db.session.scalars(people)), membership,
        url_for("histories.show"),
    )  # fmt: skip


def page(
    template: str, scope: ColumnElement[bool], people: list[User], membership: Membership, address: str, **context: Any
) -> Any:
    """A page of the trail, or with ?file=csv all of it as a file."""
    history = History(scope, current_user, HistoryFilter.read(request.args), record_id(request.args.get("before", "")))
    may_export = membership.scope("export") == "all"
    if request.args.get("file") == "csv":
        if not may_export:
            raise NotAllowed("export")
        return Response(
            stream_with_context(_lines(history)),
            mimetype="text/csv",
            headers={"Content-Disposition": "attachment; filename=history.csv"},
        )
    return render_template(
        template, history=history, people=people, may_export=may_export, address=address, kinds=KINDS, **context
    )


def _lines(history: History) -> Iterator[str]:
    sentence = get_template_attribute("audit_events/_sentence.html", "sentence")
    yield "\ufeff" + _line(
        _("Time (UTC)"), _("Person"), _("What"), _("Project"), _("Code"), _("Task"), _("Field"), _("Before"),
        _("After"), _("From where"),
    )  # fmt: skip
    for events, names in history.chunks():
        for event in events:
            first = (
                f"{event.created_at:%Y-%m-%d %H:%M:%S}",
                event.actor.name if event.actor else _("Linkstar"),
                Markup(sentence(event, names)).unescape(),
                both(event.project, "name") if event.project else "",
                f"{event.project.key}-{event.task.number}" if event.task and event.project else "",
                both(event.task, "title") if event.task else "",
            )
            for change in names.changes_of(event) or [("", "", "")]:
                yield _line(*first, *change, str(VIA_NAMES.get(event.via, event.via)))


def _line(*cells: str) -> str:
    """A line for a spreadsheet, in which no cell begins a formula."""
    line = io.StringIO()
    csv.writer(line).writerow(f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells)
    return line.getvalue()
