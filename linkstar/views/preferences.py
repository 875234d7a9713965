from typing import Any

from flask import Blueprint, abort, redirect, request, session, url_for
from flask_login import current_user

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
    return redirect(own_path(request.form.get("back")) or own_path(request.referrer) or url_for("my_work.show"), 303)
