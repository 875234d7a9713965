from typing import Any

from flask import Blueprint, abort, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db, limiter
from linkstar.forms.api_token import ApiTokenForm, inside
from linkstar.i18n import _
from linkstar.models import ApiToken, NotAllowed
from linkstar.views.idempotency import keep_no_answer

blueprint = Blueprint("api_tokens", __name__, url_prefix="/account/api_tokens")


@blueprint.get("")
def index() -> Any:
    return _page(_form())


@blueprint.post("")
@limiter.limit("20 per hour", key_func=lambda: str(current_user.id))
def create() -> Any:
    """The answer shows the token, once."""
    form = _form(sent=True)
    if not form.validate():
        return _page(form), 422
    row, token = ApiToken.create(
        current_user, form.workspace_id.data, form.name.data or "", form.scopes.data or [], form.expires_at,
        by=current_user,
    )  # fmt: skip
    commit()
    keep_no_answer()
    return render_template("api_tokens/create.html", row=row, token=token)


@blueprint.delete("/<id:token_id>")
def destroy(token_id: int) -> Any:
    row = db.session.get(ApiToken, token_id)
    if row is None or row.user_id != current_user.id:
        abort(404)
    row.revoke(by=current_user)
    commit()
    session["toast"] = {"message": _("“%(name)s” is revoked", name=row.name), "change": None}
    return redirect(url_for("api_tokens.index"), 303)


def _form(sent: bool = False) -> ApiTokenForm:
    if not inside(current_user):
        raise NotAllowed("admin")
    form = ApiTokenForm() if sent else ApiTokenForm(formdata=None, scopes=["work:read"], days=90)
    return form.offer(current_user)


def _page(form: ApiTokenForm) -> str:
    return render_template("api_tokens/index.html", tokens=ApiToken.of(current_user), form=form)
