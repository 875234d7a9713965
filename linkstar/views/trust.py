from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, render_template

from linkstar.i18n import _, ngettext
from linkstar.jobs import ANSWERS_KEPT, MESSAGES_KEPT, NOTICES_KEPT, UPLOADS_KEPT
from linkstar.models import KEPT, SignIn
from linkstar.models.mailed_link import LASTS
from linkstar.reports.trust import Trust
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("trust", __name__, url_prefix="/trust")


@blueprint.get("")
def show() -> Any:
    """Where the data lie, what leaves, and how long it is kept; for everybody inside."""
    membership = membership_inside()
    trust = Trust(current_app.config)
    return render_template("trust/show.html", trust=trust, periods=_periods(), membership=membership)


def _periods() -> list[tuple[str, str]]:
    return [
        (_("Tasks, comments, files"), _("until somebody deletes them")),
        (_("What lies in the trash"), _in_words(KEPT)),
        (_("Sign-ins on a device that is remembered"), _in_words(SignIn.LASTS)),
        (_("Invitations"), _in_words(LASTS["invitation"])),
        (_("A creator’s way in by mail"), _in_words(LASTS["entry"])),
        (_("Messages that went out by mail or to channels"), _in_words(MESSAGES_KEPT)),
        (_("Notices, after they were read"), _in_words(NOTICES_KEPT)),
        (_("Uploads that were broken off"), _in_words(UPLOADS_KEPT)),
        (_("Answers to repeated requests"), _in_words(ANSWERS_KEPT)),
        (
            _("The history of what happened"),
            _("for good; of people it holds numbers instead of names, of files the names that they were sent with"),
        ),
    ]


def _in_words(time: timedelta) -> str:
    return ngettext("%(num)s day", "%(num)s days", time.days)
