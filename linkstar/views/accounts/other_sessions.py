from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.models import SignIn
from linkstar.models.audit_event import record
from linkstar.views.accounts.accounts import back
from linkstar.views.admission import open_to_creators

blueprint = Blueprint("other_sessions", __name__, url_prefix="/other_sessions")


@blueprint.delete("")
@open_to_creators
def destroy() -> Any:
    SignIn.end_all(current_user, but=current_user.get_id())
    record("sign_in.ended", by=current_user)
    commit()
    return back(_("You are signed out everywhere else."))
