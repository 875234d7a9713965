from typing import Any

from flask import Blueprint, render_template
from flask_login import current_user

from linkstar.extensions import commit, limiter
from linkstar.forms.second_factor import ConfirmationForm
from linkstar.models import SecondFactor
from linkstar.views import throttle
from linkstar.views.accounts.second_factor import confirmed, page
from linkstar.views.admission import open_to_creators, reads_first
from linkstar.views.idempotency import keep_no_answer

blueprint = Blueprint("recovery_codes", __name__, url_prefix="/recovery_codes")


@blueprint.post("")
@open_to_creators
@limiter.limit("10 per hour", key_func=throttle.person_and_address, deduct_when=throttle.refused)
@reads_first
def create() -> Any:
    """New ones in place of the old; they are shown this once."""
    form = ConfirmationForm()
    if not confirmed(form):
        return page(confirmation=form), 422
    codes = SecondFactor(current_user).make_recovery_codes()
    commit()
    keep_no_answer()
    return render_template("accounts/recovery_codes/create.html", codes=codes)
