"""What the steps from a template to a project have in common."""

import secrets
from collections.abc import Iterable
from typing import Any

from flask import abort, render_template, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import contains_eager, undefer

from linkstar import packs
from linkstar.extensions import db, record_id
from linkstar.forms.launch import LaunchForm, launch_form
from linkstar.i18n import _
from linkstar.models import (
    Launch,
    Membership,
    NotAllowed,
    Template,
    TemplateVersion,
    User,
    free_code,
    keeps_templates,
    packs_of,
)
from linkstar.reports.launch_preview import LaunchPreview
from linkstar.reports.template_choice import template_choices
from linkstar.views.shell import Shell


def workspace_for_new() -> Membership:
    """The workspace that a new project is made in, if the person may make one there."""
    membership = Shell(current_user).membership or abort(404)
    if membership.scope("create") not in ("all", "member"):
        raise NotAllowed("create")
    return membership


def chooser(membership: Membership, status: int = 200, trouble: str = "", batch: bool = False) -> Any:
    """The workspace's templates, for one project or for many; `?q=` leaves those that have the words in them."""
    words = request.args.get("q", "").strip()[:100]
    found = template_choices(membership.workspace_id, words, by_day=batch)
    page = render_template(
        "projects/choose.html", groups=found, words=words, trouble=trouble, batch=batch,
        may_set_up=keeps_templates(membership),
    )  # fmt: skip
    return page, status


def template_gone(membership: Membership) -> Any:
    return chooser(membership, 422, _("That template is not there any more. Choose another one."))


def chosen_version(membership: Membership) -> TemplateVersion | None:
    """The version that the form was begun with; the newest where it names none of this template."""
    template_id = record_id(request.values.get("template", ""))
    template = db.session.scalar(
        Template.visible_to(current_user).where(
            Template.id == template_id, Template.workspace_id == membership.workspace_id
        )
    )
    if template is None:
        return None
    asked = record_id(request.form.get("version", ""))
    return next((version for version in template.versions if version.id == asked), template.newest)


def form_of(version: TemplateVersion, membership: Membership) -> LaunchForm:
    known = packs_of(membership.workspace_id)
    form = launch_form(version, membership, current_user, people_of(membership.workspace_id), known)
    others = _others(version, form, membership.workspace_id)
    form.versions = {each.template.key: each for each in others}
    form.variants = [packs.template_from(each.content, each.template.key, known) for each in _variants(form, others)]
    return form


def _others(version: TemplateVersion, form: LaunchForm, workspace_id: int) -> list[TemplateVersion]:
    """The workspace's other templates, where this one needs any."""
    if not form.chosen.subprojects and not _mismatched(form):
        return []
    query = TemplateVersion.newest_of(workspace_id).where(TemplateVersion.template_id != version.template_id)
    return list(db.session.scalars(query.options(undefer(TemplateVersion.content))))


def _variants(form: LaunchForm, others: Iterable[TemplateVersion]) -> list[TemplateVersion]:
    """Those that are made for the chosen category, where this one is not."""
    chosen = set(form.all_categories)
    made_for = ((each, each.content.get("applies_to", {}).get("categories", ())) for each in others)
    return [each for each, categories in made_for if chosen & set(categories)] if _mismatched(form) else []


def _mismatched(form: LaunchForm) -> bool:
    made_for = set(form.chosen.applies_to.categories)
    return bool(made_for) and not made_for & {"all", *form.all_categories}


def people_of(workspace_id: int) -> list[User]:
    query = (
        select(User)
        .join(User.memberships)
        .where(User.active, Membership.workspace_id == workspace_id)
        .options(contains_eager(User.memberships))
        .order_by(User.id)
    )
    return list(db.session.scalars(query).unique())


def once() -> str:
    """What a button sends along, so that two clicks on it make one project."""
    return secrets.token_urlsafe(16)


def form_page(form: LaunchForm, status: int = 200) -> Any:
    return render_template("projects/new.html", form=form), status


def preview_page(form: LaunchForm, launch: Launch, status: int = 200) -> Any:
    preview = LaunchPreview(launch, form.variants, form.person, list(form.people.values()))
    code = form.code.data or free_code(
        form.membership.workspace, platforms=launch.values["platforms"], anchor=preview.anchor_day,
        word=launch.values["key"],
    )  # fmt: skip
    page = render_template(
        "projects/previews/show.html", form=form, preview=preview, launch=launch, code=code,
        once=once(),
    )  # fmt: skip
    return page, status
