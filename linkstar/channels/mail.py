"""Mail: one notification as a message in its reader's language, by SMTP or into a folder."""

import smtplib
import ssl
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask import current_app

from linkstar import clock
from linkstar.i18n import LANGUAGES, _, both, force_locale, language
from linkstar.models import Approval, Delivery, MailedLink, Notification
from linkstar.words import approval_words, notice_words

LEADS_TO = {"invitation": "invitations.show", "reset": "password_resets.edit", "entry": "entries.show"}
PATIENCE = 10.0  # seconds that a mail server may take for each of its answers
PLAIN_LINES = policy.SMTP.clone(cte_type="7bit")  # not every server takes more than ASCII


def compose(delivery: Delivery) -> EmailMessage:
    """The message, with an id that stays the same however often the delivery is tried."""
    about = delivery.notification or delivery.mailed_link
    assert about, "a delivery is of one or the other"
    reader = about.user if isinstance(about, Notification) else about
    public = urlsplit(current_app.config["PUBLIC_URL"])
    message = EmailMessage(policy=PLAIN_LINES)
    with force_locale(LANGUAGES[reader.language]):
        message["Subject"] = _one_line(_subject(about) if isinstance(about, Notification) else _link_subject(about))
        message["From"] = current_app.config["MAIL_FROM"]
        message["To"] = Address(_one_line(reader.name), addr_spec=reader.email)
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<delivery-{delivery.id}@{public.hostname}>"
        message["Auto-Submitted"] = "auto-generated"
        values = _about(about, public) if isinstance(about, Notification) else _about_link(about, public)
        message.set_content(_draw(_template(about), "txt", values))
        message.add_alternative(_draw(_template(about), "html", values), subtype="html")
    return message


def _subject(notification: Notification) -> str:
    if notification.approval:
        return _approval_subject(notification.approval, notification)
    actor, title = notification.actor.name if notification.actor else "", both(notification.task, "title")
    if notification.kind == "mentioned":
        return _("%(actor)s mentioned you on “%(title)s”", actor=actor, title=title)
    if _template(notification) == "assigned":
        return _("%(actor)s gave you “%(title)s”", actor=actor, title=title)
    return notice_words(notification.kind, actor, title, notification.still_blocked_by)


def _approval_subject(approval: Approval, notification: Notification) -> str:
    about = approval.asked_for.about
    actor = notification.actor.name if notification.actor else ""
    return approval_words(notification.kind, approval.state, actor, approval.operation, about)


def _link_subject(link: MailedLink) -> str:
    workspace = both(link.workspace, "name") if link.workspace else ""
    if link.kind == "invitation":
        return _("Your invitation to %(workspace)s", workspace=workspace)
    if link.kind == "reset":
        return _("A new password for Linkstar")
    if link.kind == "entry":
        return _("Your briefs from %(workspace)s", workspace=workspace)
    return _("%(code)s is your code for Linkstar", code=link.code)


def _template(about: Notification | MailedLink) -> str:
    """A creator is given one task after the other, and hears nothing of projects."""
    staffed = isinstance(about, Notification) and about.kind == "staffed" and about.user.only_creates
    return "assigned" if staffed else about.kind


def _one_line(text: str) -> str:
    """A line break would end the header, and what follows it would begin one of the writer's own."""
    return " ".join(text.split())


def _about(notification: Notification, public: SplitResult) -> dict[str, Any]:
    if notification.approval:
        address = _address(public, "approvals.show", approval_id=notification.approval_id)
        said = _approval_subject(notification.approval, notification)
        return {"notification": notification, "approval": notification.approval, "address": address, "said": said}
    page = "briefs.show" if notification.user.only_creates else "tasks.show"
    address = _address(public, page, task_id=notification.task_id)
    return {"notification": notification, "task": notification.task, "address": address}


def _about_link(link: MailedLink, public: SplitResult) -> dict[str, Any]:
    endpoint = LEADS_TO.get(link.kind)
    return {"link": link, "address": _address(public, endpoint, token=link.token) if endpoint else None}


def _address(public: SplitResult, endpoint: str, **values: Any) -> str:
    pages = current_app.url_map.bind(public.netloc, url_scheme=public.scheme)
    return pages.build(endpoint, values, force_external=True)


def _draw(name: str, kind: str, values: dict[str, Any]) -> str:
    """Not by render_template: what that adds for pages needs a request, and there is none."""
    return current_app.jinja_env.get_template(f"mails/{name}.{kind}").render(**values, language=language())


def send(message: EmailMessage) -> None:
    """To MAIL_URL: smtp://[user:password@]host[:port], smtps://… or file:///folder, where each becomes an .eml."""
    place = urlsplit(current_app.config["MAIL_URL"])
    if place.scheme == "file":
        _put(message, Path(unquote(place.path)))
        return
    with _server(place) as server:
        if place.username:
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            server.login(unquote(place.username), unquote(place.password or ""))
        server.send_message(message)


def _server(place: SplitResult) -> smtplib.SMTP:
    host, port = place.hostname or "", place.port or 0
    if place.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=PATIENCE)


def _put(message: EmailMessage, folder: Path) -> None:
    """Under the message's own id, so that a second try replaces the first; whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
    draft = file.with_suffix(".part")
    draft.write_bytes(message.as_bytes())
    draft.replace(file)
