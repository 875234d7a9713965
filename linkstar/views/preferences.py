from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from linkstar.extensions import commit
from linkstar.i18n import LANGUAGES
from linkstar.views.admission import before_second_factor, open_to_creators, own_path
from linkstar.views.shell import THEMES

blueprint = Blueprint("preferences", __name__)


@blueprint.post("/preferences")
@open_to_creators
@before_second_factor
def update() -> Any:
    """The language belongs to the person, the theme and the workspace that is looked at to the device."""
    language, theme = request.form.get("language"), request.form.get("theme")
    if language:
        if language not in LANGUAGES:
            abort(400)
        current_user.language = session["language"] = language
    workspace_id = request.form.get("workspace_id", type=int)
    if workspace_id is not None:
        if current_user.membership_in(workspace_id) is None:
            abort(404)
        session["workspace_id"] = workspace_id
    if theme is not None:
        session["theme"] = theme if theme in THEMES else ""
    commit()
    came_from = own_path(request.form.get("back")) or own_path(request.referrer)
    return redirect(came_from if came_from and _is_page(came_from) else url_for("my_work.show"), 303)


def _is_page(address: str) -> bool:
    """A form that was refused was drawn at an address that is only written to."""
    try:
        current_app.url_map.bind("").match(urlsplit(address).path, "GET")
    except RequestRedirect:
        return True
    except HTTPException:
        return False
    return True
