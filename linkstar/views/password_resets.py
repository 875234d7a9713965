import time
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for

from linkstar.extensions import commit, limiter, write
from linkstar.forms.password import PasswordResetForm, PasswordWishForm
from linkstar.i18n import _, language, speaking
from linkstar.models import MailedLink, change_password, send_reset
from linkstar.views import throttle
from linkstar.views.admission import public, reads_first

blueprint = Blueprint("password_resets", __name__, url_prefix="/password_resets")

TAKES = 0.2  # seconds, several times what it takes to write a link


@blueprint.get("/new")
@public
def new() -> Any:
    sent = "sent" in request.args
    return render_template("password_resets/new.html", form=PasswordWishForm(formdata=None), sent=sent)


@blueprint.post("")
@public
@limiter.limit("10 per 5 minutes", key_func=throttle.account_and_address)
@limiter.limit("100 per hour", key_func=throttle.address)
def create() -> Any:
    """The same answer for everybody, and after the same time: nobody learns from it who has an account."""
    began = time.monotonic()
    form = PasswordWishForm()
    if not form.validate():
        return render_template("password_resets/new.html", form=form), 422
    send_reset(form.email.data or "")
    commit()
    time.sleep(max(0.0, began + TAKES - time.monotonic()))
    return redirect(url_for("password_resets.new", sent="yes"), 303)


@blueprint.get("/<token>")
@public
@limiter.limit("100 per hour", key_func=throttle.address, deduct_when=lambda answer: answer.status_code == 404)
def edit(token: str) -> Any:
    """A mail scanner opens it too; nothing is used up by looking."""
    link = _link(token)
    with speaking(link.language if link else language()):
        return _page(link, PasswordResetForm(formdata=None))


@blueprint.put("/<token>")
@public
@limiter.limit("100 per hour", key_func=throttle.address, deduct_when=lambda answer: answer.status_code == 404)
@reads_first
def update(token: str) -> Any:
    link, form = _link(token), PasswordResetForm()
    with speaking(link.language if link else language()):
        if not link or not (form.validate() and form.password.judge(of=[link.email, link.name])):
            return _page(link, form, 422)
    write()
    link = _link(token)
    if not link or not link.user or not link.use():
        return _page(None, form)
    change_password(link.user, form.password.data or "")
    commit()
    session["toast"] = {"message": _("Your new password is set. Sign in with it."), "change": None}
    return redirect(url_for("sign_ins.new"), 303)


def _link(token: str) -> MailedLink | None:
    link = MailedLink.find("reset", token)
    return link if link and link.user and link.user.active else None


def _page(link: MailedLink | None, form: PasswordResetForm, status: int = 200) -> Any:
    page = render_template("password_resets/edit.html", link=link, form=form)
    answer = make_response(page, status if link else 404)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
