from typing import Any

from flask import Blueprint, abort, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar import packs
from linkstar.extensions import commit
from linkstar.i18n import _, both
from linkstar.reports.template_difference import TemplateDifference
from linkstar.views import access

blueprint = Blueprint("updates", __name__, url_prefix="/packs/<id:pack_id>/update")


@blueprint.get("")
def show(pack_id: int) -> Any:
    """What another version of the pack would change. Nothing is taken before somebody says so."""
    installed = access.get_pack(pack_id)
    newer = installed.newer or abort(404)
    old, new = installed.content, packs.pack_document(newer)
    difference = TemplateDifference(packs.pack_difference(old, new), (old, new))
    own = [template for template in installed.templates if template.last_version and not template.newest.pack_version]
    return render_template("packs/updates/show.html", installed=installed, newer=newer, difference=difference, own=own)


@blueprint.put("")
def update(pack_id: int) -> Any:
    installed = access.get_pack(pack_id)
    newer = installed.newer or abort(404)
    installed.update(newer, by=current_user)
    commit()
    said = _("“%(name)s” is now version %(version)s.", name=both(installed, "name"), version=installed.version)
    session["toast"] = {"message": said, "change": None}
    return redirect(url_for("packs.index"), 303)
