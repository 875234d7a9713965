from typing import Any

from flask import Blueprint
from flask_login import current_user

from linkstar.extensions import commit, limiter, write
from linkstar.forms.password import PasswordChangeForm
from linkstar.i18n import _
from linkstar.models import change_password
from linkstar.views import throttle
from linkstar.views.accounts.accounts import back, page
from linkstar.views.admission import open_to_creators, reads_first

blueprint = Blueprint("password", __name__, url_prefix="/password")


@blueprint.put("")
@open_to_creators
@limiter.limit("10 per 5 minutes", key_func=throttle.person_and_address, deduct_when=throttle.refused)
@reads_first
def update() -> Any:
    form = PasswordChangeForm()
    if form.validate() and not current_user.is_password(form.present.data or ""):
        form.present.errors = [_("That is not your present password.")]
    if form.errors or not form.password.judge(of=[current_user.email, current_user.name]):
        return page(password=form), 422
    write()
    change_password(current_user, form.password.data or "", but=current_user.get_id())
    commit()
    return back(_("Your password is changed. You are signed out everywhere else."))
