from typing import Any

from flask import Blueprint, abort
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.i18n import _
from linkstar.models import SignIn
from linkstar.models.audit_event import record
from linkstar.views.accounts.accounts import back
from linkstar.views.admission import open_to_creators

blueprint = Blueprint("sessions", __name__, url_prefix="/sessions")


@blueprint.delete("/<id:session_id>")
@open_to_creators
def destroy(session_id: int) -> Any:
    sign_in = db.session.get(SignIn, session_id)
    if sign_in is None or sign_in.user_id != current_user.id:
        abort(404)
    db.session.delete(sign_in)
    record("sign_in.ended", by=current_user)
    commit()
    return back(_("That device is signed out."))
