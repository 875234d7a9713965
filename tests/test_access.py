"""Who gets what at every address: one table, walked for every role and for objects near and far.

An endpoint without a row fails here, so that a route which forgets to ask cannot be merged.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import time
from io import BytesIO
from typing import Any

import pytest

from linkstar import packs, pictures, storage
from linkstar.extensions import db
from linkstar.models import (
    EVENTS,
    PERMISSIONS,
    ROLES,
    Absence,
    ApiToken,
    Approval,
    Attachment,
    AttachmentVersion,
    Automation,
    Baseline,
    CalendarEvent,
    Channel,
    Checklist,
    Comment,
    Declaration,
    Emergency,
    Evidence,
    GatePassage,
    Inlet,
    InstalledPack,
    MailedLink,
    Membership,
    Notification,
    Partner,
    Phase,
    Project,
    SavedView,
    SignIn,
    Task,
    Upload,
    User,
    Waiver,
)
from linkstar.models.role import EXTERNAL_ROLES
from linkstar.models.template import TEMPLATE_KEEPERS
from tests.files import PICTURE
from tests.models.test_templates import MEDICAL
from tests.world import CHEAP, NOW, PASSWORD

pytestmark = pytest.mark.one_database

PASSED = {200, 204, 303, 422}  # past the door; the forms are sent empty, so that little is written
MISSING = 999_999
AWAY = ("foreign", "missing")
WRITING = re.compile(r"\s*(INSERT|UPDATE|DELETE)", re.IGNORECASE)


@dataclass
class Row:
    """What an address is about, the permission it asks for, and what is sent to it."""

    about: str  # anyone, token (of a mail), person, invitation, project, task, brief, notice, saved_view, sign_in …
    permission: str = "view"
    data: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    of: str = ""  # the list meant is that of a stage


TABLE = {
    "health.alive": Row("anyone"),
    "health.ready": Row("anyone"),
    "metrics.show": Row("anyone"),
    "sign_ins.new": Row("anyone"),
    "sign_ins.create": Row("anyone"),
    "my_work.show": Row("person"),
    "notifications.index": Row("person"),
    "notifications.read_all": Row("person"),
    "unread_counts.show": Row("person"),
    "notification_preferences.show": Row("person"),
    "notification_preferences.update": Row("person"),
    "notification_preferences.destroy": Row("person"),
    "mutes.create": Row("change"),
    "mutes.destroy": Row("sign_in"),
    "push_subscriptions.create": Row("person"),
    "push_subscriptions.destroy": Row("person"),
    "service_workers.show": Row("anyone"),
    "unsubscriptions.show": Row("token"),
    "unsubscriptions.create": Row("token"),
    "preferences.update": Row("person"),
    "projects.index": Row("person"),
    "projects.new": Row("person", "create"),
    "projects.create": Row("person", "create"),
    "projects.previews.index": Row("person", "create"),
    "projects.previews.create": Row("person", "create"),
    "project_batches.new": Row("person", "create"),
    "project_batches.create": Row("person", "create"),
    "notifications.read": Row("notice"),
    "saved_views.destroy": Row("saved_view"),
    "undos.create": Row("change"),
    "projects.show": Row("project"),
    "projects.board.show": Row("project"),
    "projects.list.show": Row("project"),
    "projects.table.show": Row("project"),
    "projects.cards.index": Row("project", query={"start": 0}),
    "projects.changes.index": Row("project", query={"since": 0}),
    "projects.bulk_edits.create": Row("project", "change some tasks"),
    "projects.tasks.new": Row("project", "create"),
    "projects.tasks.create": Row("project", "create", data={"title": ""}),
    "projects.members.index": Row("project", "stop watching"),
    "projects.members.create": Row("project", "edit"),
    "projects.members.destroy": Row("project", "edit"),
    "saved_views.new": Row("project"),
    "saved_views.create": Row("project"),
    "tasks.show": Row("task"),
    "tasks.edit": Row("task", "edit"),
    "tasks.update": Row("task", "edit", data={"title_zh": "", "title_en": ""}),
    "tasks.moves.new": Row("task", "move"),
    "tasks.moves.create": Row("task", "move", data={"stage_id": MISSING}),
    "tasks.completion.update": Row("task", "move"),
    "tasks.completion.destroy": Row("task", "move"),
    "tasks.comments.create": Row("task"),
    "tasks.checklist_items.create": Row("task", "edit"),
    "tasks.checklist_items.tick": Row("task", "edit"),
    "tasks.checklist_items.untick": Row("task", "edit"),
    "tasks.watch.update": Row("task", "stop watching"),
    "tasks.watch.destroy": Row("task", "stop watching"),
    "tasks.plan_values.edit": Row("task", "edit the plan"),
    "tasks.plan_values.update": Row("task", "edit the plan", data={"duration": "x"}),
    "tasks.history.show": Row("task", "stop watching"),
    "projects.plan.show": Row("project"),
    "calendar.show": Row("person"),
    "projects.calendar.show": Row("project"),
    "posts.new": Row("person", "add tasks"),
    "posts.create": Row("person", "add tasks"),
    "projects.gantt.show": Row("project"),
    "projects.baselines.index": Row("project"),
    "projects.baselines.create": Row("project", "edit", data={"name": ""}),
    "projects.baselines.show": Row("project"),
    "projects.baselines.destroy": Row("project", "edit"),
    "projects.anchor.edit": Row("project", "edit"),
    "projects.anchor.update": Row("project", "edit"),
    "tasks.dates.edit": Row("task", "edit"),
    "tasks.dates.update": Row("task", "edit"),
    "tasks.publication.edit": Row("task", "edit"),
    "tasks.publication.update": Row("task", "edit"),
    "tasks.publication.destroy": Row("task", "edit"),
    "tasks.delay.new": Row("task", "edit", query={"days": 3}),
    "tasks.delay.create": Row("task", "edit"),
    "tasks.dependencies.new": Row("task", "edit"),
    "tasks.dependencies.create": Row("task", "edit"),
    "tasks.dependencies.destroy": Row("task", "edit"),
    "tasks.split.new": Row("task", "edit the plan"),
    "tasks.split.create": Row("task", "edit the plan"),
    "tasks.evidence.create": Row("task", "edit"),
    "tasks.deliverables.create": Row("task", "move"),
    "tasks.checklists.new": Row("task", "edit"),
    "tasks.checklists.create": Row("task", "edit"),
    "tasks.checklists.destroy": Row("task", "edit"),
    "tasks.waivers.new": Row("task", "waive"),
    "tasks.waivers.create": Row("task", "waive"),
    "waivers.votes.create": Row("task", "sign"),
    "evidence.show": Row("task"),
    "gate_passages.show": Row("task", "stop watching"),
    "gate_passages.archive.show": Row("task", "stop watching"),
    "approvals.show": Row("approval"),
    "approvals.votes.create": Row("approval"),
    "approvals.withdrawal.create": Row("approval", "what one asked for"),
    "approvals.file.show": Row("approval", "what one asked for"),
    "trash.tasks.create": Row("task", "restore", of="trash"),
    "trash.projects.create": Row("project", "restore", of="trash"),
    "trash.attachments.create": Row("task", "trash files", of="trash"),
    "projects.trashing.new": Row("project", "restore"),
    "projects.trashing.create": Row("project", "restore", data={"reason": "x" * 3000}),
    "projects.edit": Row("project", "edit"),
    "projects.update": Row("project", "edit", data={"name_zh": "", "name_en": ""}),
    "projects.exports.create": Row("project", "ask to export"),
    "projects.gates.show": Row("project"),
    "projects.gates.update": Row("project", "edit"),
    "stages.checklists.new": Row("project", "edit"),
    "stages.checklists.create": Row("project", "edit"),
    "stages.checklist_items.create": Row("project", "edit", of="stage"),
    "stages.checklist_items.tick": Row("project", "edit", of="stage"),
    "stages.checklist_items.untick": Row("project", "edit", of="stage"),
    "stages.evidence.create": Row("project", "edit", of="stage"),
    "stages.checklists.destroy": Row("project", "edit", of="stage"),
    "waivers.index": Row("person"),
    "approvals.index": Row("person", "stop watching"),
    "trash.index": Row("person", "stop watching"),
    "histories.exports.create": Row("person", "ask to export"),
    "workspaces.show": Row("person", "stop watching"),
    "workspaces.update": Row("person", "keep the workspace", data={"code_rule": ""}),
    "setups.new": Row("person", "keep the workspace"),
    "setups.create": Row("person", "keep the workspace"),
    "calendars.show": Row("person", "stop watching", query={"country": "CN"}),
    "tasks.counterpart.edit": Row("task", "edit"),
    "tasks.counterpart.update": Row("task", "edit", data={"who": "nobody"}),
    "tasks.handover_notes.new": Row("task", "leave a note"),
    "tasks.handover_notes.create": Row("task", "leave a note"),
    "partners.index": Row("person", "stop watching"),
    "partners.new": Row("person", "write partners"),
    "partners.create": Row("person", "write partners"),
    "partners.edit": Row("partner", "write partners"),
    "partners.update": Row("partner", "write partners"),
    "partners.destroy": Row("partner", "write partners"),
    "calendar_feeds.index": Row("person"),
    "calendar_feeds.create": Row("person"),
    "calendar_feeds.destroy": Row("sign_in"),
    "calendar_feeds.show": Row("token"),
    "emergencies.index": Row("person", "stop watching"),
    "emergencies.new": Row("person", "stop watching"),
    "emergencies.create": Row("person", "stop watching", data={"title": ""}),
    "emergencies.show": Row("emergency"),
    "emergencies.acknowledgement.create": Row("emergency", "what one was told"),
    "emergencies.closure.create": Row("emergency", "close", data={"retrospective": ""}),
    "emergencies.reopening.create": Row("emergency", "close", data={"why": ""}),
    "automations.index": Row("person", "stop watching"),
    "automations.new": Row("person", "keep the workspace"),
    "automations.create": Row("person", "keep the workspace"),
    "automations.show": Row("automation"),
    "automations.rehearsal.show": Row("automation"),
    "automations.edit": Row("automation", "keep the workspace"),
    "automations.update": Row("automation", "keep the workspace"),
    "automations.activity.update": Row("automation", "keep the workspace"),
    "automations.activity.destroy": Row("automation", "keep the workspace"),
    "automations.destroy": Row("automation", "keep the workspace"),
    "channels.index": Row("person", "stop watching"),
    "channels.new": Row("person", "keep the workspace", query={"kind": "slack"}),
    "channels.create": Row("person", "keep the workspace", data={"kind": "slack"}),
    "channels.show": Row("channel"),
    "channels.edit": Row("channel"),
    "channels.update": Row("channel"),
    "channels.activity.update": Row("channel"),
    "channels.activity.destroy": Row("channel"),
    "channels.tests.create": Row("channel"),
    "channels.replays.create": Row("channel", "replay nothing"),
    "channels.destroy": Row("channel"),
    "deliveries.index": Row("person", "stop watching"),
    "deliveries.update": Row("person", "stop watching"),
    "inlets.index": Row("person", "keep the workspace"),
    "inlets.create": Row("person", "keep the workspace", data={"name": ""}),
    "inlets.destroy": Row("inlet", "keep the workspace"),
    "incoming.create": Row("token"),
    "calendar_events.index": Row("person", "stop watching"),
    "calendar_events.new": Row("person", "keep the workspace"),
    "calendar_events.create": Row("person", "keep the workspace"),
    "calendar_events.edit": Row("calendar_event", "keep the workspace"),
    "calendar_events.update": Row("calendar_event", "keep the workspace"),
    "calendar_events.destroy": Row("calendar_event", "keep the workspace"),
    "calendars.days.create": Row("person", "keep the workspace", query={"country": "CN"}),
    "calendars.days.destroy": Row("person", "keep the workspace", query={"country": "CN", "day": "2026-10-05"}),
    "projects.phases.index": Row("project", "edit"),
    "projects.phases.create": Row("project", "edit"),
    "projects.phases.update": Row("project", "edit"),
    "projects.phases.destroy": Row("project", "edit"),
    "projects.stages.index": Row("project", "edit"),
    "projects.stages.create": Row("project", "edit"),
    "projects.stages.update": Row("project", "edit"),
    "projects.stages.destroy": Row("project", "edit"),
    "projects.template.new": Row("project", "keep templates"),
    "projects.template.create": Row("project", "keep templates"),
    "projects.copy.new": Row("project", "begin projects"),
    "projects.copy.create": Row("project", "begin projects"),
    "templates.index": Row("person", "stop watching"),
    "templates.show": Row("template"),
    "templates.differences.show": Row("template"),
    "templates.edit": Row("template", "keep templates"),
    "templates.update": Row("template", "keep templates"),
    "templates.draft.create": Row("template", "keep templates"),
    "templates.versions.new": Row("template", "keep templates"),
    "templates.versions.create": Row("template", "keep templates"),
    "templates.draft.destroy": Row("template", "keep templates"),
    "packs.index": Row("person", "keep templates"),
    "packs.create": Row("person", "keep templates"),
    "packs.updates.show": Row("pack", "keep templates"),
    "packs.updates.update": Row("pack", "keep templates"),
    "templates.destroy": Row("template", "keep templates"),
    "packs.destroy": Row("pack", "keep templates"),
    "histories.show": Row("person", "see all"),
    "projects.history.show": Row("project", "stop watching"),
    "workload.show": Row("inside"),
    "absences.index": Row("person"),
    "absences.create": Row("person"),
    "absences.destroy": Row("absence"),
    "members.index": Row("person", "stop watching"),
    "members.edit": Row("person", "manage people"),
    "members.update": Row("person", "manage people", data={"contact": ""}),
    "members.role.edit": Row("person", "ask to manage people"),
    "members.role.update": Row("person", "ask to manage people"),
    "members.departure.new": Row("person", "manage people"),
    "members.departure.create": Row("person", "manage people"),
    "members.entries.destroy": Row("person", "manage people", of="entry"),
    "members.second_factor.destroy": Row("person", "manage people"),
    "invitations.new": Row("person", "ask to manage people"),
    "invitations.create": Row("person", "ask to manage people", data={"addresses": ""}),
    "invitations.update": Row("invitation", "manage people", of="again"),
    "invitations.destroy": Row("invitation", "manage people", of="back"),
    "invitations.show": Row("token"),
    "invitations.acceptance.create": Row("token"),
    "roles.index": Row("person", "stop watching"),
    "roles.edit": Row("person", "manage people"),
    "roles.update": Row("person", "manage people"),
    "projects.members.update": Row("project", "narrow"),
    "entries.new": Row("anyone"),
    "entries.create": Row("anyone", data={"email": ""}),
    "entries.show": Row("token"),
    "entries.openings.create": Row("token"),
    "entries.code.new": Row("token"),
    "entries.code.create": Row("token"),
    "briefs.index": Row("brief"),
    "briefs.show": Row("brief"),
    "briefs.moves.create": Row("brief"),
    "briefs.comments.create": Row("brief"),
    "tasks.outsiders.new": Row("task", "edit"),
    "tasks.outsiders.create": Row("task", "edit", data={"user_id": ""}),
    "tasks.entries.create": Row("task", "edit", of="outsider"),
    "tasks.entries.destroy": Row("task", "edit", of="outsider"),
    "tasks.outsiders.destroy": Row("task", "edit", of="outsider"),
    "accounts.show": Row("person"),
    "accounts.update": Row("person"),
    "accounts.password.update": Row("person"),
    "accounts.sessions.destroy": Row("sign_in"),
    "accounts.other_sessions.destroy": Row("person"),
    "accounts.second_factor.show": Row("person"),
    "accounts.second_factor.create": Row("person"),
    "accounts.second_factor.destroy": Row("person"),
    "accounts.recovery_codes.create": Row("person"),
    "second_factors.new": Row("anyone"),
    "second_factors.create": Row("anyone"),
    "password_resets.new": Row("anyone"),
    "password_resets.create": Row("anyone"),
    "password_resets.edit": Row("token"),
    "password_resets.update": Row("token"),
    "open_id.new": Row("anyone"),
    "open_id.create": Row("anyone"),
    "tasks.attachments.index": Row("task"),
    "tasks.attachments.create": Row("task", "add files"),
    "attachments.show": Row("task"),
    "attachments.preview.show": Row("task"),
    "attachments.versions.create": Row("task", "replace files"),
    "attachments.sharing.update": Row("task", "share files"),
    "attachments.sharing.destroy": Row("task", "share files"),
    "attachments.destroy": Row("task", "trash files"),
    "tasks.comments.edit": Row("task", "say"),
    "tasks.comments.update": Row("task", "say"),
    "tasks.comments.destroy": Row("task", "say"),
    "uploads.create": Row("upload"),
    "uploads.show": Row("upload"),
    "uploads.update": Row("upload"),
    "uploads.destroy": Row("upload"),
    "trust.show": Row("person", "stop watching"),
    "histories.archive.show": Row("person", "manage people"),
    "operations.show": Row("person", "manage people"),
    "personal_data.index": Row("person", "manage people"),
    "personal_data.show": Row("person", "manage people"),
    "personal_data.create": Row("person", "manage people"),
    "personal_data.destroy": Row("person", "manage people"),
    "api_tokens.index": Row("person", "stop watching"),
    "api_tokens.create": Row("person", "stop watching"),
    "api_tokens.destroy": Row("sign_in"),
    "sign_ins.destroy": Row("person"),
    "tasks.trashing.new": Row("task", "ask to delete"),
    "tasks.destroy": Row("task", "delete or ask"),  # after all others: some roles really delete it
}
OPEN_TO_CREATORS = {  # for them no other address exists, but for the public ones
    "my_work.show", "preferences.update", "sign_ins.destroy", "undos.create",
    "personal_data.show", "personal_data.create",
    "accounts.show", "accounts.update", "accounts.password.update", "accounts.sessions.destroy",
    "accounts.other_sessions.destroy", "accounts.second_factor.show", "accounts.second_factor.create",
    "accounts.second_factor.destroy", "accounts.recovery_codes.create",
    "briefs.index", "briefs.show", "briefs.moves.create", "briefs.comments.create",
    "tasks.attachments.index", "tasks.attachments.create", "attachments.show", "attachments.preview.show",
    "attachments.versions.create", "attachments.destroy",
    "uploads.create", "uploads.show", "uploads.update", "uploads.destroy",
}  # fmt: skip


def is_open_to_creators(row):
    return any(row is TABLE.get(endpoint) for endpoint in OPEN_TO_CREATORS)


def test_every_endpoint_has_its_row(app):
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {each for each in endpoints if not each.startswith("api.")} == set(TABLE)  # tests/api has a table of its own


def test_nothing_more_is_open_to_creators_than_was_thought_of(app):
    opened = {name for name, view in app.view_functions.items() if getattr(view, "open_to_creators", False)}
    assert opened == OPEN_TO_CREATORS


def requests_of(app, values=None):
    """(row, method, address) for every address that can be built from these ids, in the order of the table."""
    adapter = app.url_map.bind("localhost")
    for endpoint, row in TABLE.items():
        for rule in app.url_map.iter_rules(endpoint):
            here = values or {}
            wanted = {name: here.get(f"{row.of}:{name}", here.get(name, 1)) for name in rule.arguments}
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                query = row.query | ({"cell": f"stage-{values['stage_id']}"} if values and "cards" in endpoint else {})
                yield row, method, adapter.build(endpoint, wanted | query, method=method)


def test_a_stranger_is_sent_to_sign_in_from_all_but_the_public_addresses(app, browse):
    stranger = browse()
    for row, method, address in requests_of(app):
        answer = stranger.open(method, address, row.data)
        if row.about == "anyone":
            assert answer.status_code in PASSED, address
        elif row.about == "token":
            assert answer.status_code == 404, "whoever holds no token is told nothing"
        else:
            assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/login"), (method, address)


# what the roles may do, from the policy


def joined(role, where):
    """The visitor is a member of the first project, but creators never are."""
    return where in ("mine", "theirs") and role != "creator"


def sees(role, about, where):
    if where in AWAY:
        return False
    if ROLES[role]["view"] == "all" or joined(role, where):
        return True
    return about == "task" and where == "mine"


def may(role, row, where):
    if row.permission == "stop watching":
        return role not in EXTERNAL_ROLES
    if row.permission == "keep templates":
        return role in TEMPLATE_KEEPERS
    if row.permission == "begin projects":
        return role not in EXTERNAL_ROLES and ROLES[role]["create"] in ("all", "member")
    if row.permission == "say":  # what one said oneself
        return where == "mine"
    if row.permission in ("add files", "leave a note"):
        return True
    if row.permission == "replace files":
        return role not in EXTERNAL_ROLES or where == "mine"
    if row.permission in ("share files", "trash files"):
        whole = row.permission == "trash files" or role not in EXTERNAL_ROLES
        return whole and (where == "mine" or may(role, Row("task", "edit"), where))
    if row.permission == "ask to delete":
        edits = role not in EXTERNAL_ROLES and may(role, Row("task", "edit"), where)
        return edits or ROLES[role]["delete"] == "approval"
    if row.permission == "delete or ask":
        return may(role, Row("task", "ask to delete"), where) or may(role, Row("task", "delete"), where)
    if row.permission == "restore":  # who may delete, be it after an approval
        return ROLES[role]["delete"] in ("all", "approval")
    if row.permission == "ask to export":
        return ROLES[role]["export"] == "approval"
    if row.permission == "narrow":
        return ROLES[role]["edit"] == "all"
    if row.permission == "edit the plan":
        return ROLES[role]["edit"] == "all" or (ROLES[role]["edit"] == "member" and joined(role, where))
    if row.permission == "waive":
        return role == "pmo" or (role == "ops" and joined(role, where))
    if row.permission == "change some tasks":  # which of those that were chosen, the page says
        return {ROLES[role]["edit"], ROLES[role]["move"]} != {"none"}
    if row.permission == "sign":
        return role == "legal" or (role == "pmo" and joined(role, where))  # as far as their approve reaches
    scope = ROLES[role][row.permission]
    if scope == "own":
        if row.about == "project":  # tasks of one's own can be made in it, but it is not one's own
            return joined(role, where) and row.permission == "create"
        return where == "mine"
    return {
        "all": True,
        "member": joined(role, where),
        "shared": row.permission == "view",  # what was shared is what can be seen
        "approval": row.permission == "delete",  # nothing of these tasks has a history yet
        "none": False,
    }[scope]


def may_here(role, permission):
    """What is about no project: the workspace that the person looks at."""
    return {
        "view": True,
        "create": ROLES[role]["create"] in ("all", "member"),
        "add tasks": ROLES[role]["create"] != "none",
        "stop watching": role not in EXTERNAL_ROLES,
        "write partners": ROLES[role]["edit"] in ("all", "member"),
        "keep templates": role in TEMPLATE_KEEPERS,
        "keep the workspace": role in ("admin", "pmo"),
        "see all": ROLES[role]["view"] == "all",
        "ask to export": ROLES[role]["view"] == "all" and ROLES[role]["export"] == "approval",
        "manage people": ROLES[role]["admin"] == "all",
        "ask to manage people": role in ("admin", "pmo"),
    }[permission]


def expected(role, row, where):
    if not sees(role, row.about, where) or (row.of == "trash" and role in EXTERNAL_ROLES):
        return {404}
    return PASSED if row.permission == "view" or may(role, row, where) else {403}


# the walk


@pytest.fixture
def visitor(request, app, world):
    """A new person in this role, with a task of the person's own; and tasks of others without a due day."""
    with app.app_context():
        person = User(name="访客", email="visitor@example.com", password_hash=CHEAP.hash(PASSWORD))
        db.session.add(person)
        db.session.flush()
        db.session.add(Membership(workspace=world.shanlan, user=person, role=request.param))
        db.session.flush()
        db.session.refresh(person)
        if request.param != "creator":
            world.lamp.add_member(person, by=world.yue)
        places = {"mine": _place(world.lamp, person), "theirs": _place(world.lamp, world.yu)}
        places |= {"other": _place(world.tent, world.jia), "foreign": _place(world.bike, world.lead)}
        for place in places.values():
            place |= _outsider(place["task_id"], world.jess)
        notice = Notification(
            workspace_id=world.shanlan.id,
            user=person,
            actor=world.yu,
            task_id=places["mine"]["task_id"],
            kind="assigned",
        )
        views = [
            SavedView(project_id=world.lamp.id, user_id=someone.id, name="late", page="list", query="due=late")
            for someone in (person, world.yu)
        ]
        SignIn.begin(world.yu, device="", remember=False)
        db.session.add_all([notice, *views])
        db.session.commit()
        places["missing"] = dict.fromkeys(places["mine"], MISSING)
        notice_ids = {"mine": notice.id, "theirs": world.notice_of_jess.id, "missing": MISSING}
        view_ids = dict(zip(("mine", "theirs", "missing"), [view.id for view in views] + [MISSING], strict=True))
        library = {"mine": _library(world.shanlan, world.yue), "foreign": _library(world.beiyuan, world.lead)}
        db.session.commit()
        library["missing"] = dict.fromkeys(library["mine"], MISSING)
    return request.param, places, notice_ids, view_ids, library


