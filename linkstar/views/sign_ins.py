from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_limiter.util import get_remote_address
from flask_login import current_user, login_user, logout_user

from linkstar.extensions import commit, db, limiter, read_only, write
from linkstar.forms.sign_in import SignInForm
from linkstar.i18n import _
from linkstar.models import SignIn, User
from linkstar.models.audit_event import record
from linkstar.views.admission import own_path, public

blueprint = Blueprint("sign_ins", __name__)


def _account_and_address() -> str:
    return f"{request.form.get('email', '').strip().lower()[:254]} {get_remote_address()}"


def _failed(response: Any) -> bool:
    return bool(response.status_code == 422)


@blueprint.get("/login")
@public
def new() -> Any:
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next")) or url_for("my_work.show"), 303)
    return render_template("sign_ins/new.html", form=SignInForm(formdata=None))


@blueprint.post("/login")
@public
@limiter.limit("10 per 5 minutes", key_func=_account_and_address, deduct_when=_failed)
@limiter.limit("100 per hour", deduct_when=_failed)
def create() -> Any:
    read_only()  # checking a password takes long; nobody else should wait for the write lock meanwhile
    form = SignInForm()
    if not form.validate():
        return render_template("sign_ins/new.html", form=form), 422
    user = User.with_password(form.email.data or "", form.password.data or "")
    if user is None:
        form.password.errors = [_("E-mail or password is wrong.")]
        return render_template("sign_ins/new.html", form=form), 422
    write()
    kept = {name: session[name] for name in ("language", "theme") if name in session}
    session.clear()
    session.update(kept)
    user.signed_in_with(SignIn.begin(user, device=request.user_agent.string, remember=form.remember.data))
    session.permanent = bool(form.remember.data)
    record("sign_in.began", by=user)
    login_user(user)
    commit()
    return redirect(own_path(request.args.get("next")) or url_for("my_work.show"), 303)


@blueprint.post("/logout")
def destroy() -> Any:
    SignIn.end(session.get("_user_id") or abort(400))
    record("sign_in.ended", by=db.session.merge(current_user._get_current_object()))
    db.session.commit()
    kept = {name: session[name] for name in ("language", "theme") if name in session}
    logout_user()
    session.clear()
    session.update(kept)
    return redirect(url_for("sign_ins.new"), 303)
