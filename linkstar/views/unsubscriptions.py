from typing import Any

from flask import Blueprint, make_response, render_template, request

from linkstar.extensions import commit, csrf, limiter
from linkstar.i18n import language, speaking
from linkstar.models import Unsubscription
from linkstar.views import throttle
from linkstar.views.admission import public

blueprint = Blueprint("unsubscriptions", __name__, url_prefix="/unsubscriptions")


@blueprint.get("/<token>")
@public
@limiter.limit("100 per hour", key_func=throttle.address, deduct_when=lambda answer: answer.status_code == 404)
def show(token: str) -> Any:
    """A mail scanner opens it too; nothing is changed by looking."""
    return _page(Unsubscription.bearing(token))


@blueprint.post("/<token>")
@public
@csrf.exempt
@limiter.limit("100 per hour", key_func=throttle.address, deduct_when=lambda answer: answer.status_code == 404)
def create(token: str) -> Any:
    """By the button, or by the mail program itself (RFC 8058), which knows no token of a page: the link is one."""
    unsubscription = Unsubscription.bearing(token)
    if unsubscription and request.form.get("again"):
        unsubscription.take_back()
    elif unsubscription:
        unsubscription.run()
    commit()
    return _page(unsubscription)


def _page(unsubscription: Unsubscription | None) -> Any:
    with speaking(unsubscription.user.language if unsubscription else language()):
        page = render_template("unsubscriptions/show.html", unsubscription=unsubscription)
    answer = make_response(page, 200 if unsubscription else 404)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