def _library(workspace, keeper):
    """A pack that has a newer version, and its template."""
    pack = packs.parse(MEDICAL, "medical_device.yaml")
    installed = InstalledPack.install(workspace, pack, by=keeper)
    installed.offer(replace(pack, version="2.0"))
    ids: dict[str, Any] = {"pack_id": installed.id, "template_id": installed.templates[0].id}
    day = {"kind": "own", "name_en": "Fair", "first_on": NOW.date(), "last_on": NOW.date()}
    ids["event_id"] = CalendarEvent.add(workspace.id, day, by=keeper).id
    ids["absence_id"] = Absence.write(workspace.id, keeper, NOW.date(), NOW.date(), by=keeper).id
    partner = {"name": "BayLab", "timezone": "UTC", "works_from": time(9), "works_until": time(18), "answer_days": 1}
    happened = {"trigger": "ip_complaint", "severity": "s3", "title": "B0C1"}
    ids["emergency_id"] = Declaration(workspace_id=workspace.id, **happened).declare(by=keeper).id
    ids["inlet_id"] = Inlet.create(workspace.id, "monitor", "emergency", by=keeper).id
    done = {"kind": "move", "choice": "kind:done"}
    parts = {"name": "Next", "trigger": {"kind": "gate"}, "conditions": [], "actions": [done]}
    ids["automation_id"] = Automation.create(workspace.id, None, parts, by=keeper).id
    ids["channel_id"] = Channel.open(
        workspace.id, "slack", by=keeper, name="chat", address="https://hooks.slack.com/services/T/B/X", events=EVENTS
    ).id
    ids["partner_id"] = Partner.create(workspace.id, partner, by=keeper).id
    for name in ("again", "back"):
        link = Membership.invite(workspace, f"{name}@example.com", "Ann", "ops", "en", by=keeper)
        ids[f"{name}:invitation_id"] = link.id
    creator = Membership(
        workspace=workspace, user=User(email=f"{workspace.key}@example.com", name="Ann"), role="creator"
    )
    asked = MailedLink.send("entry", user=creator.user, email="", name="Ann", language="en", workspace_id=workspace.id)
    db.session.add_all([creator, asked])
    db.session.flush()
    ids["entry"] = {"entry:member_id": creator.id, "entry:link_id": asked.id}
    return ids


