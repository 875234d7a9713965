from typing import Any

from flask import Blueprint, abort, render_template, request

from linkstar import packs
from linkstar.reports.template_difference import TemplateDifference
from linkstar.views import access

blueprint = Blueprint("differences", __name__, url_prefix="/templates/<id:template_id>/differences")


@blueprint.get("")
def show(template_id: int) -> Any:
    """From version `since` (the one before the newest) to version `until` (the newest)."""
    template = access.get_template(template_id)
    since = template.version(request.args.get("since", max(1, template.last_version - 1), type=int)) or abort(404)
    until = template.version(request.args.get("until", template.last_version, type=int)) or abort(404)
    difference = TemplateDifference(packs.difference(since.content, until.content), (since.content, until.content))
    return render_template(
        "templates/differences/show.html", template=template, since=since, until=until, difference=difference
    )
