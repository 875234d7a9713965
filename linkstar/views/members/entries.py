from typing import Any

from flask import Blueprint, abort
from flask_login import current_user

from linkstar.extensions import commit, db
from linkstar.i18n import _
from linkstar.models import MailedLink, entries_to
from linkstar.views.members.members import back_to_edit, get_member, manager

blueprint = Blueprint("entries", __name__, url_prefix="/<id:member_id>/entries")


@blueprint.delete("/<id:link_id>")
def destroy(member_id: int, link_id: int) -> Any:
    """Takes a creator's link back, whoever asked for it, and signs out what it had signed in."""
    member = get_member(member_id)
    manager()
    open_links = entries_to(member.workspace_id).where(MailedLink.user_id == member.user_id)
    link = db.session.scalar(open_links.where(MailedLink.id == link_id)) or abort(404)
    member.revoke_entry(link, by=current_user)
    commit()
    return back_to_edit(member, _("The link opens nothing any more"))
