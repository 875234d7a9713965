from typing import Any

from flask import Blueprint, redirect, render_template, session, url_for
from flask_login import current_user
from sqlalchemy.orm import joinedload

from linkstar.channels import push
from linkstar.extensions import commit, db
from linkstar.forms.notification_preference import NotificationPreferenceForm
from linkstar.i18n import _
from linkstar.models import Mute, Preference, PushSubscription, Task
from linkstar.words import MAIL_NAMES

blueprint = Blueprint("notification_preferences", __name__, url_prefix="/notification_preferences")


@blueprint.get("")
def show() -> Any:
    return _page(NotificationPreferenceForm.of(current_user))


@blueprint.put("")
def update() -> Any:
    form = NotificationPreferenceForm().offer(current_user)
    if not form.validate():
        return _page(form), 422
    form.write(current_user)
    commit()
    return _back(_("Saved"))


@blueprint.delete("")
def destroy() -> Any:
    """All as it is usual."""
    Preference.reset(current_user)
    commit()
    return _back(_("Settings are back to their defaults"))


def _page(form: NotificationPreferenceForm) -> str:
    # a muted task that the person does not see any more keeps its row, and is not named
    seen = set(db.session.scalars(Task.visible_to(current_user).with_only_columns(Task.id).where(_muted_tasks())))
    mutes = db.session.scalars(Mute.of(current_user).options(joinedload(Mute.task), joinedload(Mute.project)))
    shown = [
        mute
        for mute in mutes
        if (mute.task_id in seen if mute.task_id else mute.project and mute.project.known_to(current_user))
    ]
    browsers = PushSubscription.of(current_user)
    return render_template(
        "notification_preferences/show.html",
        form=form,
        mutes=shown,
        browsers=browsers,
        push_key=push.public_key(),
        mail_names=MAIL_NAMES,
    )


def _muted_tasks() -> Any:
    return Task.id.in_(Mute.of(current_user).with_only_columns(Mute.task_id).order_by(None))


def _back(said: str) -> Any:
    session["toast"] = {"message": said, "change": None}
    return redirect(url_for("notification_preferences.show"), 303)
