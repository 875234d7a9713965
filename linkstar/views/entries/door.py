"""What the pages of an entry share: which link it is, which device, and signing that in."""

import secrets
from hashlib import sha256
from typing import Any

from flask import current_app, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer

from linkstar.extensions import db
from linkstar.forms.entry import EntryForm
from linkstar.i18n import speaking
from linkstar.models import MailedLink, Task
from linkstar.views import sign_ins

A_YEAR = 365 * 24 * 3600


def find(token: str, *, hold: bool = False) -> MailedLink | None:
    """The entry that this token opens; only for people who are creators and nothing more. `hold`: until the end of
    the transaction nobody takes it back."""
    link = MailedLink.find("entry", token)
    if link and hold:
        db.session.refresh(link, with_for_update=True)
    user = link.user if link else None
    if link is None or not link.opens or user is None or not user.active or not user.only_creates:
        return None
    return link if user.membership_in(link.workspace_id or 0) else None


def link_key() -> str:
    """Stands for the link where tries are counted."""
    return sha256((request.view_args or {})["token"].encode("utf-8", "replace")).hexdigest()


def page(link: MailedLink, template: str, **values: Any) -> str:
    """In the creator's language, unless the reader has chosen another one."""
    with speaking(link.language):
        return render_template(template, link=link, **values)


def gone() -> Any:
    """Run out, taken back or never there: the same words."""
    return render_template("entries/new.html", form=EntryForm(formdata=None), gone=True), 404


def device_of_request() -> str:
    """What the device's cookie holds, or a new secret for it."""
    try:
        return str(_signer().loads(request.cookies.get(_cookie(), "")))
    except BadSignature:
        return secrets.token_urlsafe(32)


def enter(link: MailedLink, device: str) -> Any:
    """Signs the creator in where the link was opened, leads to the brief, and knows the device the next time."""
    user = link.user
    assert user
    response = sign_ins.let_in(user, remember=True, mailed_link_id=link.id, wanted=_landing(link))
    response.set_cookie(
        _cookie(), _signer().dumps(device), max_age=A_YEAR, httponly=True, samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )  # fmt: skip
    return response


def _landing(link: MailedLink) -> str:
    assert link.user
    if link.task_id and db.session.scalar(Task.visible_to(link.user).where(Task.id == link.task_id)):
        return url_for("briefs.show", task_id=link.task_id)
    return url_for("briefs.index")


def _cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="device")
