from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user

from linkstar import clock
from linkstar.extensions import commit, db, limiter, write
from linkstar.forms.sign_in import SignInForm
from linkstar.i18n import _
from linkstar.models import SignIn, User
from linkstar.models.audit_event import record
from linkstar.views import throttle
from linkstar.views.admission import before_second_factor, open_to_creators, own_path, public, reads_first

blueprint = Blueprint("sign_ins", __name__)


@blueprint.get("/login")
@public
def new() -> Any:
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next")) or url_for("my_work.show"), 303)
    return render_template("sign_ins/new.html", form=SignInForm(formdata=None))


@blueprint.post("/login")
@public
@limiter.limit("10 per 5 minutes", key_func=throttle.account_and_address, deduct_when=throttle.refused)
@limiter.limit("100 per hour", key_func=throttle.address, deduct_when=throttle.refused)
@reads_first
def create() -> Any:
    form = SignInForm()
    if not form.validate():
        return render_template("sign_ins/new.html", form=form), 422
    email = form.email.data or ""
    user = User.with_password(email, form.password.data or "")
    write()
    if user is None:
        refuse(User.at(email))
        commit()
        form.password.errors = [_("E-mail or password is wrong.")]
        return render_template("sign_ins/new.html", form=form), 422
    return let_in(user, wanted=own_path(request.args.get("next")), remember=form.remember.data)


@blueprint.post("/logout")
@open_to_creators
@before_second_factor
def destroy() -> Any:
    SignIn.end(session.get("_user_id") or abort(400))
    record("sign_in.ended", by=db.session.merge(current_user._get_current_object()))
    db.session.commit()
    logout_user()
    renew_session()
    return redirect(url_for("sign_ins.new"), 303)


def let_in(user: User, *, wanted: str | None, remember: bool = False, mailed_link_id: int | None = None) -> Any:
    """The person has shown who it is. Where a second factor is on, its code is asked for first. Commits, and leads to
    the page that was `wanted`."""
    if not user.has_second_factor:
        return complete(user, remember=remember, mailed_link_id=mailed_link_id, wanted=wanted)
    renew_session()
    token = SignIn.begin(
        user, device=request.user_agent.string, remember=remember, awaits_code=True, mailed_link_id=mailed_link_id
    )
    session["second_factor"] = {"token": token, "remember": remember}
    commit()
    return redirect(url_for("second_factors.new", next=wanted), 303)


def complete(user: User, *, remember: bool, mailed_link_id: int | None, wanted: str | None) -> Any:
    """Nothing more is asked: a new session, with nothing in it from before."""
    renew_session()
    device = request.user_agent.string
    user.signed_in_with(SignIn.begin(user, device=device, remember=remember, mailed_link_id=mailed_link_id))
    session.permanent = bool(remember)
    session["seen"] = clock.now().timestamp()
    record("sign_in.began", by=user)
    login_user(user)
    commit()
    return redirect(wanted or url_for("my_work.show"), 303)


def refuse(user: User | None) -> None:
    """What the trail is told: whose account it was about, if anybody's, and nothing that was typed."""
    record("sign_in.refused", by=None, changes={"user_id": (None, user.id)} if user else None)


def renew_session() -> None:
    kept = {name: session[name] for name in ("language", "theme") if name in session}
    session.clear()
    session.update(kept)
