from typing import Any

from flask import Blueprint, Response

from linkstar.api.operation import operation
from linkstar.api.problems import Problem
from linkstar.api.values import Asked, Body
from linkstar.extensions import LARGEST_ID
from linkstar.i18n import _, _l
from linkstar.views import access
from linkstar.views.attachments.attachments import handed_over, version_of

blueprint = Blueprint("contents", __name__, url_prefix="/attachments/<id:attachment_id>/content")


class ContentQuery(Body):
    version = Asked(1, LARGEST_ID)


@blueprint.get("")
@operation("work:read", _l("The file itself"), query=ContentQuery, gives_file=True, for_creators=True)
def show(attachment_id: int, asked: dict[str, Any]) -> Response:
    """The newest version, or the one that is asked for."""
    file = handed_over(version_of(access.get_attachment(attachment_id)))
    if file is None:
        raise Problem(422, _("This picture cannot be marked with who it goes to."))
    return file
