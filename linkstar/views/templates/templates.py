from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, undefer

from linkstar.extensions import commit, db
from linkstar.forms.template import TemplateForm
from linkstar.i18n import _, both, ngettext
from linkstar.models import Membership, NotAllowed, Project, Template, TemplateDraft, TemplateVersion, User
from linkstar.models import is_template_keeper as keeps
from linkstar.views import access
from linkstar.views.shell import Shell

blueprint = Blueprint("templates", __name__)


@blueprint.get("/templates")
def index() -> Any:
    membership = Shell(current_user).membership or abort(404)
    if membership.external:
        raise NotAllowed("view")
    here = (
        Template.visible_to(current_user)
        .where(Template.workspace_id == membership.workspace_id)
        .join(TemplateVersion, TemplateVersion.template_id == Template.id)
        .where(TemplateVersion.number == Template.last_version)
        .add_columns(TemplateVersion)
        .options(joinedload(Template.owner), joinedload(Template.installed_pack), undefer(TemplateVersion.content))
        .order_by(Template.id)
    )
    edited = (
        select(Project.draft_of_id)
        .where(Project.workspace_id == membership.workspace_id)
        .where(Project.draft_of_id.is_not(None), Project.trashed_at.is_(None))
    )
    return render_template(
        "templates/index.html", rows=db.session.execute(here).all(), edited=set(db.session.scalars(edited)),
        may_keep=keeps(current_user, membership.workspace_id),
    )  # fmt: skip


@blueprint.get("/templates/<id:template_id>")
def show(template_id: int) -> Any:
    """The newest version, or with `?version=2` that one."""
    template = access.get_template(template_id)
    return _page(template, request.args.get("version", template.last_version, type=int))


def _page(template: Template, number: int, refused: str = "") -> str:
    version = template.version(number) or abort(404)
    return render_template(
        "templates/show.html", template=template, version=version, plan=version.read(), uses=_uses(template),
        may_keep=template.allows(current_user), draft=TemplateDraft(template).project, refused=refused,
    )  # fmt: skip


@blueprint.get("/templates/<id:template_id>/edit")
def edit(template_id: int) -> Any:
    template = access.get_template(template_id, "edit")
    form = TemplateForm(formdata=None, obj=template).offer(_insiders(template))
    return render_template("templates/edit.html", template=template, form=form)


@blueprint.post("/templates/<id:template_id>")
def update(template_id: int) -> Any:
    template = access.get_template(template_id, "edit")
    people = _insiders(template)
    form = TemplateForm().offer(people)
    if not form.validate():
        return render_template("templates/edit.html", template=template, form=form), 422
    owner = next(person for person in people if person.id == form.owner_id.data)
    template.edit(by=current_user, sop_url=form.sop_url.data, owner=owner)
    commit()
    session["toast"] = {"message": _("Saved"), "change": None}
    return redirect(url_for("templates.show", template_id=template.id), 303)


@blueprint.post("/templates/<id:template_id>/trashing")
def destroy(template_id: int) -> Any:
    """Into the trash, unless projects are on their way that were made from it."""
    template = access.get_template(template_id, "edit")
    uses = _uses(template)
    if uses:
        sentence = ngettext(
            "%(num)s project was made from this template, so it stays. Publish a new version instead.",
            "%(num)s projects were made from this template, so it stays. Publish a new version instead.",
            uses,
        )
        return _page(template, template.last_version, sentence), 409
    TemplateDraft(template).discard(by=current_user)
    template.trash(by=current_user)
    commit()
    session["toast"] = {"message": _("“%(name)s” is in the trash.", name=both(template, "name")), "change": None}
    return redirect(url_for("templates.index"), 303)


def _uses(template: Template) -> int:
    """How many projects were made from it, whoever sees them."""
    query = (
        select(func.count(Project.id))
        .join(TemplateVersion, TemplateVersion.id == Project.template_version_id)
        .where(TemplateVersion.template_id == template.id)
        .where(Project.draft_of_id.is_(None), Project.trashed_at.is_(None))
    )
    return db.session.scalar(query) or 0


def _insiders(template: Template) -> list[User]:
    query = (
        select(Membership)
        .join(Membership.user)
        .where(Membership.workspace_id == template.workspace_id, User.active)
        .options(joinedload(Membership.user))
        .order_by(User.id)
    )
    people = [membership.user for membership in db.session.scalars(query).unique() if not membership.external]
    return people if template.owner in people else [template.owner, *people]
