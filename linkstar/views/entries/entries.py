import time
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import func, select

from linkstar import clock
from linkstar.extensions import commit, db, limiter, write
from linkstar.forms.entry import EntryForm
from linkstar.models import MailedLink, Project, Task, User
from linkstar.views import throttle
from linkstar.views.admission import public, reads_first
from linkstar.views.entries.door import find, gone, page

blueprint = Blueprint("entries", __name__, url_prefix="/entries")

ANSWERS_AFTER = 0.25  # seconds, for known and unknown addresses alike
MOST_MAILS = 5  # an hour and creator


@blueprint.after_request
def _tell_nobody(response: Response) -> Response:
    """The address holds the secret."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("")
@public
def new() -> Any:
    return render_template("entries/new.html", form=EntryForm(formdata=None), sent="sent" in request.args)


@blueprint.post("")
@public
@limiter.limit("10 per 15 minutes", key_func=throttle.address)
@limiter.limit("3 per hour", key_func=throttle.account_and_address)
@reads_first
def create() -> Any:
    """A new link for a creator who has something to do. To others nothing is sent, and nobody is told so."""
    began = time.monotonic()
    form = EntryForm()
    if not form.validate():
        return render_template("entries/new.html", form=form), 422
    creator = db.session.scalar(select(User).where(User.email == (form.email.data or "").lower(), User.active))
    task = _something_to_do(creator) if creator and creator.only_creates else None
    if creator and task and not _sent_enough(creator):
        write()
        MailedLink.send(
            "entry", user=creator, email=creator.email, name=creator.name, language=creator.language,
            workspace_id=task.workspace_id,
        )  # fmt: skip
        commit()
    db.session.info["notified"] = True
    time.sleep(max(0.0, ANSWERS_AFTER - (time.monotonic() - began)))
    return redirect(url_for("entries.new", sent=1), 303)


@blueprint.get("/<token>")
@public
@limiter.limit("60 per 5 minutes", key_func=throttle.address)
def show(token: str) -> Any:
    """Looking changes nothing: programs that check mails look at every link."""
    link = find(token)
    return page(link, "entries/show.html") if link else gone()


def _sent_enough(creator: User) -> bool:
    """Nobody's letter box is filled; each of these still opens."""
    lately = MailedLink.kind == "entry", MailedLink.created_at > clock.now() - timedelta(hours=1)
    sent = select(func.count(MailedLink.id)).where(MailedLink.user_id == creator.id, *lately)
    return (db.session.scalar(sent) or 0) >= MOST_MAILS


def _something_to_do(creator: User) -> Task | None:
    mine = Task.visible_to(creator).where(Task.completed_at.is_(None), Task.project_id.not_in(Project.drafts()))
    return db.session.scalar(mine.order_by(Task.id.desc()).limit(1))
