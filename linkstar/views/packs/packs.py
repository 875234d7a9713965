from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, session, url_for
from flask_login import current_user
from sqlalchemy.orm import joinedload

from linkstar import packs
from linkstar.extensions import commit, db
from linkstar.forms.template import PackForm
from linkstar.i18n import _, both, ngettext
from linkstar.models import InstalledPack, Membership, NotAllowed, TemplateDraft, keeps_templates
from linkstar.views import access
from linkstar.views.shell import Shell

blueprint = Blueprint("packs", __name__)


@blueprint.get("/packs")
def index() -> Any:
    return _page(_workspace())


@blueprint.post("/packs")
def create() -> Any:
    """Installs a shipped pack or an uploaded one. Another version of one that is here is kept to be looked at."""
    membership = _workspace()
    form = PackForm()
    form.validate()
    try:
        pack = _pack(form)
    except packs.PackFault as fault:
        return _page(membership, str(fault), 422)
    if pack is None:
        return _page(membership, _("Choose a file first."), 422)
    installed = next((row for row in _installed(membership) if row.key == pack.key), None)
    if installed is None:
        return _install(membership, pack)
    if installed.content == packs.pack_document(pack):
        return _page(membership, _("This pack is installed already, in this very version."), 422)
    installed.offer(pack)
    commit()
    return redirect(url_for("packs.updates.show", pack_id=installed.id), 303)


@blueprint.delete("/packs/<id:pack_id>")
def destroy(pack_id: int) -> Any:
    """Its templates go to the trash; projects on their way are not touched."""
    installed = access.get_pack(pack_id)
    for template in installed.templates:
        TemplateDraft(template).discard(by=current_user)
    installed.remove(by=current_user)
    commit()
    said = _("“%(name)s” is removed. Projects on their way keep what they took from it.", name=both(installed, "name"))
    session["toast"] = {"message": said, "change": None}
    return redirect(url_for("packs.index"), 303)


def _workspace() -> Membership:
    """The workspace whose packs these are, for who keeps its templates."""
    membership = Shell(current_user).membership or abort(404)
    if not keeps_templates(membership):
        raise NotAllowed("edit")
    return membership


def _pack(form: PackForm) -> packs.Pack | None:
    if form.key.data:
        return packs.pack(form.key.data)
    upload = form.file.data
    return packs.parse(upload.read(), upload.filename) if upload and upload.filename else None


def _install(membership: Membership, pack: packs.Pack) -> Any:
    installed = InstalledPack.install(membership.workspace, pack, by=current_user)
    commit()
    said = ngettext(
        "“%(name)s” is installed: %(num)s template", "“%(name)s” is installed: %(num)s templates",
        len(installed.templates), name=both(installed, "name"),
    )  # fmt: skip
    session["toast"] = {"message": said, "change": None}
    return redirect(url_for("packs.index"), 303)


def _installed(membership: Membership) -> list[InstalledPack]:
    here = InstalledPack.visible_to(current_user).where(InstalledPack.workspace_id == membership.workspace_id)
    return list(db.session.scalars(here.options(joinedload(InstalledPack.installed_by)).order_by(InstalledPack.id)))


def _page(membership: Membership, trouble: str | None = None, status: int = 200) -> Any:
    installed = _installed(membership)
    known = {row.key for row in installed}
    drawn = render_template(
        "packs/index.html", installed=installed, form=PackForm(formdata=None), trouble=trouble,
        others=[packs.pack(key) for key in packs.shipped() if key not in known],
    )  # fmt: skip
    return make_response(drawn, status)
