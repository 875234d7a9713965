from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for

from linkstar.extensions import commit, db, limiter
from linkstar.forms.second_factor import CodeForm
from linkstar.i18n import _
from linkstar.models import SecondFactor, SignIn
from linkstar.views import throttle
from linkstar.views.admission import own_path, public
from linkstar.views.sign_ins import complete, refuse

blueprint = Blueprint("second_factors", __name__, url_prefix="/second_factor")


def _waiting() -> SignIn | None:
    """The sign-in of this browser whose password was right, and whose code is to come."""
    return SignIn.awaiting_code(session.get("second_factor", {}).get("token", ""))


def _account() -> str:
    waiting = _waiting()
    return str(waiting.user_id) if waiting else throttle.address()


def _account_and_address() -> str:
    return f"{_account()} {throttle.address()}"


def _is_recovery_code() -> bool:
    return len(request.form.get("code", "").strip()) > 10


@blueprint.get("")
@public
def new() -> Any:
    if _waiting() is None:
        return _over()
    return render_template("second_factors/new.html", form=CodeForm(formdata=None))


@blueprint.post("")
@public
@limiter.limit("20 per hour", key_func=_account_and_address, deduct_when=throttle.refused)
@limiter.limit("100 per hour", key_func=_account, deduct_when=throttle.refused, exempt_when=_is_recovery_code)
def create() -> Any:
    """However many know the password, they guess at six digits slowly; with a recovery code the owner comes in."""
    waiting = _waiting()
    if waiting is None or not waiting.counts_try():
        return _over()
    form = CodeForm()
    user = waiting.user
    if form.validate() and SecondFactor(user).accepts(form.code.data or ""):
        link_id, remember = waiting.mailed_link_id, session["second_factor"]["remember"]
        db.session.delete(waiting)
        wanted = own_path(request.args.get("next"))
        return complete(user, remember=remember, mailed_link_id=link_id, wanted=wanted)
    refuse(user)
    commit()
    if not form.code.errors:
        form.code.errors = [_("This code is not right, or was used before. Take the newest one.")]
    return render_template("second_factors/new.html", form=form, left=SignIn.MOST_TRIES - waiting.tries), 422


def _over() -> Any:
    session.pop("second_factor", None)
    message = _("This sign-in took too long, or too many codes were wrong. Sign in again.")
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("sign_ins.new", next=own_path(request.args.get("next"))), 303)
