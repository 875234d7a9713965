from typing import Any

from flask import Blueprint, make_response, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar import packs
from linkstar.extensions import commit
from linkstar.forms.template import TemplateVersionForm
from linkstar.i18n import _
from linkstar.models import Approval, PublishTemplate, Template, TemplateDraft
from linkstar.models.template_draft import is_same
from linkstar.reports.template_difference import TemplateDifference
from linkstar.views import access

blueprint = Blueprint("versions", __name__, url_prefix="/templates/<id:template_id>/versions")


@blueprint.get("/new")
def new(template_id: int) -> Any:
    """What the draft would change, before somebody else is asked to agree."""
    template = access.get_template(template_id, "edit")
    return _page(template, TemplateVersionForm(formdata=None, name_zh=template.name_zh, name_en=template.name_en))


@blueprint.post("")
def create(template_id: int) -> Any:
    template = access.get_template(template_id, "edit")
    form = TemplateVersionForm()
    if not form.validate():
        return _page(template, form, 422)
    draft = TemplateDraft(template)
    if form.seen.data != template.last_version or draft.project is None:
        sentence = _("Someone published a version in the meantime. Look at what differs now.")
        return _page(template, form, 409, sentence)
    try:
        content = draft.document(form.name_zh.data, form.name_en.data)
    except packs.PackFault as fault:
        return _page(template, form, 422, str(fault))
    if is_same(template.newest.content, content):
        return _page(template, form, 422)
    Approval.ask(PublishTemplate.of(template, content, note=form.note.data), by=current_user)
    commit()
    said = _("Asked. The version is published when somebody else agrees.")
    session["toast"] = {"message": said, "change": None}
    return redirect(url_for("templates.show", template_id=template.id), 303)


def _page(template: Template, form: TemplateVersionForm, status: int = 200, trouble: str | None = None) -> Any:
    draft, difference = TemplateDraft(template), None
    if draft.project:
        try:
            old, new = template.newest.content, draft.document(form.name_zh.data, form.name_en.data)
            difference = TemplateDifference(packs.difference(old, new), (old, new))
        except packs.PackFault as fault:
            trouble = trouble or str(fault)
    drawn = render_template(
        "templates/versions/new.html", template=template, form=form, draft=draft.project, difference=difference,
        trouble=trouble, rule=packs.pack().operation(PublishTemplate.key),
    )  # fmt: skip
    return make_response(drawn, status)
