from typing import Any, NamedTuple

from flask import Blueprint, abort, current_app, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar.channels.door import checked, looked_up
from linkstar.channels.robots import HOSTS
from linkstar.channels.trouble import NotTaken
from linkstar.extensions import commit, db, limiter, write
from linkstar.forms.channel import ChannelForm
from linkstar.i18n import _
from linkstar.models import Channel, Emergency, Membership, Project, TooManyChannels
from linkstar.models.channel import KINDS
from linkstar.reports.channel_log import channels_of, log_of, seen_in
from linkstar.views import access
from linkstar.views.admission import polled, reads_first
from linkstar.views.idempotency import keep_no_answer
from linkstar.views.workspaces import look_at, membership_inside
from linkstar.words import DELIVERY_STATE_NAMES, trouble_words

blueprint = Blueprint("channels", __name__, url_prefix="/channels")


@blueprint.get("")
def index() -> Any:
    if asked := request.args.get("workspace"):
        look_at(asked)
        return redirect(url_for("channels.index"), 303)
    membership = membership_inside()
    rows = channels_of(membership.workspace_id, current_user)
    return render_template(
        "channels/index.html", rows=rows, keeps=membership.keeps_workspace, trouble_words=trouble_words
    )


@blueprint.get("/new")
def new() -> Any:
    membership = membership_inside(keeper=True)
    kind = _kind(request.args.get("kind"))
    form = ChannelForm(formdata=None, data={"language": current_user.language, "events": USUAL})
    return _page(form.offer(_projects(membership), None), kind)


@blueprint.post("")
@reads_first
@limiter.limit("30 per hour", key_func=lambda: str(current_user.id))
def create() -> Any:
    """Of a webhook the answer shows the secret, once."""
    membership = membership_inside(keeper=True)
    kind = _kind(request.form.get("kind"))
    form = ChannelForm().offer(_projects(membership), None)
    if not (judgement := _taken(form, kind, membership)):
        return _page(form, kind), 422
    write()
    membership = membership_inside(keeper=True)
    try:
        channel = Channel.open(membership.workspace_id, kind, by=current_user, **form.values())
    except TooManyChannels:
        form.name.errors = [_("There are too many already; take away one that nobody needs.")]
        return _page(form, kind), 422
    commit()
    if kind == "webhook" and not form.secret.data:
        keep_no_answer()
        return render_template("channels/create.html", channel=channel)
    message = judgement.warning or _("Saved. Send a test to see whether it arrives.")
    session["toast"] = {"message": message, "change": None}
    return redirect(url_for("channels.show", channel_id=channel.id), 303)


@blueprint.get("/<id:channel_id>")
@polled
def show(channel_id: int) -> Any:
    channel = find(channel_id)
    log = log_of(channel)
    return render_template(
        "channels/show.html", channel=channel, log=log, titles=seen_in(log, current_user), trouble_words=trouble_words,
        state_names=DELIVERY_STATE_NAMES,
    )  # fmt: skip


@blueprint.get("/<id:channel_id>/edit")
def edit(channel_id: int) -> Any:
    channel = find(channel_id)
    form = ChannelForm(formdata=None, obj=channel)
    form.project.data = channel.project_id
    form.address.data = form.secret.data = None
    return _page(form.offer(_projects(membership_inside()), channel), channel.kind, channel)


@blueprint.put("/<id:channel_id>")
@reads_first
def update(channel_id: int) -> Any:
    channel, membership = find(channel_id), membership_inside()
    form = ChannelForm().offer(_projects(membership), channel)
    if not (judgement := _taken(form, channel.kind, membership)):
        return _page(form, channel.kind, channel), 422
    write()
    channel = find(channel_id, lock=True)
    if form.version.data != channel.version:
        return _page(form, channel.kind, channel, overtaken=True), 409
    channel.edit(form.values(), by=current_user)
    commit()
    session["toast"] = {"message": judgement.warning or _("Saved"), "change": None}
    return redirect(url_for("channels.show", channel_id=channel.id), 303)


@blueprint.delete("/<id:channel_id>")
def destroy(channel_id: int) -> Any:
    channel = find(channel_id, lock=True)
    channel.remove(by=current_user)
    commit()
    session["toast"] = {"message": _("“%(name)s” is removed", name=channel.name), "change": None}
    return redirect(url_for("channels.index"), 303)


def find(channel_id: int, *, lock: bool = False) -> Channel:
    return access.get_channel(channel_id, membership_inside().workspace_id, lock=lock)


USUAL = (  # what a team that just begins wants to hear
    "task.completed", "task.overdue", "gate.waiting", "project.created", "cutoff.near", "emergency.declared",
    "emergency.acknowledged", "emergency.closed", "emergency.reopened",
)  # fmt: skip


def _kind(text: str | None) -> str:
    return text if text in KINDS else abort(404)


class Judgement(NamedTuple):
    """Of an address: why nothing would be sent there, or what is worth saying although it is saved; else ''."""

    refusal: str = ""
    warning: str = ""


def _taken(form: ChannelForm, kind: str, membership: Membership) -> Judgement | None:
    """None where the form is shown again."""
    if not form.validate():
        return None
    address, found = form.address.data, Judgement()
    if address and (found := judged(kind, address, inside=membership.keeps_workspace)).refusal:
        form.address.errors = [found.refusal]
        return None
    return found


def judged(kind: str, address: str, *, inside: bool) -> Judgement:
    """Refused is what surely lies inside, by its spelling or by what its name stands for at this moment; a name that
    cannot be looked up now may be known tomorrow. When it goes out it is looked at again."""
    allowed = current_app.config["OUTGOING_NETWORKS"] if inside else ()
    try:
        url = checked(address, allowed)
    except NotTaken as error:
        return Judgement(refusal=trouble_words(error.code))
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.hostname in HOSTS.get(kind, ()):
        return Judgement()
    if kind != "webhook" and not any(each.may_take(url.hostname or "", port) for each in allowed):
        return Judgement(refusal=trouble_words("kind"))
    try:
        looked_up(url, allowed)
    except NotTaken as error:
        if error.code not in ("unknown", "slow"):
            return Judgement(refusal=trouble_words(error.code))
        return Judgement(warning=_("Saved, but this domain name can’t be found at the moment. Send a test."))
    return Judgement()


def _projects(membership: Membership) -> list[Project]:
    return list(db.session.scalars(Emergency.launches_in(membership.workspace_id, current_user)))


def _page(form: ChannelForm, kind: str, channel: Channel | None = None, *, overtaken: bool = False) -> str:
    """What is sealed is not sent back, so who had typed it is asked for it again."""
    for field in form.sealed:
        field.errors = [*field.errors, _("It is not shown again and was not kept: enter it once more.")]
    return render_template(
        "channels/edit.html", form=form, kind=kind, channel=channel, overtaken=overtaken, trouble_words=trouble_words
    )
