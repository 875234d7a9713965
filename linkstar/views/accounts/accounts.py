from typing import Any

from flask import Blueprint, redirect, render_template, session, url_for
from flask_login import current_user

from linkstar.extensions import commit
from linkstar.forms.account import AccountForm
from linkstar.forms.password import PasswordChangeForm
from linkstar.i18n import _
from linkstar.models import Task
from linkstar.models.audit_event import record
from linkstar.reports.account import Account
from linkstar.views.admission import open_to_creators

blueprint = Blueprint("accounts", __name__, url_prefix="/account")


@blueprint.get("")
@open_to_creators
def show() -> Any:
    return page()


@blueprint.put("")
@open_to_creators
def update() -> Any:
    """The trail says that it was changed, but not from what: a name in it could never be forgotten."""
    form = AccountForm().offer(current_user)
    if not form.validate():
        return page(form), 422
    moves = form.timezone.data != current_user.timezone
    current_user.name, current_user.timezone = form.name.data, form.timezone.data
    current_user.works_from, current_user.works_until = form.hours()
    if moves:
        Task.follow_owner(current_user)
    current_user.language = session["language"] = form.language.data
    record("account.edited", by=current_user)
    commit()
    return back(_("Saved"))


def page(form: AccountForm | None = None, password: PasswordChangeForm | None = None) -> str:
    return render_template(
        "accounts/show.html",
        account=Account(current_user, current_user.get_id()),
        form=form or AccountForm(formdata=None, obj=current_user).offer(current_user),
        password=password or PasswordChangeForm(formdata=None),
    )


def back(message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("accounts.show"), 303)
