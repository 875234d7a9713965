import json
import re
import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, delete, false, func, or_, select, update

from linkstar import clock
from linkstar.extensions import db
from linkstar.models.absence import Absence
from linkstar.models.api_token import ApiToken
from linkstar.models.approval import Approval
from linkstar.models.attachment import Attachment, AttachmentVersion
from linkstar.models.audit_event import AuditEvent, plain, record
from linkstar.models.automation import Automation
from linkstar.models.calendar_feed import CalendarFeed
from linkstar.models.channel import Channel
from linkstar.models.comment import Comment, Mention
from linkstar.models.emergency import Emergency, Inlet
from linkstar.models.evidence import Evidence
from linkstar.models.gate_passage import GatePassage
from linkstar.models.handover import Handover
from linkstar.models.handover_note import HandoverNote
from linkstar.models.idempotent_request import IdempotentRequest
from linkstar.models.identity import Identity, RecoveryCode
from linkstar.models.mailed_link import MailedLink
from linkstar.models.membership import Departure, Membership
from linkstar.models.notification import Digest, Notification
from linkstar.models.preference import Mute, Preference, PushSubscription
from linkstar.models.project import Project, ProjectMember
from linkstar.models.refusal import ErasureRefused
from linkstar.models.reminder import Reminder
from linkstar.models.role import MASKED
from linkstar.models.saved_view import SavedView
from linkstar.models.task import Participant, Task
from linkstar.models.upload import Upload
from linkstar.models.user import ERASED, OWN_HOURS, SignIn, User, usual_of
from linkstar.models.workspace import Workspace

PEOPLE = ("user_id", "owner_id", "successor_id", "collaborator", "watcher")  # where the trail keeps a person's id
QUIETLY = {"synchronize_session": False}


