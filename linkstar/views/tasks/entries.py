from typing import Any

from flask import Blueprint, abort
from flask_login import current_user

from linkstar.extensions import commit, limiter
from linkstar.i18n import _
from linkstar.models import NotAllowed
from linkstar.reports.outsiders import Outsiders
from linkstar.views.tasks.outsiders import answer, get_outsider, shared_by_me

blueprint = Blueprint("entries", __name__)


@blueprint.post("/outsiders/<id:user_id>/entries")
@limiter.limit("30 per hour", key_func=lambda: str(current_user.id))
def create(task_id: int, user_id: int) -> Any:
    """Sends another link to a creator who takes part."""
    task = shared_by_me(task_id)
    creator = get_outsider(task, user_id)
    if not creator.only_creates:  # more than a creator somewhere: a link would let in past the password
        raise NotAllowed("edit")
    task.send_entry(creator, by=current_user)
    commit()
    return answer(task, _("%(name)s gets a link by mail", name=creator.name))


@blueprint.post("/entries/<id:link_id>/revocation")
def destroy(task_id: int, link_id: int) -> Any:
    """Takes a link back and signs out what it had signed in, at once."""
    task = shared_by_me(task_id)
    links = Outsiders(task, current_user).links
    link = next((link for link in links if link.id == link_id), None) or abort(404)
    task.revoke_entry(link, by=current_user)
    commit()
    return answer(task, _("The link opens nothing any more"))