def _outsider(task_id, creator):
    task = db.session.get_one(Task, task_id)
    task.share_with(creator, owner=False, by=task.project.owner)
    db.session.flush()
    return {"outsider:user_id": creator.id, "outsider:link_id": task.entries[0].id}


def _phase(project):
    phase = project.phases[0] if project.phases else Phase(name_zh="打样", position=0)
    project.phases.append(phase)
    db.session.flush()
    return phase


def _place(project, owner):
    task = Task.create(project, by=project.owner, stage=project.stages[0], owner=owner, title_zh="样品间拍照")
    checklist = Checklist(title_zh="拍照", position=0)
    task.checklists.append(checklist)
    db.session.flush()
    item = checklist.add("灯光", "Light")
    db.session.flush()
    return {
        "project_id": project.id, "stage_id": project.stages[0].id, "task_id": task.id, "item_id": item.id,
        "user_id": project.owner_id, "phase_id": _phase(project).id, **_gate(task, item), **_said_and_sent(task),
        **_thrown_away(project, task), "approval_id": _deletion(task),
        "baseline_id": Baseline.take(project, "v1", by=project.owner).id,
    }  # fmt: skip


def _thrown_away(project, task):
    """A task, a project with the same people, and a file that lie in the trash."""
    by = project.owner
    gone = Task.create(project, by=by, stage=project.stages[0], owner=task.owner, title_zh="旧样品")
    gone.trash(by=by)
    other = Project.create(
        by=by, workspace_id=project.workspace_id, code=f"OLD-{task.id}", key=f"OLD{task.id}", name_zh="旧项目"
    )
    for member in project.members:
        if member.user_id != by.id:
            other.add_member(member.user, by=by)
    other.trash(by=by)
    file = Attachment(workspace_id=task.workspace_id, task=task, added_by=task.owner, trashed_at=NOW)
    file.versions = [
        AttachmentVersion(
            number=1, file_key=f"old-{task.id}", file_name="旧.jpg", media_type="image/jpeg", size=1, sha256="0" * 64,
            sent_by=task.owner,
        )
    ]  # fmt: skip
    db.session.add(file)
    db.session.flush()
    return {"trash:task_id": gone.id, "trash:project_id": other.id, "trash:attachment_id": file.id}


