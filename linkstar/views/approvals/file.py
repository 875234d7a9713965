from flask import Blueprint, Response
from flask_login import current_user

from linkstar.models import NotAllowed
from linkstar.reports.approvals import may_fetch
from linkstar.reports.history import HistoryFilter
from linkstar.views import access
from linkstar.views.histories import csv_file, happened_in, note_export

blueprint = Blueprint("file", __name__, url_prefix="/<id:approval_id>/file")


@blueprint.get("")
def show(approval_id: int) -> Response:
    """The export that was agreed, as far as the person may read it today."""
    approval = access.get_approval(approval_id)
    if not may_fetch(approval, current_user):
        raise NotAllowed("export")
    note_export(approval.workspace_id, approval.project)
    chosen = HistoryFilter.read(approval.arguments["chosen"])
    return csv_file(happened_in(approval.workspace_id, approval.project), chosen)
