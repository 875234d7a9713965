from typing import Any

from flask import Blueprint, abort, redirect, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db, record_id
from linkstar.i18n import _, both
from linkstar.models import Mute
from linkstar.views import access
from linkstar.views.admission import own_path

blueprint = Blueprint("mutes", __name__, url_prefix="/mutes")


@blueprint.post("")
def create() -> Any:
    """Of a task or a project that the person sees. What is said to the person by name comes all the same."""
    task_id, project_id = (record_id(request.form.get(name, "")) for name in ("task_id", "project_id"))
    if task_id:
        task = access.get_task(task_id)
        Mute.write(current_user, task=task)
        said = _("“%(task)s” is muted. You still hear when someone calls on you by name.", task=both(task, "title"))
    else:
        project = access.get_project(project_id or 0)
        Mute.write(current_user, project=project)
        name = both(project, "name")
        said = _("“%(project)s” is muted. You still hear when someone calls on you by name.", project=name)
    commit()
    return _back(said)


@blueprint.delete("/<id:mute_id>")
def destroy(mute_id: int) -> Any:
    mute = db.session.get(Mute, mute_id)
    if mute is None or mute.user_id != current_user.id:
        abort(404)
    db.session.delete(mute)
    commit()
    return _back(_("It is no longer muted."))


def _back(said: str) -> Any:
    session["toast"] = {"message": said, "change": None}
    return redirect(own_path(request.form.get("back")) or url_for("notification_preferences.show"), 303)