def _deletion(task):
    approval = Approval(
        workspace_id=task.workspace_id, operation="delete_task_with_history", subject=f"task {task.id}", task=task,
        arguments={"seen": []}, asked_by=task.project.owner,
    )  # fmt: skip
    db.session.add(approval)
    db.session.flush()
    return approval.id


def _said_and_sent(task):
    """What the owner said, sent and is sending; not counted, so that the task has no history yet."""
    picture = pictures.preview(BytesIO(PICTURE))
    keys = [storage.put(BytesIO(picture), limit=10_000).key for _each in range(2)]
    comment = Comment(task=task, author=task.owner, body="收到", shared=True)
    version = AttachmentVersion(
        number=1, file_key=keys[0], preview_key=keys[1], file_name="图.jpg", media_type="image/jpeg",
        size=len(picture), sha256="0" * 64, sent_by=task.owner,
    )  # fmt: skip
    here = {"workspace_id": task.workspace_id, "task": task}
    attachment = Attachment(**here, added_by=task.owner, shared=True, versions=[version])
    upload = Upload(**here, user=task.owner, file_name="图.jpg", size=9, file_key=storage.begin())
    db.session.add_all([comment, attachment, upload])
    db.session.flush()
    return {"comment_id": comment.id, "attachment_id": attachment.id, "upload_key": upload.key}


