from typing import Any

from flask import Blueprint, abort, request
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.i18n import _
from linkstar.models import MoveRefused, Undo, UndoRefused
from linkstar.views import answers
from linkstar.views.admission import open_to_creators
from linkstar.views.tasks.moves import refused_as

blueprint = Blueprint("undos", __name__)


@blueprint.post("/undos")
@open_to_creators
def create() -> Any:
    """Takes back one change that the person made, with all that it touched."""
    change = request.form.get("change", "")[:32]
    if not change.isprintable():
        abort(404)
    try:
        tasks = Undo(change, by=current_user).run()
    except UndoRefused as refusal:
        db.session.rollback()
        if refusal.reason in ("gone", "not_yours"):
            abort(404)
        raise
    except MoveRefused as refusal:
        db.session.rollback()
        return refused_as(refusal)
    commit()
    return answers.changed(tasks[0].project, tasks, _("Undone"))
