import hmac
import logging
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for

from linkstar import clock
from linkstar.extensions import commit, db, limiter, write
from linkstar.forms.sign_in import SignInForm
from linkstar.i18n import _
from linkstar.models import Identity
from linkstar.open_id import OpenId, OpenIdFailed
from linkstar.views import throttle
from linkstar.views.admission import own_path, public
from linkstar.views.sign_ins import let_in, refuse

log = logging.getLogger("linkstar")

blueprint = Blueprint("open_id", __name__, url_prefix="/open_id")

WAITS = 600  # seconds for signing in over there


@blueprint.get("/new")
@public
@limiter.limit("100 per hour", key_func=throttle.address)
def new() -> Any:
    """Off to the other house. By GET: the policy for forms lets none lead away from here."""
    other = _other_house()
    if other is None:
        return redirect(url_for("sign_ins.new"), 303)
    try:
        address, memory = other.begin(_back_here())
    except OpenIdFailed as failure:
        return _not_reached(failure)
    wanted = own_path(request.args.get("next"))
    session["open_id"] = memory | {"until": clock.now().timestamp() + WAITS, "next": wanted}
    return redirect(address, 303)


@blueprint.get("")
@public
@limiter.limit("100 per hour", key_func=throttle.address, deduct_when=throttle.refused)
def create() -> Any:
    """The other house sends people back here."""
    other, memory = _other_house(), session.pop("open_id", None)
    if other is None:
        return redirect(url_for("sign_ins.new"), 303)
    if not memory or memory["until"] < clock.now().timestamp() or not _is_answer_to(memory):
        return _refused(_("This sign-in had run out, or began in another window. Try again."))
    code = request.args.get("code")
    if not code:
        return _refused(_("%(house)s did not sign you in. Try again.", house=current_app.config["OIDC_NAME"]))
    db.session.rollback()  # nothing is held while the outside world takes its time
    try:
        visitor = other.visitor(code, memory, _back_here())
    except OpenIdFailed as failure:
        return _not_reached(failure)
    write()
    identity = Identity.recognize(other.issuer, visitor.subject, visitor.email)
    if identity is None:
        sentence = _(
            "Nobody here has the address that %(house)s has proved to be yours. Ask an administrator to invite you.",
            house=current_app.config["OIDC_NAME"],
        )
        return _refused(sentence)
    return let_in(identity.user, wanted=memory["next"])


def _other_house() -> OpenId | None:
    """Of this application, so that what it says of itself is asked for once."""
    config = current_app.config
    if not config["OIDC_ISSUER"]:
        return None
    if "open_id" not in current_app.extensions:
        current_app.extensions["open_id"] = OpenId(
            config["OIDC_ISSUER"], config["OIDC_CLIENT_ID"], config["OIDC_CLIENT_SECRET"]
        )
    house: OpenId = current_app.extensions["open_id"]
    return house


def _back_here() -> str:
    return f"{current_app.config['PUBLIC_URL']}{url_for('open_id.create')}"


def _is_answer_to(memory: dict[str, str]) -> bool:
    return hmac.compare_digest(memory["state"].encode(), request.args.get("state", "").encode("utf-8", "replace"))


def _refused(sentence: str) -> Any:
    write()
    refuse(None)
    commit()
    return _door(sentence, 422)


def _not_reached(failure: OpenIdFailed) -> Any:
    log.warning("sign-in by OpenID Connect failed: %s", failure)
    sentence = _(
        "%(house)s does not answer as it should. Sign in with your password, or try again later.",
        house=current_app.config["OIDC_NAME"],
    )
    return _door(sentence, 503)


def _door(sentence: str, status: int) -> Any:
    form = SignInForm(formdata=None)
    form.form_errors = [sentence]
    return render_template("sign_ins/new.html", form=form), status
