from typing import Any

import segno
from flask import Blueprint, render_template
from flask_login import current_user

from linkstar.extensions import commit, limiter, write
from linkstar.forms.second_factor import ConfirmationForm, SecondFactorForm
from linkstar.i18n import _
from linkstar.models import SecondFactor, SignIn
from linkstar.views import throttle
from linkstar.views.accounts.accounts import back
from linkstar.views.admission import before_second_factor, open_to_creators, reads_first
from linkstar.views.idempotency import keep_no_answer

blueprint = Blueprint("second_factor", __name__, url_prefix="/second_factor")


@blueprint.get("")
@open_to_creators
@before_second_factor
def show() -> Any:
    return page()


@blueprint.post("")
@open_to_creators
@before_second_factor
@limiter.limit("20 per hour", key_func=throttle.person_and_address, deduct_when=throttle.refused)
def create() -> Any:
    """On from now on; everybody who is signed in elsewhere comes in again with a code."""
    factor, form = SecondFactor(current_user), SecondFactorForm()
    if current_user.has_second_factor:
        return page(), 422
    if not form.validate() or not factor.begin(form.secret.data or "", form.code.data or ""):
        if not form.code.errors:
            form.code.errors = [_("This code is not right. Take the newest one. Is the phone’s clock right?")]
        return page(form), 422
    SignIn.end_all(current_user, but=current_user.get_id())
    codes = factor.make_recovery_codes()
    commit()
    keep_no_answer()
    return render_template("accounts/recovery_codes/create.html", codes=codes)


@blueprint.delete("")
@open_to_creators
@limiter.limit("10 per hour", key_func=throttle.person_and_address, deduct_when=throttle.refused)
@reads_first
def destroy() -> Any:
    form = ConfirmationForm()
    if not confirmed(form):
        return page(confirmation=form), 422
    SecondFactor(current_user).end()
    commit()
    return back(_("The second factor is off."))


def confirmed(form: ConfirmationForm) -> bool:
    """The password once more, where there is one, and a code; the fields say what is wrong. A right code is used up."""
    if not form.validate():
        return False
    if current_user.password_hash and not current_user.is_password(form.password.data or ""):
        form.password.errors = [_("That is not your present password.")]
        return False
    write()
    if not SecondFactor(current_user).accepts(form.code.data or ""):
        form.code.errors = [_("This code is not right, or was used before. Take the newest one.")]
        return False
    return True


def page(form: SecondFactorForm | None = None, confirmation: ConfirmationForm | None = None) -> str:
    """A secret that has been proposed stays on the page until its first right code."""
    factor = SecondFactor(current_user)
    form = form or SecondFactorForm(formdata=None)
    proposed = None
    if not current_user.has_second_factor:
        proposed = factor.proposed(form.secret.data or "")
        if proposed is None:
            form.secret.data = factor.propose()
            proposed = factor.proposed(form.secret.data)
    return render_template(
        "accounts/second_factor/show.html",
        factor=factor,
        form=form,
        confirmation=confirmation or ConfirmationForm(formdata=None),
        proposed=proposed,
        picture=proposed and segno.make(proposed.provisioning_uri()).svg_data_uri(scale=5, light="#fff"),
    )
