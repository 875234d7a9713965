"""Mail: a notice, or many in a bundle or a digest, as a message in the reader's language, by SMTP or into a folder."""

import smtplib
import ssl
from collections.abc import Iterable
from email import policy
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask import current_app

from linkstar import clock
from linkstar.channels.bundle import Bundle
from linkstar.extensions import db
from linkstar.i18n import LANGUAGES, _, both, day, force_locale, language, ngettext
from linkstar.models import (
    OF_ONE_CLICK,
    Delivery,
    Digest,
    MailedLink,
    Notification,
    Task,
    Unsubscription,
    User,
    notices_in,
)
from linkstar.words import (
    TOPIC_NAMES,
    call_words,
    due_words,
    emergency_facts,
    headline,
    notice_words,
    why_words,
)

LEADS_TO = {"invitation": "invitations.show", "reset": "password_resets.edit", "entry": "entries.show"}
FIRST_LINES = 5  # of what was learnt
MOST = 50  # notices that a bundle lists; the rest stands in the inbox
PATIENCE = 10.0  # seconds that a mail server may take for each of its answers
OF_ONE_TEMPLATE = (  # whose sentence says it all
    "due", "overdue", "escalated", "started", "gate", "approval", "expiring", "cutoff", "idle", "changed",
    "channel_failed", "automation", "automation_stopped", "automation_paused", "released",
)  # fmt: skip


About = Notification | Bundle | Digest | MailedLink


class _Whole:
    """A header that is not broken into lines: the address in it has no room for a break, and none reads it encoded."""

    max_count = 1

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]


HEADERS = HeaderRegistry()
HEADERS.map_to_type("list-unsubscribe", type("ListUnsubscribe", (_Whole, UnstructuredHeader), {}))
PLAIN_LINES = policy.SMTP.clone(cte_type="7bit", header_factory=HEADERS)  # not every server takes more than ASCII


def compose(delivery: Delivery, *notices: Notification) -> EmailMessage:
    """The message, of these notices or of what the delivery itself is of, with an id that stays the same however often
    it is tried."""
    about = Bundle.of(notices) if len(notices) > 1 else _told_by(delivery, *notices)
    reader = about if isinstance(about, MailedLink) else about.user
    public = urlsplit(current_app.config["PUBLIC_URL"])
    message = EmailMessage(policy=PLAIN_LINES)
    with force_locale(LANGUAGES[reader.language]):
        message["Subject"] = _one_line(_subject(about))
        message["From"] = current_app.config["MAIL_FROM"]
        message["To"] = Address(_one_line(reader.name), addr_spec=reader.email)
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<delivery-{delivery.id}@{public.hostname}>"
        message["Auto-Submitted"] = "auto-generated"
        values = _about(about, public)
        if "unsubscribe" in values:
            message["List-Unsubscribe"] = f"<{values['unsubscribe']}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        elif isinstance(about, Bundle) and values["settings"]:
            message["List-Unsubscribe"] = f"<{values['settings']}>"
        name = _template(about)
        foot = _draw("_foot", "txt", values) if "settings" in values else ""
        message.set_content(f"{_draw(name, 'txt', values).rstrip()}\n{foot}")
        message.add_alternative(_draw(name, "html", values), subtype="html")
    return message


def _told_by(delivery: Delivery, notice: Notification | None = None) -> About:
    about = notice or delivery.notification or delivery.digest or delivery.mailed_link
    assert about, "a delivery by mail is of one of them"
    return about


def bundle_words(notices: list[Notification]) -> str:
    return ngettext(
        "%(num)s thing needs you today. First: %(first)s",
        "%(num)s things need you today. First: %(first)s",
        len(notices),
        first=notice_words(notices[0]),
    )


def _subject(about: About) -> str:
    if isinstance(about, MailedLink):
        return _link_subject(about)
    if isinstance(about, Bundle):
        return bundle_words(about.notices)
    if isinstance(about, Digest):
        return _("What is new for you: %(day)s", day=day(about.until_on))
    return headline(about)


def _link_subject(link: MailedLink) -> str:
    workspace = both(link.workspace, "name") if link.workspace else ""
    if link.kind == "invitation":
        return _("Your invitation to %(workspace)s", workspace=workspace)
    if link.kind == "reset":
        return _("A new password for Linkstar")
    if link.kind == "entry":
        return _("Your briefs from %(workspace)s", workspace=workspace)
    return _("%(code)s is your code for Linkstar", code=link.code)