def _gate(task, item):
    """What stands in front of the task, and what was given, asked and signed for it."""
    project = task.project
    on_stage = Checklist.begin("开工前", project.stages[0], by=project.owner)
    spare = Checklist.begin("备用", task, by=project.owner)
    at_stage = on_stage.add("供应商", None)
    stored = storage.put(BytesIO(b"%PDF-1.4"), limit=100)
    evidence = Evidence(
        workspace_id=task.workspace_id, task=task, item=item, kind="file", file_key=stored.key, file_name="图纸.pdf",
        media_type="application/pdf", size=stored.size, sha256=stored.sha256, given_by=project.owner,
    )  # fmt: skip
    waiver = Waiver(workspace_id=task.workspace_id, task=task, item=item, reason="急", asked_by_id=project.owner_id)
    db.session.add_all([evidence, waiver])
    GatePassage.freeze(task, [], by=project.owner)
    db.session.flush()
    passage = task.gate_passages[-1]
    return {
        "checklist_id": spare.id, "evidence_id": evidence.id, "waiver_id": waiver.id, "passage_id": passage.id,
        "stage:checklist_id": on_stage.id, "stage:item_id": at_stage.id,
    }  # fmt: skip


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_each_role_gets_what_the_policy_says(app, browse, visitor, count_queries):
    role, places, notice_ids, view_ids, library = visitor
    browser = browse()
    assert browser.sign_in("visitor@example.com").status_code == 303
    wrong, not_there = [], {}

    def ask(row, method, address, right, where):
        if role == "creator" and not is_open_to_creators(row):
            right = {404}
        with count_queries() as queries:
            answer = browser.open(method, address, row.data, headers={"Tus-Resumable": "1.0.0"})
        if answer.status_code not in right:
            wrong.append(f"{method} {address} ({where}): {answer.status_code}, not {right}")
        if method == "GET" and address != "/history/archive":  # whoever takes it stands in it
            wrong.extend(f"GET {address} writes: {query}" for query in queries if WRITING.match(query))
        if answer.status_code == 404:
            assert "<main" in answer.text
            body = re.sub(r"\d+", "", answer.text.partition("<main")[2].partition("</main>")[0])
            not_there.setdefault((method, re.sub(r"\d+", "", address)), set()).add(body)

    for where in ("missing", "theirs", "mine"):
        right = {204, 415} if where == "mine" else {404}
        for row, method, address in requests_of(app, {"upload_key": places[where]["upload_key"], "stage_id": 1}):
            if row.about == "upload" and row is not TABLE["uploads.create"]:
                ask(row, method, address, right, where)
    for where in ("missing", "foreign", "other", "theirs", "mine"):
        for row, method, address in requests_of(app, places[where]):
            if row.about in ("project", "task"):
                ask(row, method, address, expected(role, row, where), where)
            elif row.about == "approval":  # asked for by the project's owner
                decides = (role == "pmo" and joined(role, where)) or (role == "admin" and where not in AWAY)
                found = PASSED if row.permission == "view" else {403}
                ask(row, method, address, found if decides else {404}, where)
            elif row.about == "brief":
                mine = role == "creator" and (where == "mine" or row is TABLE["briefs.index"])
                ask(row, method, address, PASSED if mine else {404}, where)
    for where in ("missing", "theirs", "mine"):
        right = PASSED if where == "mine" and role != "creator" else {404}  # a creator sees no project
        for row, method, address in requests_of(app, {"view_id": view_ids[where], "stage_id": 1}):
            if row.about == "saved_view":
                ask(row, method, address, right, where)
        right = PASSED if where == "mine" else {404}
        for row, method, address in requests_of(app, {"notification_id": notice_ids[where], "stage_id": 1}):
            if row.about == "notice":
                ask(row, method, address, right, where)
    for where, ids in library.items():
        outside = where != "mine" or role in EXTERNAL_ROLES
        for row, method, address in requests_of(app, ids | {"stage_id": 1}):
            if row.about in ("template", "pack"):
                keeps = row.permission == "view" or role in TEMPLATE_KEEPERS
                ask(row, method, address, {404} if outside else PASSED if keeps else {403}, where)
            if row.about == "channel":  # a keeper's
                found = PASSED if where == "mine" and role in ("admin", "pmo") else {404}
                found = {404} if row.permission == "replay nothing" else found
                ask(row, method, address, {403} if role in EXTERNAL_ROLES else found, where)
            if row.about == "absence":  # a keeper's
                found = PASSED if where == "mine" and role in ("admin", "pmo") else {404}
                ask(row, method, address, found, where)
            if row.about == "emergency":  # of which the visitor was not told
                right = row.permission == "view" or (row.permission == "close" and role in ("legal", "pmo"))
                ask(row, method, address, {404} if outside else PASSED if right else {403}, where)
            if row.about == "automation":
                found = {404} if where != "mine" else PASSED
                if role in EXTERNAL_ROLES or (where == "mine" and row.permission != "view"):
                    found = PASSED if may_here(role, row.permission) and role not in EXTERNAL_ROLES else {403}
                ask(row, method, address, found, where)
            if row.about in ("invitation", "calendar_event", "partner", "inlet"):
                found = PASSED if where == "mine" else {404}
                ask(row, method, address, found if may_here(role, row.permission) else {403}, where)
    for row, method, address in requests_of(app, library["mine"]["entry"] | {"stage_id": 1}):
        if row.about in ("change", "sign_in"):  # the first sign-in of the database is somebody else's
            ask(row, method, address, {404}, "missing")
        elif row.about == "inside":
            ask(row, method, address, {404} if role in EXTERNAL_ROLES else PASSED, "")
        elif row.about == "person":
            ask(row, method, address, PASSED if may_here(role, row.permission) else {403}, "")
    assert not wrong, "\n".join(wrong)
    differing = [address for address, bodies in not_there.items() if len(bodies) > 1]
    assert not differing, "what is not there and what is not yours must look the same"