class PersonalData:
    """What Linkstar keeps of one person, to be given out or forgotten: within one workspace, as its administrators
    may; or (`workspace_id` None) all of it, as only the person may."""

    def __init__(self, user: User, workspace_id: int | None = None) -> None:
        self.user, self.workspace_id = user, workspace_id
        left = select(Departure).where(Departure.user_id == user.id, Departure.erased_at.is_(None))
        known_in = {place.workspace_id for place in (*user.memberships, *db.session.scalars(left))}
        self.places = [workspace_id] if workspace_id else sorted(known_in)
        here = {membership.workspace_id for membership in user.memberships}
        self.left = [] if workspace_id else sorted(known_in - here)  # how it is there now is not the person's to know
        self.whole = known_in <= set(self.places)  # no other workspace knows the person: the account goes too

    @classmethod
    def known_in(cls, workspace_id: int, user_id: int) -> "PersonalData | None":
        """Of somebody who belongs to the workspace, or did."""
        here = or_(
            User.memberships.any(Membership.workspace_id == workspace_id),
            select(Departure.id).where(Departure.user_id == User.id, Departure.workspace_id == workspace_id).exists(),
        )
        user = db.session.scalar(select(User).where(User.id == user_id, here))
        return cls(user, workspace_id) if user else None

    # giving it out

    def sections(self) -> dict[str, Any]:
        """Name → rows, each a dictionary that JSON can hold; nothing that others wrote about other things."""
        found: dict[str, Any] = {name: self._rows(query) for name, query in self._queries().items()}
        return plain({"profile": self.profile} | found | {"history": list(self._events())})

    def counts(self) -> dict[str, int]:
        """How many rows each section would have."""
        queries = self._queries() | {"history": self._happened()}
        rows = {
            name: query.with_only_columns(func.count(), maintain_column_froms=True) for name, query in queries.items()
        }
        return {name: db.session.scalar(query.order_by(None)) or 0 for name, query in rows.items()}

    @property
    def profile(self) -> dict[str, Any]:
        user = self.user
        profile = {"name": user.name, "email": user.email, "language": user.language, "timezone": user.timezone}
        profile |= {"works_from": f"{user.works_from:%H:%M}", "works_until": f"{user.works_until:%H:%M}"}
        profile |= {"quiet_from": f"{user.quiet_from:%H:%M}", "quiet_until": f"{user.quiet_until:%H:%M}"}
        profile |= {"digest": user.digest, "digest_at": f"{user.digest_at:%H:%M}"}
        return profile | {"created_at": user.created_at, "second_factor": user.totp_secret is not None}

    def _queries(self) -> dict[str, Select[*tuple[Any, ...]]]:
        queries = self._about_person() | self._about_work() | self._about_what_goes_by_itself()
        return queries | (self._about_account() if self.whole else {})

    def files(self) -> list[tuple[str, str]]:
        """(name, key in the storage) of each file that the person sent."""
        sent = (
            select(AttachmentVersion.file_name, AttachmentVersion.file_key)
            .join(AttachmentVersion.attachment)
            .where(AttachmentVersion.sent_by_id == self.user.id, Attachment.workspace_id.in_(self.places))
            .order_by(AttachmentVersion.id)
        )
        given = select(Evidence.file_name, Evidence.file_key).where(
            Evidence.given_by_id == self.user.id, Evidence.workspace_id.in_(self.places), Evidence.file_key.is_not(None)
        )
        return [(row.file_name, row.file_key) for query in (sent, given) for row in db.session.execute(query)]

    def _about_person(self) -> dict[str, Select[*tuple[Any, ...]]]:
        user = self.user
        workspace = (Workspace.key, Workspace.name_zh, Workspace.name_en)
        memberships = (
            select(*workspace, Membership.role, Membership.hours_a_day, Membership.contact, Membership.created_at)
            .join(Membership.workspace)
            .where(Membership.user_id == user.id, Membership.workspace_id.in_(self.places))
        )
        departures = (
            select(*workspace, Departure.role, Departure.at)
            .join(Workspace, Workspace.id == Departure.workspace_id)
            .where(Departure.user_id == user.id, Departure.workspace_id.in_(self.places))
        )
        absences = select(Absence.first_on, Absence.last_on, Absence.note).where(self._absences())
        links = select(
            MailedLink.kind, MailedLink.email, MailedLink.name, MailedLink.created_at, MailedLink.expires_at,
            MailedLink.used_at, MailedLink.revoked_at,
        ).where(self._links())  # fmt: skip
        tokens = select(ApiToken.name, ApiToken.scopes, ApiToken.created_at, ApiToken.last_used_at).where(
            ApiToken.user_id == user.id, ApiToken.workspace_id.in_(self.places)
        )
        return {
            "memberships": memberships,
            "departures": departures,
            "absences": absences.order_by(Absence.first_on),
            "links": links.order_by(MailedLink.id),
            "api_tokens": tokens.order_by(ApiToken.id),
        }

    def _about_work(self) -> dict[str, Select[*tuple[Any, ...]]]:
        mine, here = self.user.id, Task.workspace_id.in_(self.places)
        inside = Task.workspace_id.not_in(self.left)
        known = (case((inside, title)).label(title.key) for title in (Task.title_zh, Task.title_en))
        titles = (Task.id.label("task"), *known)
        helped = select(Participant.task_id).where(Participant.user_id == mine)
        tasks = select(
            *titles, (Task.owner_id == mine).label("owner"), (Task.author_id == mine).label("author"), Task.due_on,
            Task.completed_at,
        )  # fmt: skip
        comments = select(*titles, Comment.body, Comment.shared, Comment.created_at).join(Comment.task)
        versions = (
            select(
                *titles, AttachmentVersion.file_name, AttachmentVersion.size, AttachmentVersion.sha256,
                AttachmentVersion.sent_at,
            )
            .join(AttachmentVersion.attachment)
            .join(Attachment.task)
        )  # fmt: skip
        evidence = select(
            Evidence.kind, Evidence.value, Evidence.file_name, Evidence.sha256, Evidence.given_at, Evidence.task_id
        ).where(Evidence.given_by_id == mine, Evidence.workspace_id.in_(self.places))
        notices = select(Notification.kind, Notification.task_id, Notification.created_at, Notification.read_at).where(
            Notification.user_id == mine, Notification.workspace_id.in_(set(self.places) - set(self.left))
        )
        handovers = select(
            HandoverNote.task_id, HandoverNote.done, HandoverNote.needed, HandoverNote.decide, HandoverNote.created_at
        ).where(HandoverNote.author_id == mine, HandoverNote.workspace_id.in_(self.places))
        feeds = select(CalendarFeed.kind, CalendarFeed.created_at, CalendarFeed.read_at).where(self._feeds())
        views = select(SavedView.name, SavedView.page, SavedView.query).where(self._views())
        in_tasks = or_(Task.owner_id == mine, Task.author_id == mine, Task.id.in_(helped))
        return {
            "tasks": tasks.where(here, inside, in_tasks).order_by(Task.id),
            "comments": comments.where(Comment.author_id == mine, here).order_by(Comment.id),
            "files": versions.where(AttachmentVersion.sent_by_id == mine, here),
            "evidence": evidence.order_by(Evidence.id),
            "notifications": notices.order_by(Notification.id),
            "saved_views": views.order_by(SavedView.id),
            "handover_notes": handovers.order_by(HandoverNote.id),
            "calendar_feeds": feeds.order_by(CalendarFeed.id),
        }

    def _about_what_goes_by_itself(self) -> dict[str, Select[*tuple[Any, ...]]]:
        """What the person is told, and what goes on in the person's name; no address and no secret of it."""
        mine, known = self.user.id, set(self.places) - set(self.left)
        mutes = select(Mute.task_id, Mute.project_id, Mute.created_at).where(self._mutes())
        reminders = select(Reminder.kind, Reminder.subject, Reminder.version, Reminder.due_at, Reminder.told_at).where(
            Reminder.user_id == mine, Reminder.workspace_id.in_(known)
        )
        channels = select(Channel.kind, Channel.name, Channel.created_at).where(
            Channel.owner_id == mine, Channel.workspace_id.in_(self.places)
        )
        automations = select(Automation.name, Automation.created_at).where(
            Automation.owner_id == mine, Automation.workspace_id.in_(self.places)
        )
        inlets = select(Inlet.name, Inlet.purpose, Inlet.created_at, Inlet.used_at).where(self._inlets())
        acted = [getattr(Emergency, f"{did}_by_id") for did in ("declared", "acknowledged", "closed", "reopened")]
        did = ((each == mine).label(each.key.removesuffix("_id")) for each in acted)
        written = (
            case((by == mine, words)).label(words.key)
            for by, words in (
                (Emergency.declared_by_id, Emergency.note), (Emergency.closed_by_id, Emergency.retrospective),
            )
        )  # fmt: skip
        emergencies = select(Emergency.id, Emergency.declared_at, *written, *did).where(
            Emergency.workspace_id.in_(self.places), or_(*(each == mine for each in acted))
        )
        return {
            "mutes": mutes.order_by(Mute.id),
            "reminders": reminders.order_by(Reminder.id),
            "channels": channels.order_by(Channel.id),
            "automations": automations.order_by(Automation.id),
            "inlets": inlets.order_by(Inlet.id),
            "emergencies": emergencies.order_by(Emergency.id),
        }

    def _about_account(self) -> dict[str, Select[*tuple[Any, ...]]]:
        mine = self.user.id
        chosen = select(Preference.topic, Preference.mail, Preference.push).where(Preference.user_id == mine)
        pushes = select(PushSubscription.created_at).where(PushSubscription.user_id == mine)
        digests = select(Digest.since, Digest.until).where(Digest.user_id == mine)
        sign_ins = select(SignIn.device, SignIn.created_at, SignIn.expires_at).where(SignIn.user_id == mine)
        identities = select(Identity.issuer, Identity.subject, Identity.created_at).where(Identity.user_id == mine)
        told = {"notification_preferences": chosen, "push_subscriptions": pushes, "digests": digests}
        return {"sign_ins": sign_ins, "identities": identities} | told

    def _happened(self) -> Select[AuditEvent]:
        """What the person did, and what others did with the person."""
        mine = self.user.id
        sides = [AuditEvent.changes[(field, side)] for field in PEOPLE for side in (0, 1)]
        return select(AuditEvent).where(
            or_(AuditEvent.workspace_id.in_(self.places), AuditEvent.workspace_id.is_(None) if self.whole else false()),
            or_(
                AuditEvent.actor_id == mine,
                and_(
                    or_(AuditEvent.workspace_id.is_(None), AuditEvent.workspace_id.not_in(self.left)),
                    or_(*(cast(side.as_string(), Text) == str(mine) for side in sides)),
                ),
            ),
        )

    def _events(self) -> Iterable[dict[str, Any]]:
        mine, events = self.user.id, self._happened()
        for event in db.session.scalars(events.order_by(AuditEvent.id).execution_options(yield_per=500)):
            told = {"at": event.created_at, "action": event.action, "via": event.via, "task": event.task_id}
            if event.actor_id == mine:
                kept = {field: pair for field, pair in event.changes.items() if field not in MASKED}
                yield {"by": "the person", **told, "changes": kept}
            else:
                yield {"by": "somebody else", **told}

    @staticmethod
    def _rows(query: Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in db.session.execute(query)]

    # forgetting it

    @property
    def must_be_let_go(self) -> Handover | None:
        """A creator's tasks are handed over on the way; anybody else leaves by the page of members first."""
        membership = self.user.membership_in(self.workspace_id or 0)
        return Handover(membership) if membership and membership.role == "creator" else None

    @property
    def erased(self) -> bool:
        """Nothing is left to be forgotten in the workspace."""
        if self.user.membership_in(self.workspace_id or 0):
            return False
        return db.session.scalar(self._departures().where(Departure.erased_at.is_(None)).limit(1)) is None

    def refuse_erasure(self, by: User) -> None:
        if self.workspace_id is None or self.user.id == by.id:
            raise ErasureRefused("yourself")
        if self.erased:
            raise ErasureRefused("erased")
        if self.user.membership_in(self.workspace_id) and not self.must_be_let_go:
            raise ErasureRefused("belongs")

    def erase(self, *, by: User, successor: User | None = None) -> None:
        """What the person did stays, under a mark that nobody can read a person from. Another workspace that knows
        the person keeps the account, and with it the name."""
        self.refuse_erasure(by)
        if handover := self.must_be_let_go:
            handover.run(successor, by=by)
        mark = secrets.token_hex(2).upper()
        self._forget_in_words(mark)
        for table in (
            delete(Participant).where(Participant.user_id == self.user.id, Participant.task_id.in_(self._tasks())),
            delete(Mention).where(Mention.user_id == self.user.id, Mention.comment_id.in_(self._comments())),
            delete(ProjectMember).where(
                ProjectMember.user_id == self.user.id, ProjectMember.project_id.in_(self._projects())
            ),
            delete(SavedView).where(self._views()),
            delete(Mute).where(self._mutes()),
            delete(Reminder).where(Reminder.user_id == self.user.id, Reminder.workspace_id.in_(self.places)),
            delete(Inlet).where(self._inlets()),
            delete(Absence).where(self._absences()),
            delete(CalendarFeed).where(
                CalendarFeed.user_id == self.user.id, CalendarFeed.workspace_id.in_(self.places)
            ),
            delete(Notification).where(
                Notification.user_id == self.user.id, Notification.workspace_id.in_(self.places)
            ),
            delete(Upload).where(Upload.user_id == self.user.id, Upload.workspace_id.in_(self.places)),
            delete(ApiToken).where(ApiToken.user_id == self.user.id, ApiToken.workspace_id.in_(self.places)),
            delete(MailedLink).where(self._links(), MailedLink.kind != "invitation"),
            delete(IdempotentRequest).where(  # what was drawn for colleagues may show the person
                IdempotentRequest.user_id.in_(select(User.id).where(self._people())),
                IdempotentRequest.status.is_not(None),
            ),
        ):
            db.session.execute(table, execution_options=QUIETLY)
        invitations = update(MailedLink).where(self._links())
        forgotten = {"name": ERASED + mark, "email": nowhere(), "revoked_at": clock.now(), "user_id": None}
        db.session.execute(invitations.values(**forgotten), execution_options=QUIETLY)
        if self.whole:
            self._erase_account(mark)
        for departure in db.session.scalars(self._departures()):
            departure.erased_at = clock.now()
        record("person.erased", by=by, workspace_id=self.workspace_id, changes={"user_id": (self.user.id, None)})

    def _erase_account(self, mark: str) -> None:
        for model in (
            SignIn, Identity, RecoveryCode, IdempotentRequest, Preference, PushSubscription, Digest
        ):  # fmt: skip
            db.session.execute(delete(model).where(model.user_id == self.user.id), execution_options=QUIETLY)
        user = self.user
        user.name, user.email = ERASED + mark, nowhere()
        user.password_hash = user.totp_secret = user.totp_step = None
        user.active, user.erased_at = False, clock.now()
        user.language, user.timezone = "zh", "Asia/Shanghai"
        for name in OWN_HOURS:
            setattr(user, name, usual_of(name))
        db.session.flush()
        db.session.expire(user, ["name"])
        self._redraw()

    def _redraw(self) -> None:
        """Cards that show the person are kept drawn until their revision changes."""
        shown = select(Task.project_id).where(Task.owner_id == self.user.id)
        for project in db.session.scalars(select(Project).where(Project.id.in_(shown)).order_by(Project.id)):
            tasks = update(Task).where(Task.project_id == project.id)
            db.session.execute(tasks.values(revision=project.touch()), execution_options=QUIETLY)

    def _forget_in_words(self, mark: str) -> None:
        """Where the name was written down as a word: in comments that call the person, in requests, in what was
        signed. A word that is also a living colleague's name stays where nothing says who was meant."""
        name, shared = self.user.name, self._has_namesake()
        called = re.compile(f"@{re.escape(name)}(?!{'|'.join(self._longer_names()) or '$^'})")
        comments = select(Comment).where(
            Comment.id.in_(self._comments()), Comment.body.contains(f"@{name}", autoescape=True)
        )
        if shared:
            comments = comments.where(Comment.mentions.any(Mention.user_id == self.user.id))
        for comment in db.session.scalars(comments):
            comment.body = called.sub(f"@{mark}", comment.body)
        for note in db.session.scalars(self._notes_calling(name, shared)):
            for field in ("done", "needed", "decide"):
                setattr(note, field, (words := getattr(note, field)) and called.sub(f"@{mark}", words))
        words = {self.user.email: nowhere()} | ({} if shared else {name: mark})
        for approval in db.session.scalars(select(Approval).where(Approval.workspace_id.in_(self.places))):
            if approval.subject == f"person {self.user.id}" or self.user.email in json.dumps(approval.arguments):
                for word, other in ({name: mark} | words).items():  # about nobody else
                    approval.reason = approval.reason and approval.reason.replace(word, other)
                    for vote in approval.votes:
                        vote.reason = vote.reason and vote.reason.replace(word, other)
            for field in ("arguments", "difference"):
                setattr(approval, field, _replaced(getattr(approval, field), words))
        for passage in db.session.scalars(select(GatePassage).where(GatePassage.workspace_id.in_(self.places))):
            passage.content = _replaced(passage.content, words)
        db.session.flush()

    def _notes_calling(self, name: str, shared: bool) -> Select[HandoverNote]:
        """Handover notes keep no mentions; with a namesake about, those to or from the person are meant."""
        words = (HandoverNote.done, HandoverNote.needed, HandoverNote.decide)
        called = or_(*(text.contains(f"@{name}", autoescape=True) for text in words))
        notes = select(HandoverNote).where(HandoverNote.workspace_id.in_(self.places), called)
        mine = or_(HandoverNote.recipient_id == self.user.id, HandoverNote.author_id == self.user.id)
        return notes.where(mine) if shared else notes

    def _has_namesake(self) -> bool:
        others = select(User.id).where(User.id != self.user.id, User.name == self.user.name)
        return db.session.scalar(others.where(self._people()).limit(1)) is not None

    def _longer_names(self) -> list[str]:
        """How the names of others go on that begin with this one: 蕾 of 王蕾蕾 is not 王蕾."""
        name = self.user.name
        longer = select(User.name).where(User.name.startswith(name, autoescape=True), User.name != name)
        return [re.escape(each.removeprefix(name)) for each in db.session.scalars(longer.where(self._people()))]

    def _people(self) -> ColumnElement[bool]:
        return User.memberships.any(Membership.workspace_id.in_(self.places))

    # what is meant by here

    def _departures(self) -> Select[Departure]:
        return select(Departure).where(Departure.user_id == self.user.id, Departure.workspace_id == self.workspace_id)

    def _projects(self) -> Select[int]:
        return select(Project.id).where(Project.workspace_id.in_(self.places))

    def _tasks(self) -> Select[int]:
        return select(Task.id).where(Task.workspace_id.in_(self.places))

    def _comments(self) -> Select[int]:
        return select(Comment.id).where(Comment.task_id.in_(self._tasks()))

    def _absences(self) -> ColumnElement[bool]:
        return (Absence.user_id == self.user.id) & Absence.workspace_id.in_(self.places)

    def _mutes(self) -> ColumnElement[bool]:
        return (Mute.user_id == self.user.id) & Mute.workspace_id.in_(self.places)

    def _inlets(self) -> ColumnElement[bool]:
        return (Inlet.owner_id == self.user.id) & Inlet.workspace_id.in_(self.places)

    def _feeds(self) -> ColumnElement[bool]:
        return (CalendarFeed.user_id == self.user.id) & CalendarFeed.workspace_id.in_(self.places)

    def _views(self) -> ColumnElement[bool]:
        return (SavedView.user_id == self.user.id) & SavedView.project_id.in_(self._projects())

    def _links(self) -> ColumnElement[bool]:
        """Also those that were sent to the address before there was an account."""
        meant = or_(MailedLink.user_id == self.user.id, MailedLink.email == self.user.email)
        here = MailedLink.workspace_id.in_(self.places)
        return meant & (or_(here, MailedLink.workspace_id.is_(None)) if self.whole else here)


def nowhere() -> str:
    """An address to which no mail can go, unlike any other."""
    return f"{secrets.token_hex(8)}@erased.invalid"


def _replaced(value: Any, words: dict[str, str]) -> Any:
    """A JSON value with these words replaced, where they stand alone."""
    if isinstance(value, dict):
        return {key: _replaced(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, words) for each in value]
    return words.get(value, value) if isinstance(value, str) else value
