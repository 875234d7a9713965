from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.extensions import commit, db, limiter, write
from linkstar.forms.calendar_feed import CalendarFeedForm
from linkstar.i18n import _
from linkstar.models import CalendarFeed, Membership, Project
from linkstar.reports.feed import Feed
from linkstar.views import throttle
from linkstar.views.admission import public
from linkstar.views.shell import Shell

blueprint = Blueprint("calendar_feeds", __name__, url_prefix="/calendar_feeds")


@blueprint.get("")
def index() -> Any:
    return _page(_form(_membership(), formdata=None))


@blueprint.post("")
@limiter.limit("30 per hour", key_func=lambda: str(current_user.id))
def create() -> Any:
    membership = _membership()
    form = _form(membership)
    if not form.validate():
        return _page(form), 422
    project = db.session.get(Project, form.project_id) if form.project_id else None
    CalendarFeed.create(form.kind, membership.workspace_id, by=current_user, project=project)
    commit()
    return _back(_("The address is ready. Paste it into your calendar."))


@blueprint.delete("/<id:feed_id>")
def destroy(feed_id: int) -> Any:
    feed = db.session.get(CalendarFeed, feed_id)
    if feed is None or feed.user_id != current_user.id:
        abort(404)
    feed.revoke(by=current_user)
    commit()
    return _back(_("The address opens nothing any more."))


@blueprint.get("/<token>.ics")
@public
@limiter.limit("300 per hour", key_func=throttle.address)
def show(token: str) -> Response:
    """What calendar programs read; the address is the key to it."""
    feed = CalendarFeed.bearing(token) or abort(404)
    answer = Response(Feed(feed).written(), content_type="text/calendar; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="linkstar.ics"'
    answer.headers["Cache-Control"] = "private, max-age=900"
    answer.add_etag()
    if feed.is_to_be_marked:
        write()
        CalendarFeed.mark_read(feed.id)
        commit()
    answer.make_conditional(request)
    return answer


def _membership() -> Membership:
    return Shell(current_user).membership or abort(404)


def _form(membership: Membership, **options: Any) -> CalendarFeedForm:
    query = Project.visible_to(current_user).where(
        Project.workspace_id == membership.workspace_id, Project.draft_of_id.is_(None)
    )
    return CalendarFeedForm(**options).offer(db.session.scalars(query.order_by(Project.id)))


def _page(form: CalendarFeedForm) -> str:
    feeds = [(each, Feed(each)) for each in CalendarFeed.of(current_user, _membership().workspace_id)]
    return render_template("calendar_feeds/index.html", feeds=feeds, form=form, home=current_app.config["PUBLIC_URL"])


def _back(message: str) -> Any:
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("calendar_feeds.index"), 303)