LAST_STEPS = {"members.departure.create", "members.second_factor.destroy"}
OF_PERSONS = ("member_id", "user_id", "session_id", "token_id")


def children_of(app, mine, theirs):
    """What one address asks for below a thing of one's own, with the ids of somebody else's things below it."""
    for endpoint, row in TABLE.items():
        for rule in app.url_map.iter_rules(endpoint):
            parent, *below = re.findall(r"<id:(\w+)>", rule.rule) or [""]
            if row.about in ("task", "project") and below and "user_id" not in below:
                named = f"{row.of}:{parent}"
                values = theirs | {parent: mine[parent], named: mine.get(named, mine[parent])}
                yield from (found for found in requests_of(app, values) if found[0] is row)


@pytest.mark.parametrize("visitor", ["admin", "ops", "legal", "us_partner", "creator"], indirect=True)
def test_nothing_of_another_task_is_reached_through_ones_own(app, browse, visitor):
    role, places, *_rest = visitor
    browser, walked, wrong = browse(), set(), []
    browser.sign_in("visitor@example.com")
    for where in ("theirs", "other", "foreign"):
        for row, method, address in children_of(app, places["mine"], places[where]):
            if where == "theirs" and row.about == "project":  # it is the same project
                continue
            right = expected(role, row, "mine")
            if right is PASSED or (role == "creator" and not is_open_to_creators(row)):
                right = (
                    {404, 403} if sees(role, row.about, where) and where == "other" else {404}
                )  # seen, but not to be changed
            walked.add(address.rpartition("/")[0])
            answer = browser.open(method, address, row.data)
            if answer.status_code not in right | {404}:
                wrong.append(f"{method} {address} ({where}): {answer.status_code}, not {right}")
        for page, sent in (
            ("moves", {"stage_id": "stage_id"}), ("dependencies", {"task_id": "task_id"}),
            ("waivers", {"item_id": "item_id"}), ("evidence", {"item_id": "item_id"}),
        ):  # fmt: skip
            if where != "theirs":
                form = {name: places[where][key] for name, key in sent.items()} | {"reason": "x", "direction": "before"}
                answer = browser.post(f"/tasks/{places['mine']['task_id']}/{page}", form)
                if answer.status_code < 400:
                    wrong.append(f"{page} with {form} ({where}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert len(walked) > 20


@pytest.mark.parametrize("visitor", ROLES, indirect=True)
def test_people_and_keys_are_ones_own_or_of_the_workspace(app, browse, world, visitor):
    role, places, *_rest = visitor
    with app.app_context():
        person = User.at("visitor@example.com")
        ids = {name: dict.fromkeys(OF_PERSONS, MISSING) for name in ("mine", "theirs", "foreign", "missing")}
        for name, user in (("mine", person), ("theirs", world.yu), ("foreign", world.lead)):
            member = user.memberships[0]
            SignIn.begin(user, device="", remember=False)
            token = ApiToken(
                user=user, workspace=member.workspace, name="x", scopes=[], ending="xxxx", token_hash=f"{name:x<64}"
            )
            db.session.add(token)
            db.session.flush()
            keys = {"session_id": SignIn.of(user)[0].id, "token_id": token.id}
            ids[name] = keys | {"member_id": member.id, "user_id": user.id}
        db.session.commit()
    browser = browse()
    browser.sign_in("visitor@example.com")
    wrong = []
    for where in ("missing", "foreign", "theirs", "mine"):
        for row, method, address in requests_of(app, ids[where] | places["mine"] | ids[where]):
            endpoint = next(name for name, each in TABLE.items() if each is row)
            if row.about not in ("person", "sign_in") or not any(
                name in rule.arguments for rule in app.url_map.iter_rules(endpoint) for name in OF_PERSONS
            ):
                continue
            manages = may_here(role, row.permission)
            if role == "creator" and not is_open_to_creators(row):
                right = {404}
            elif row.about == "sign_in":
                right = PASSED if where == "mine" else {404}
            elif endpoint.startswith("personal_data"):
                right = PASSED if where == "mine" else {403} if not manages else PASSED if where == "theirs" else {404}
            elif role in EXTERNAL_ROLES:
                right = {403}
            else:
                right = {404} if where in AWAY else PASSED if manages else {403}
            if endpoint == "members.entries.destroy" or (where == "mine" and endpoint in LAST_STEPS):
                continue  # the link of somebody, and what would be the end of the walk
            answer = browser.open(method, address, row.data)
            if answer.status_code not in right:
                wrong.append(f"{method} {address} ({where}): {answer.status_code}, not {right}")
    for where in ("missing", "foreign", "other", "theirs", "mine"):
        for strange in (None, "theirs"):
            told = {"task_id": places[where]["task_id"], "filename": "a.jpg"}
            told |= {"attachment_id": places[strange]["attachment_id"]} if strange else {}
            pairs = (f"{name} {b64encode(str(value).encode()).decode()}" for name, value in told.items())
            headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": ",".join(pairs)}
            answer = browser.post("/uploads", headers=headers)
            right = 201 if sees(role, "task", where) else 404
            if strange and right == 201:
                right = 404 if where != strange else 403 if role in EXTERNAL_ROLES else 201
            if answer.status_code != right:
                wrong.append(f"POST /uploads ({where}, {strange}): {answer.status_code}, not {right}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("visitor", ["creator", "us_partner"], indirect=True)
def test_an_outsider_here_is_one_although_inside_elsewhere(app, browse, world, visitor):
    role, places, *_rest = visitor
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=User.at("visitor@example.com"), role="ops"))
        db.session.commit()
    browser, wrong = browse(), []
    browser.sign_in("visitor@example.com")
    for where in ("missing", "other", "theirs", "mine"):
        for row, method, address in requests_of(app, places[where]):
            if row.about not in ("project", "task") or row.of == "trash":
                continue
            right = expected(role, row, where)
            if role == "creator" and not is_open_to_creators(row):
                right = {303} if row is TABLE["tasks.show"] and where == "mine" else {404}
            answer = browser.open(method, address, row.data, headers={"Tus-Resumable": "1.0.0"})
            if answer.status_code not in right:
                wrong.append(f"{method} {address} ({where}): {answer.status_code}, not {right}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("visitor", ["pmo"], indirect=True)
def test_who_keeps_two_workspaces_is_in_one_of_them_at_a_time(app, browse, world, visitor):
    """Nothing of the other is reached through the chosen one; an alarm is raised where the project is, and a link that
    leads to a list leads to the list of its workspace."""
    *_rest, library = visitor
    with app.app_context():
        person = User.at("visitor@example.com")
        db.session.add(Membership(workspace=world.beiyuan, user=person, role="pmo"))
        told = Notification(workspace_id=world.beiyuan.id, user=person, kind="channel_failed", fields=["chat"])
        db.session.add(told)
        db.session.commit()
        notice_id, lamp, bike, here, there = told.id, world.lamp.id, world.bike.id, world.shanlan.id, world.beiyuan.id
    browser = browse()
    browser.sign_in("visitor@example.com")
    assert browser.post("/preferences", {"workspace_id": here}).status_code == 303
    wrong = []
    for row, method, address in requests_of(app, library["foreign"] | {"stage_id": 1}):
        if row.about in ("channel", "automation", "inlet"):
            answer = browser.open(method, address, row.data)
            if answer.status_code != 404:
                wrong.append(f"{method} {address}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)

    happened = {"trigger": "ip_complaint", "severity": "s3", "title": "B0C1", "project": bike}
    assert browser.post("/emergencies", happened).status_code == 422, "there is no such project here"
    page = browser.get(f"/emergencies/new?project={bike}").text
    assert f'action="/emergencies?project={bike}"' in page and f'selected value="{bike}"' in page
    assert f'<option value="{lamp}"' not in page
    for away in (MISSING, "x", ""):
        assert browser.get(f"/emergencies/new?project={away}").status_code == 404, away
        assert browser.post(f"/emergencies?project={away}", happened).status_code == 404, away
    assert browser.post(f"/emergencies?project={bike}", happened).status_code == 303
    with app.app_context():
        newest = db.session.scalars(db.select(Emergency).order_by(Emergency.id.desc())).first()
        assert (newest.workspace_id, newest.about_id) == (there, bike)

    channel, automation = (f"/{each}s/{library['foreign'][f'{each}_id']}" for each in ("channel", "automation"))
    assert f"/automations?workspace={there}" in browser.get(f"/projects/{bike}/board").text
    assert browser.post(f"/inbox/{notice_id}/reading").location == f"/channels?workspace={there}"
    for addresses, workspace in ((["/automations", "/channels"], there), (["/channels", "/automations"], here)):
        for address in addresses:
            assert browser.get(f"{address}?workspace={workspace}").status_code == 303
            seen = [each in browser.get(each.rpartition("/")[0]).text for each in (channel, automation)]
            assert seen == [workspace == there] * 2, address
    assert browser.get(f"/channels?workspace={MISSING}").status_code == 404


@pytest.mark.parametrize("how", ["narrowed", "taken away"])
@pytest.mark.parametrize("visitor", ["pmo"], indirect=True)
def test_what_was_taken_from_a_role_or_a_person_is_gone(app, browse, world, visitor, how):
    """Nothing is left but to read, to speak and, where it is the person who is narrowed, what is about no project."""
    _role, places, *_rest = visitor
    with app.app_context():
        if how == "narrowed":
            world.lamp.narrowed = {str(User.at("visitor@example.com").id): "view"}
        else:
            world.shanlan.policy = {"pmo": {each: "none" for each in PERMISSIONS if each != "view"}}
        db.session.commit()
    gone = {"create", "edit", "move", "edit the plan", "ask to export", "waive", "sign", "share files", "trash files"}
    gone |= {"add files", "replace files", "narrow", "leave a note"} if how == "narrowed" else set()
    browser, wrong = browse(), []
    browser.sign_in("visitor@example.com")
    for row, method, address in requests_of(app, places["theirs"]):
        right = {403} if row.permission in gone else PASSED if row.permission == "view" else PASSED | {403}
        if row.about == "approval":
            right = {404}
        if row.about in ("project", "task", "approval") and row.of != "trash":
            answer = browser.open(method, address, row.data, headers={"Tus-Resumable": "1.0.0"})
            if answer.status_code not in right:
                wrong.append(f"{method} {address} ({row.permission}): {answer.status_code}, not {right}")
    assert not wrong, "\n".join(wrong)


def test_a_person_who_was_taken_out_sees_nothing_from_the_next_request_on(app, browse, world):
    yu = browse("yu")
    assert yu.get(f"/tasks/{world.fcc.id}").status_code == 200
    with app.app_context():
        db.session.delete(world.yu.membership_in(world.shanlan.id))
        db.session.commit()
    assert yu.get(f"/tasks/{world.fcc.id}").status_code == 404


def test_a_closed_account_is_signed_out_at_once(app, browse, world):
    yu = browse("yu")
    with app.app_context():
        world.yu.active = False
        db.session.commit()
    assert yu.get("/").status_code == 303
