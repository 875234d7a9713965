from typing import Any

from flask import Blueprint, make_response, redirect, session, url_for
from flask_babel import LazyString

from linkstar.extensions import commit, db, limiter
from linkstar.forms.entry import CodeForm
from linkstar.i18n import _l
from linkstar.models import MailedLink
from linkstar.views import throttle
from linkstar.views.admission import public
from linkstar.views.entries.door import device_of_request, enter, find, gone, link_key, page

blueprint = Blueprint("code", __name__, url_prefix="/<token>/code")


@blueprint.get("")
@public
def new(token: str) -> Any:
    link = find(token)
    if link is None:
        return gone()
    if _sent_to_this_browser(link) is None:
        return redirect(url_for("entries.show", token=token), 303)
    return page(link, "entries/code/new.html", form=CodeForm(formdata=None))


@blueprint.post("")
@public
@limiter.limit("30 per 10 minutes", key_func=throttle.address)
@limiter.limit("20 per 10 minutes", key_func=link_key)
def create(token: str) -> Any:
    link = find(token, hold=True)
    if link is None:
        return gone()
    code, form = _sent_to_this_browser(link), CodeForm()
    if code is None:
        return redirect(url_for("entries.show", token=token), 303)
    if form.validate():
        if code.opens and code.is_code(form.digits) and code.use():
            return enter(link, device_of_request())
        commit()
        form.code.errors = [_wrong(code)]
    return make_response(page(link, "entries/code/new.html", form=form), 422)


def _sent_to_this_browser(link: MailedLink) -> MailedLink | None:
    """The code that was asked for here, so that nobody can use up the tries of somebody else's."""
    code = db.session.get(MailedLink, session.get("entry_code", 0))
    return code if code and code.kind == "code" and code.parent_id == link.id else None


def _wrong(code: MailedLink) -> LazyString:
    return _l("This is not the code.") if code.opens else _l("This code has run out. Let us send another one.")
