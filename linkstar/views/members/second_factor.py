from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.i18n import _
from linkstar.models import NotAllowed, SecondFactor
from linkstar.views.members.members import back_to_edit, get_member, manager

blueprint = Blueprint("second_factor", __name__, url_prefix="/<id:member_id>/second_factor")


@blueprint.delete("")
def destroy(member_id: int) -> Any:
    """For somebody who has lost the phone and the recovery codes."""
    member = get_member(member_id)
    manager()
    factor = SecondFactor(member.user)
    if not factor.may_be_reset_by(current_user):
        raise NotAllowed("admin")
    if member.user.has_second_factor:
        factor.reset(by=current_user)
        commit()
    return back_to_edit(member, _("The second factor of %(name)s is off", name=member.user.name))