def _template(about: About) -> str:
    """A creator is given one task after the other, and hears nothing of projects."""
    if isinstance(about, Digest):
        return "digest"
    if isinstance(about, Bundle):
        return "bundle"
    if isinstance(about, Notification):
        if about.kind == "staffed" and about.for_creator:
            return "assigned"
        if about.kind in OF_ONE_TEMPLATE:
            return "notice"
        if about.emergency:
            return "emergency"
    return about.kind


def _one_line(text: str) -> str:
    """A line break would end the header, and what follows it would begin one of the writer's own."""
    return " ".join(text.split())


def _about(about: About, public: SplitResult) -> dict[str, Any]:
    if isinstance(about, MailedLink):
        return _about_link(about, public)
    if isinstance(about, Digest):
        groups = _groups(about.user, db.session.scalars(notices_in(about)).unique(), public)
        by_name = sorted(groups, key=lambda group: (not group[0], group[0]))
        return {"groups": by_name} | _choices(about.user, ["digest"], public)
    if isinstance(about, Bundle):
        topics = list(dict.fromkeys(notice.topic for notice in about.notices))
        values: dict[str, Any] = {"said": _subject(about)}
        values["groups"] = _groups(about.user, about.notices[:MOST], public)
        values |= {"left": len(about.notices[MOST:]), "inbox": _inbox(about.user, public)}
        return values | _choices(about.user, topics, public)
    told: dict[str, Any] = {"notification": about, "said": notice_words(about), "why": why_words(about)}
    told |= {"approval": about.approval, "task": about.task, "project": about.project, "emergency": about.emergency}
    told |= {"due_words": due_words, "others": _others(about)}
    if about.emergency:
        told |= {"facts": emergency_facts(about.emergency, about.user), "call": call_words(about)}
        over = about.kind == "emergency_over" and about.emergency.retrospective
        told["note"] = "\n".join(over.strip().splitlines()[:FIRST_LINES]) if over else about.emergency.note
    return told | {"address": _leads_to(about, public)} | _choices(about.user, [about.topic], public)


def _others(notice: Notification) -> list[Task]:
    """What the reader is told of besides the one task: what else is on hold, what else there is to do by the hour."""
    task = notice.task
    if task is None or not (notice.kind == "held" or (notice.kind == "staffed" and task.due_at)):
        return []
    here = Task.on_hold if notice.kind == "held" else Task.project_id == task.project_id
    mine = Task.visible_to(notice.user).where(Task.owner_id == notice.user_id, Task.completed_at.is_(None), here)
    return list(db.session.scalars(mine.where(Task.id != task.id).order_by(Task.late_from, Task.id)))


def _leads_to(notification: Notification, public: SplitResult) -> str:
    if notification.user.only_creates:
        return _address(public, "briefs.show", task_id=notification.task_id)
    endpoint, values = notification.place
    return _address(public, endpoint, **values)


def _inbox(reader: User, public: SplitResult) -> str:
    """A creator has briefs instead."""
    if reader.only_creates:
        return _address(public, "briefs.index")
    return _address(public, "notifications.index", show="unread")


def _choices(reader: User, topics: list[str], public: SplitResult) -> dict[str, Any]:
    """How the reader gets rid of such mails, of a single topic by one click; of emergencies only who signs in. A
    creator has no page of settings."""
    endings = {
        str(TOPIC_NAMES[topic]) if topic in TOPIC_NAMES else _("Digest"): _address(
            public, "unsubscriptions.show", token=Unsubscription(reader, topic).token
        )
        for topic in topics
        if topic in OF_ONE_CLICK
    }
    values: dict[str, Any] = {"endings": endings}
    if len(topics) == 1 and endings:
        (values["unsubscribe"],) = endings.values()
    values["settings"] = None if reader.only_creates else _address(public, "notification_preferences.show")
    return values


def _groups(
    reader: User, notices: Iterable[Notification], public: SplitResult
) -> list[tuple[str, list[dict[str, Any]]]]:
    """By project, each with what it says, why, and where it leads; last what is of no project that the reader knows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for notice in notices:
        project = notice.task.project if notice.task else notice.project
        name = both(project, "name") if project and project.known_to(reader) else ""
        said = {"said": notice_words(notice), "why": why_words(notice), "address": _leads_to(notice, public)}
        found.setdefault(name, []).append(said)
    return sorted(found.items(), key=lambda group: not group[0])


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
