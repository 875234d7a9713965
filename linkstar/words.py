"""The fixed words of the trade in both languages: platforms, priorities, roles. From the glossary."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from linkstar import clock, packs
from linkstar.i18n import _, _l, both, day, full_moment, in_language, ngettext, zoned_moment

PLATFORM_NAMES = {
    "amazon": "Amazon",
    "tiktok_shop": "TikTok Shop",
    "tiktok": "TikTok",
    "walmart": "Walmart",
    "shopify": "Shopify",
    "instagram": "Instagram",
    "youtube": "YouTube",
    "facebook": "Facebook",
    "pinterest": "Pinterest",
}
PRIORITY_NAMES = {"urgent": _l("Urgent"), "high": _l("High"), "medium": _l("Medium"), "low": _l("Low")}
ROLE_NAMES = {
    "admin": _l("Administrator"),
    "pmo": _l("PMO"),
    "content_lead": _l("Content lead"),
    "media": _l("Video crew"),
    "ads": _l("Ad specialist"),
    "ops": _l("Operations"),
    "design": _l("Designer"),
    "purchasing": _l("Purchasing"),
    "cs": _l("Customer service"),
    "finance": _l("Finance"),
    "legal": _l("Legal & compliance"),
    "creator": _l("Creator"),
    "us_partner": _l("US partner"),
    "intern": _l("Intern"),
}
PERMISSION_NAMES = {
    "view": _l("See"),
    "create": _l("Create"),
    "edit": _l("Edit"),
    "move": _l("Move and complete"),
    "delete": _l("Delete"),
    "approve": _l("Approve"),
    "see_budget": _l("See budgets"),
    "see_suppliers": _l("See suppliers"),
    "see_creator_contacts": _l("See creators’ contacts"),
    "export": _l("Export"),
    "admin": _l("Manage people and roles"),
}
SCOPE_NAMES = {
    "all": _l("Everything"),
    "member": _l("Own projects"),
    "own": _l("Own tasks"),
    "shared": _l("What was shared"),
    "approval": _l("After approval"),
    "none": _l("Not at all"),
}
SCOPES_EXPLAINED = {
    "all": _l("in the whole workspace, whoever takes part"),
    "member": _l("in the projects that the person takes part in"),
    "own": _l("only tasks that the person owns or added"),
    "shared": _l("only tasks and projects that were shared with the person one by one"),
    "approval": _l("only after somebody else has approved it; what nobody has begun yet goes at once"),
    "none": _l("the buttons are missing, and the server refuses"),
}
REACH_NAMES = {"role": _l("As the role says"), "own": _l("Own tasks only"), "view": _l("Read only")}
EVIDENCE_NAMES = {
    "file": _l("File"),
    "url": _l("Link"),
    "number": _l("Number"),
    "text": _l("Text"),
    "photo": _l("Photo"),
    "date": _l("Date"),
}
CONFIDENCE_NAMES = {"high": _l("high"), "medium": _l("medium"), "low": _l("low")}
REGION_NAMES = {"US": _l("US federal"), "US-CA": _l("California")}
FIELD_NAMES = {
    "title_zh": _l("Title in Chinese"),
    "title_en": _l("Title in English"),
    "brief_zh": _l("Brief in Chinese"),
    "brief_en": _l("Brief in English"),
    "wanted_zh": _l("Do, in Chinese"),
    "wanted_en": _l("Do, in English"),
    "unwanted_zh": _l("Don't, in Chinese"),
    "unwanted_en": _l("Don't, in English"),
    "budget": _l("Budget"),
    "currency": _l("Currency"),
    "suppliers": _l("Suppliers"),
    "contact": _l("Contact"),
    "source_language": _l("Written first in"),
    "owner_id": _l("Owner"),
    "start_on": _l("Start date"),
    "due_on": _l("Due date"),
    "priority": _l("Priority"),
    "platform": _l("Platform"),
    "phase_id": _l("Phase"),
    "stage_id": _l("Stage"),
    "labels": _l("Labels"),
    "blocking": _l("Blocks the tasks after it until it is done"),
    "milestone": _l("Milestone"),
    "start_at": _l("Start"),
    "due_at": _l("Due at"),
    "locked": _l("Dates locked"),
    "start_rule": _l("How the start is set"),
    "offset": _l("Start, counted from the anchor"),
    "duration": _l("Duration"),
    "elapsed_days": _l("Calendar days that run through weekends"),
    "offset_days": _l("Deadline in calendar days from the anchor"),
    "lag": _l("Lag"),
    "role": _l("Role"),
    "unassigned": _l("To be assigned"),
    "optional": _l("Can be left out"),
    "waiting": _l("Waiting time"),
    "deliverable_zh": _l("Deliverable in Chinese"),
    "deliverable_en": _l("Deliverable in English"),
    "estimate": _l("Hours of work"),
    "remind_before": _l("Remind so many days before"),
    "first_on": _l("First day"),
    "last_on": _l("Last day"),
    "hours_a_day": _l("Hours a day"),
    "publish_at": _l("Goes online"),
    "audience_timezone": _l("Time zone of the audience"),
    "cheerful": _l("Cheerful tone"),
    "counterpart_id": _l("Person on the other side"),
    "partner_id": _l("Partner"),
    "counterpart_timezone": _l("Time zone on the other side"),
    "round_trips": _l("Round trips"),
    "partner": _l("Partner"),
    "timezone": _l("Time zone"),
    "works_from": _l("Works from"),
    "works_until": _l("Works until"),
    "answer_days": _l("Working days until they answer"),
    "note_zh": _l("Note in Chinese"),
    "note_en": _l("Note in English"),
    "sensitive": _l("No cheerful posts"),
    "hidden": _l("Hidden"),
    "evidence": _l("Evidence"),
    "items": _l("Items"),
    "reason": _l("Reason"),
    "body": _l("Comment"),
    "retrospective": _l("Retrospective note"),
    "severity": _l("Severity"),
    "anchor": _l("Anchor day"),
    "code_rule": _l("Naming rule"),
    "sop_url": _l("Link to the procedure"),
    "template": _l("Template"),
    "version": _l("Version"),
    "pack": _l("Pack"),
    "phase": _l("Phase"),
    "phase_order": _l("Order of the phases"),
    "stage": _l("Stage"),
    "stage_order": _l("Order of the stages"),
    "kind": _l("Kind"),
    "wip_limit": _l("At most so many tasks"),
    "waits_for": _l("Waits for"),
    "title": _l("Title"),
    "name": _l("Name"),
    "name_zh": _l("Name in Chinese"),
    "name_en": _l("Name in English"),
    "code": _l("Project code"),
    "store": _l("Store"),
    "brand": _l("Brand"),
    "tasks": _l("Tasks"),
    "open_tasks": _l("Open tasks"),
    "comments": _l("Comments"),
    "files": _l("Files"),
    "dependencies": _l("Dependencies"),
    "fields": _l("Fields that not everybody sees"),
    "trouble": _l("Why not"),
    "second_factor": _l("Second factor at sign-in"),
    "reach": _l("Reach in the project"),
    "successor_id": _l("Taken over by"),
    "email": _l("E-mail"),
    **PERMISSION_NAMES,
}
OPERATION_NAMES = {  # of the pack's sensitive operations, as a request is headed
    "budget_change": _l("Raise a budget"),
    "bulk_change": _l("Change many tasks"),
    "delete_project": _l("Delete a project"),
    "delete_task_with_history": _l("Delete a task"),
    "export_sensitive": _l("Export the history"),
    "role_change": _l("Change a role or invite people"),
    "template_change": _l("Publish a template"),
}
TROUBLES = {  # why an approved request could not be carried out
    "gone": _l("What it is about is not there any more."),
    "changed_since": _l("It has changed since the request was made. Look at it again, and ask anew."),
    "NotAllowed": _l("Who approved it may not do this."),
    "rights_lost": _l("Who asked for it may not do so any more."),
    "MoveRefused": _l("Something holds one of the tasks."),
    "StillUsed": _l("It still has sub-projects. They go first."),
    "DayPassed": _l("The project's launch day would be a day that has passed."),
    "StillOwns": _l("Who becomes a creator hands over projects and open tasks first."),
    "LastAdministrator": _l("A workspace keeps at least one administrator."),
}
START_RULE_NAMES = {
    "fixed": _l("On its own day"),
    "as_late_as_possible": _l("As late as possible"),
    "by_hand": _l("By hand"),
}
STAGE_KINDS = {
    "backlog": _l("To do"),
    "active": _l("In progress"),
    "review": _l("In review"),
    "done": _l("Done"),
}
MARKET_KIND_NAMES = {  # of the days in the market's calendar
    "federal": _l("US federal holidays"),
    "commercial": _l("Shopping days"),
    "social": _l("Observances"),
    "religious": _l("Religious holidays"),
    "platform": _l("Platform sales"),
    "tax": _l("Tax and registrations"),
    "factory": _l("Factories and freight in China"),
    "dst": _l("US clock changes"),
    "cutoff": _l("Cut-offs"),
    "own": _l("Our own days"),
}
FEED_KIND_NAMES = {  # of addresses that other calendar programs read
    "personal": _l("My tasks and posts"),
    "project": _l("One project"),
    "marketing": _l("Marketing calendar"),
}
KIND_NAMES = STAGE_KINDS | MARKET_KIND_NAMES | FEED_KIND_NAMES  # whatever the trail calls a kind
LEG_NAMES = {  # of a cut-off: a way of shipping, or what has its day
    "awd": _l("via AWD"),
    "minimal_splits": _l("few split shipments"),
    "optimized_splits": _l("Amazon-optimized split shipments"),
    "slow_sea": _l("slow boat"),
    "fast_sea": _l("fast boat"),
    "us_east_sea": _l("boat to the East Coast"),
    "air": _l("air freight"),
    "wfs": "WFS",
    "ground_earliest": _l("ground, the earliest cut-off"),
    "ground_typical": _l("ground, the usual cut-off"),
    "usps_priority": "USPS Priority",
    "express": _l("express"),
    "overnight": _l("overnight"),
    "last_order": _l("last order"),
    "last_ship": _l("last shipment"),
    "restart_from": _l("work begins again"),
    "full_capacity": _l("full capacity again"),
}
COUNTRY_NAMES = {"CN": _l("China"), "US": _l("United States")}
CHANNEL_KIND_NAMES = {
    "feishu": _l("Feishu robot"),
    "wecom": _l("WeCom robot"),
    "dingtalk": _l("DingTalk robot"),
    "slack": _l("Slack"),
    "webhook": _l("Webhook"),
}
CHANNEL_EVENT_NAMES = {
    "task.created": _l("Task created (once per launch)"),
    "task.moved": _l("A task goes on to another stage"),
    "task.completed": _l("A task is done"),
    "task.overdue": _l("A task is overdue"),
    "task.unblocked": _l("Nothing blocks a task any more"),
    "gate.passed": _l("A task passes its gate"),
    "gate.waiting": _l("A gate waits for somebody"),
    "project.created": _l("A project begins"),
    "project.idle": _l("Nothing has changed in a project for a week"),
    "approval.asked": _l("Somebody asks for an approval that you may see"),
    "compliance.expiring": _l("A certificate or a report expires"),
    "cutoff.near": _l("A cut-off day is near"),
    "emergency.declared": _l("An emergency is declared"),
    "emergency.acknowledged": _l("Somebody takes up an emergency"),
    "emergency.closed": _l("An emergency is closed"),
    "emergency.reopened": _l("An emergency is reopened"),
    "test": _l("Test"),
}
DELIVERY_STATE_NAMES = {
    "due": _l("On its way"),
    "sent": _l("Delivered"),
    "dropped": _l("Not sent any more"),
    "failed": _l("Given up"),
}
DELIVERY_TROUBLES = {  # why a message did not get out, by the words that are kept
    "scheme": _l("The address has to begin with https:// and hold nothing but plain signs."),
    "credentials": _l("A name and a password do not belong into the address."),
    "port": _l("Nothing is sent to this port."),
    "address": _l(
        "The address lies inside a house or on this machine: take a public one, or have it allowed in "
        "OUTGOING_NETWORKS by whoever runs Linkstar."
    ),
    "kind": _l("That is not the address of a robot of this kind."),
    "sealed": _l("Enter the address again, and the secret if it has one: they can no longer be read."),
    "unknown": _l("This domain name can’t be found."),
    "unreachable": _l("The other side does not answer."),
    "certificate": _l("Its certificate does not hold."),
    "slow": _l("The other side took more than ten seconds."),
    "redirect": _l("The other side sends us on to another address, and we do not follow: enter the last address."),
    "answer": _l("The answer cannot be read."),
    "400": _l("The other side cannot use our message: see whether the address belongs to this kind of channel."),
    "401": _l("The other side does not believe the signature or the key: enter both again."),
    "403": _l("The other side refuses: see there whether the address still holds and who may write."),
    "404": _l("There is nothing at this address: copy it from the other side again and enter it here."),
    "410": _l("The other side says that it is gone for good: make a new address there and enter it here."),
    "429": _l("The other side says: too often."),
    "500": _l("Something is broken on the other side."),
    "no_service": _l("Slack knows no such webhook any more: make a new one in Slack and enter its address."),
    "channel_is_archived": _l("The channel is archived in Slack: bring it back there, or enter another one’s address."),
    "action_prohibited": _l("The administrators of this Slack do not allow it: ask them."),
    "9499": _l("Feishu cannot read our message: tell whoever runs Linkstar."),
    "19001": _l("Feishu knows no robot of this address: add one to the group anew and enter its address."),
    "19021": _l("The signature is wrong: compare the secret with the one in Feishu, and the clock of this machine."),
    "19022": _l("Feishu lets only some machines in: add the address of ours to the robot’s list."),
    "19024": _l("The robot asks for a keyword that is not in the message: take signatures instead."),
    "93000": _l("WeCom knows no robot of this address: add one to the group anew and enter its address."),
    "40058": _l("WeCom cannot read our message: tell whoever runs Linkstar."),
    "300001": _l("DingTalk knows no robot of this address: add one to the group anew and enter its address."),
    "400013": _l("The DingTalk group is dissolved: enter the address of a robot in another group."),
    "400102": _l("The robot is switched off in DingTalk: switch it on there."),
    "430102": _l("DingTalk finds something unseemly in the message and does not take it."),
    "40035": _l("DingTalk cannot read our message: tell whoever runs Linkstar."),
    "310000": _l("DingTalk refuses: compare the secret, the keywords and the addresses that it lets in."),
}
SAME_TROUBLES = {  # answers that ask for the same as another one
    "no_team": "no_service", "invalid_token": "no_service", "channel_not_found": "no_service",
    "no_active_hooks": "no_service", "40008": "40058", "44004": "40058", "300005": "300001", "400101": "300001",
    "400106": "300001", "430101": "430102", "430103": "430102", "430104": "430102", "43004": "40035", "400105": "40035",
}  # fmt: skip
API_SCOPE_NAMES = {
    "work:read": _l("Read projects and tasks"),
    "work:write": _l("Change projects and tasks"),
    "people:read": _l("Read who is in the workspace"),
    "audit:read": _l("Read the history"),
    "hooks:write": _l("Have other programs told what happens"),
}
TRIGGER_NAMES = {  # of emergencies, by the pack's keys
    "listing_removed": _l("A listing was removed"),
    "product_status_change": _l("A product's status changed (TikTok Shop)"),
    "offer_unpublished": _l("Offer unpublished (Walmart)"),
    "account_health_warning": _l("Account health warning"),
    "ip_complaint": _l("Intellectual property complaint"),
    "safety_incident": _l("Safety incident"),
    "negative_media": _l("Negative media"),
    "system_down": _l("A system is down"),
}
VIA_NAMES = {
    "web": _l("in the browser"),
    "api": _l("through the API"),
    "program": _l("by the program"),
    "webhook": _l("through an address for other programs"),
    "automation": _l("by an automation"),
}


TOPIC_NAMES = {  # what a person can choose about
    "assigned": _l("A task is assigned to me"),
    "mentioned": _l("Someone mentions me"),
    "approval": _l("An approval or waiver needs me, or is decided"),
    "due": _l("My task is due soon"),
    "overdue": _l("A task is overdue"),
    "unblocked": _l("My task is on hold, or not blocked any more"),
    "gate": _l("Others are waiting for my task"),
    "handed_over": _l("Someone leaves me a handover note"),
    "expiring": _l("A certificate is about to expire"),
    "cutoff": _l("A cut-off is coming up"),
    "idle": _l("Nothing happens in a project"),
    "channel": _l("A channel or automation of mine stops working"),
    "emergency": _l("An emergency is declared"),
    "started": _l("My task can start"),
    "commented": _l("Someone comments on a task I watch"),
    "changed": _l("Someone changes a task I own or watch"),
}
MAIL_NAMES = {"now": _l("Right away"), "digest": _l("Digest"), "off": _l("Never")}
DIGEST_NAMES = {"daily": _l("Every day"), "weekly": _l("Once a week"), "off": _l("Never")}
WEEKDAY_NAMES = (
    _l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"), _l("Sunday")
)  # fmt: skip
TOLD_FIRST = ("stage_id", "owner_id", "due_on", "due_at", "start_on", "start_at", "priority", "title_zh", "title_en")
FIELDS_NAMED = 3


def notice_words(notice: Any, still_blocked_by: int | None = None) -> str:
    """What a Notification says, for the inbox, the subject of a mail and a browser. Of an unblocked task it can be
    said how many others block it still, where that is known already."""
    if notice.kind in _SAID:
        return _SAID[notice.kind](notice)
    if notice.kind == "unblocked":
        still_blocked_by = notice.still_blocked_by if still_blocked_by is None else still_blocked_by
        if still_blocked_by and notice.for_creator:
            return _("A blocking task of “%(task)s” is done", task=both(notice.task, "title"))
        return _unblocked(both(notice.task, "title"), still_blocked_by, _hour(notice))
    return done_words(notice, notice.kind)


def headline(notice: Any, said: str | None = None) -> str:
    """The same as the subject of a mail, or on a telephone: what cannot wait says so first."""
    said = said or notice_words(notice)
    over = notice.emergency and (notice.emergency.closed_at or notice.emergency.drill)
    return _("[Urgent] %(words)s", words=said) if notice.urgent and not over else said


def done_words(notice: Any, kind: str) -> str:
    """What somebody did to a task; where hours count, with the moment at which it is due. A creator is told of the task
    alone, and nobody of a project that is not the reader's to know."""
    words = {"name": notice.actor.name if notice.actor else "", "task": both(notice.task, "title")}
    hour = _hour(notice)
    if kind == "staffed" and (notice.for_creator or (hour and not notice.task.project.known_to(notice.user))):
        kind = "assigned"
    if hour and kind in _DUE_AT:
        return str(_DUE_AT[kind]) % (words | {"moment": hour, "project": both(notice.task.project, "name")})
    return str(_DONE[kind]) % words


def _hour(notice: Any) -> str:
    """When the task is due, on the reader's clock, where hours count."""
    due_at = notice.task.due_at
    return full_moment(due_at, notice.user.timezone) if due_at else ""


def due_words(task: Any, reader: Any) -> str:
    """Due Tue Oct 13 2:30 PM, Beijing time · Due Fri Oct 16"""
    if task.due_at:
        return _("Due %(day)s", day=zoned_moment(task.due_at, reader.timezone))
    return _("Due %(day)s", day=day(task.due_on)) if task.due_on else ""


_DONE = {  # what somebody did to a task
    "assigned": _l("%(name)s gave you “%(task)s”"),
    "mentioned": _l("%(name)s mentioned you in “%(task)s”"),
    "commented": _l("%(name)s commented on “%(task)s”"),
    "staffed": _l("%(name)s gave you tasks of a new project; the first is “%(task)s”"),
    "handed_over": _l("%(name)s left you a handover note on “%(task)s”"),
    "waiver_asked": _l("%(name)s asks for your signature: a waiver for “%(task)s”"),
    "waiver_decided": _l("%(name)s decided on the waiver for “%(task)s”"),
}
_DUE_AT = {
    "assigned": _l("%(name)s gave you “%(task)s”, due %(moment)s"),
    "staffed": _l("%(project)s: “%(task)s” is yours, due %(moment)s"),
}


def _unblocked(task: str, still_blocked_by: int, hour: str) -> str:
    if still_blocked_by:
        return ngettext(
            "A blocking task of “%(task)s” is done; %(num)s still blocks it",
            "A blocking task of “%(task)s” is done; %(num)s still block it",
            still_blocked_by,
            task=task,
        )
    if hour:
        return _("“%(task)s” may start: nothing blocks it any more. It is due %(moment)s", task=task, moment=hour)
    return _("“%(task)s” may start: nothing blocks it any more", task=task)


def _held(notice: Any) -> str:
    """What the emergency is called is told inside the workspace only."""
    title, count = notice.fields
    words, others = {"task": both(notice.task, "title"), "title": title}, int(count) - 1
    if not others:
        if not title:
            return _("“%(task)s” is on hold for now", **words)
        return _("“%(task)s” is on hold: emergency “%(title)s”", **words)
    if not title:
        return ngettext(
            "“%(task)s” and %(num)s more task of yours are on hold for now",
            "“%(task)s” and %(num)s more tasks of yours are on hold for now",
            others,
            **words,
        )
    return ngettext(
        "“%(task)s” and %(num)s more task of yours are on hold: emergency “%(title)s”",
        "“%(task)s” and %(num)s more tasks of yours are on hold: emergency “%(title)s”",
        others,
        **words,
    )


def _due(notice: Any) -> str:
    task, days = both(notice.task, "title"), _days_left(notice)
    if days is None:
        return _("“%(task)s” is due %(moment)s", task=task, moment=_when(notice))
    if days <= 0:
        return _("“%(task)s” is due today, %(day)s", task=task, day=_when(notice))
    if days == 1:
        return _("“%(task)s” is due tomorrow, %(day)s", task=task, day=_when(notice))
    return ngettext(
        "“%(task)s” is due %(day)s: %(num)s day left",
        "“%(task)s” is due %(day)s: %(num)s days left",
        days,
        task=task,
        day=_when(notice),
    )


def _overdue(notice: Any) -> str:
    task, days = both(notice.task, "title"), _days_left(notice)
    if days is None:
        return _("“%(task)s” was due %(moment)s and is not done", task=task, moment=_when(notice))
    return ngettext(
        "“%(task)s” was due %(day)s: %(num)s day late",
        "“%(task)s” was due %(day)s: %(num)s days late",
        max(-days, 1),
        task=task,
        day=_when(notice),
    )


def _escalated(notice: Any) -> str:
    words = {"task": both(notice.task, "title"), "name": notice.task.owner.name, "day": _when(notice)}
    days = _days_left(notice)
    if days is None:
        return _("“%(task)s” was due %(day)s, and %(name)s has not finished it", **words)
    return ngettext(
        "“%(task)s” was due %(day)s, and %(name)s has not finished it: %(num)s day late",
        "“%(task)s” was due %(day)s, and %(name)s has not finished it: %(num)s days late",
        max(-days, 1),
        **words,
    )


def _started(notice: Any) -> str:
    return _(
        "“%(task)s” may begin: its start is planned for %(day)s", task=both(notice.task, "title"), day=_when(notice)
    )


def _gate(notice: Any) -> str:
    return ngettext(
        "%(num)s task waits at a gate for “%(task)s”",
        "%(num)s tasks wait at a gate for “%(task)s”",
        _number(notice),
        task=both(notice.task, "title"),
    )


def _approval(notice: Any) -> str:
    """A request, or a waiver on a task, has lain there."""
    request = notice.approval or (notice.reminder and notice.reminder.approval)
    if request is None:
        return ngettext(
            "A waiver for “%(task)s” has waited %(num)s day for your signature",
            "A waiver for “%(task)s” has waited %(num)s days for your signature",
            _number(notice),
            task=both(notice.task, "title"),
        )
    about = request.asked_for.about
    return ngettext(
        "A request has waited %(num)s day for your word: %(operation)s, “%(about)s”",
        "A request has waited %(num)s days for your word: %(operation)s, “%(about)s”",
        _number(notice),
        operation=OPERATION_NAMES[request.operation],
        about=in_language(about["zh"], about["en"]),
    )


def _expiring(notice: Any) -> str:
    days = _days_left(notice) or 0
    words = {"name": _fact(notice, "name"), "day": _when(notice)}
    if days < 0:
        return _("“%(name)s” expired %(day)s", **words)
    if days == 0:
        return _("“%(name)s” expires today, %(day)s", **words)
    return ngettext(
        "“%(name)s” expires %(day)s: %(num)s day left", "“%(name)s” expires %(day)s: %(num)s days left", days, **words
    )


def _cutoff(notice: Any) -> str:
    days = _days_left(notice) or 0
    words = {"name": _fact(notice, "name"), "day": _when(notice), "project": both(notice.project, "name")}
    if leg := notice.reminder.facts.get("leg"):
        words["name"] = _("%(name)s, %(leg)s", name=words["name"], leg=LEG_NAMES.get(leg, leg))
    if days <= 0:
        return _("“%(project)s”: %(name)s is today, %(day)s", **words)
    return ngettext(
        "“%(project)s”: %(name)s is %(day)s, %(num)s day left",
        "“%(project)s”: %(name)s is %(day)s, %(num)s days left",
        days,
        **words,
    )


def _idle(notice: Any) -> str:
    return ngettext(
        "Nothing has changed in “%(project)s” for %(num)s day",
        "Nothing has changed in “%(project)s” for %(num)s days",
        _number(notice),
        project=both(notice.project, "name"),
    )


def _emergency(notice: Any) -> str:
    emergency = notice.emergency
    words = {"title": emergency.title, "severity": severity_name(emergency.severity)}
    if emergency.closed_at:
        return (
            _("Drill (%(severity)s), closed: “%(title)s”", **words)
            if emergency.drill
            else _("Emergency (%(severity)s), closed: “%(title)s”", **words)
        )
    if emergency.reopened_by and notice.created_at >= emergency.reopened_at:
        return _reopened(emergency, words)
    if person := emergency.acknowledged_by:
        return (
            _("Drill (%(severity)s): “%(title)s”. %(name)s has taken it up", name=person.name, **words)
            if emergency.drill
            else _("Emergency (%(severity)s): “%(title)s”. %(name)s has taken it up", name=person.name, **words)
        )
    return (
        _("Drill (%(severity)s): “%(title)s”. Nobody has taken it up yet", **words)
        if emergency.drill
        else _("Emergency (%(severity)s): “%(title)s”. Nobody has taken it up yet", **words)
    )


def _reopened(emergency: Any, words: dict[str, Any]) -> str:
    if person := emergency.acknowledged_by:
        return (
            _("Drill (%(severity)s) reopened: “%(title)s”. %(name)s has it", name=person.name, **words)
            if emergency.drill
            else _("Emergency (%(severity)s) reopened: “%(title)s”. %(name)s has it", name=person.name, **words)
        )
    return (
        _("Drill (%(severity)s) reopened: “%(title)s”. Nobody has taken it up yet", **words)
        if emergency.drill
        else _("Emergency (%(severity)s) reopened: “%(title)s”. Nobody has taken it up yet", **words)
    )


def _emergency_over(notice: Any) -> str:
    words = {"title": notice.emergency.title, "severity": severity_name(notice.emergency.severity)}
    if notice.fields:
        return _("False alarm (%(severity)s): “%(title)s”", **words)
    return _("Emergency over (%(severity)s): “%(title)s”", **words)


def _released(notice: Any) -> str:
    """What the emergency was called is told inside the workspace only."""
    title, count = notice.fields
    if not title:
        return ngettext(
            "%(num)s task of yours is no longer on hold",
            "%(num)s tasks of yours are no longer on hold",
            int(count),
        )
    return ngettext(
        "Emergency “%(title)s” is closed: %(num)s task of yours goes on",
        "Emergency “%(title)s” is closed: %(num)s tasks of yours go on",
        int(count),
        title=title,
    )


def emergency_facts(emergency: Any, reader: Any) -> list[str]:
    """What it is, whom it hits as far as the reader may know, who declared it and when on the reader's clock."""
    lines = [
        _("Severity: %(severity)s", severity=severity_name(emergency.severity)),
        _("Trigger: %(trigger)s", trigger=trigger_name(emergency.trigger)),
    ]
    about = emergency.about
    if about and not about.trashed_at and about.known_to(reader):
        lines.append(_("Project: %(name)s", name=both(about, "name")))
    words = {"name": emergency.declared_by.name, "moment": zoned_moment(emergency.declared_at, reader.timezone)}
    return [*lines, str(_DECLARED[emergency.source]) % words]


_DECLARED = {
    "button": _l("Declared by %(name)s, %(moment)s"),
    "webhook": _l("Declared by another program in the name of %(name)s, %(moment)s"),
    "rule": _l("Declared by an automation in the name of %(name)s, %(moment)s"),
}


def call_words(notice: Any) -> str:
    """What an emergency asks of who was told of it, and what happens if nothing comes of it; nothing where somebody
    has it in hand."""
    emergency = notice.emergency
    if emergency.acknowledged_at or emergency.closed_at:
        return ""
    until = notice.created_at + emergency.patience
    words = {"moment": zoned_moment(until, notice.user.timezone)}
    if clock.now() >= until:
        return _("The time to take it up ended %(moment)s, and nobody has. Take it up now.", **words)
    minutes = emergency.level.ack_minutes
    if emergency.next_in_line():
        return ngettext(
            "Take it up within %(num)s minute, by %(moment)s. Otherwise the next in line is called.",
            "Take it up within %(num)s minutes, by %(moment)s. Otherwise the next in line is called.",
            minutes,
            **words,
        )
    return ngettext(
        "Take it up within %(num)s minute, by %(moment)s. Nobody is left to be called after that.",
        "Take it up within %(num)s minutes, by %(moment)s. Nobody is left to be called after that.",
        minutes,
        **words,
    )


def emergency_words(emergency: Any) -> str:
    """Key listing down · A listing was removed"""
    if emergency is None:
        return ""
    words = {"severity": severity_name(emergency.severity), "trigger": trigger_name(emergency.trigger)}
    return _("%(severity)s · %(trigger)s", **words)


def _changed(notice: Any) -> str:
    order = {field: place for place, field in enumerate(TOLD_FIRST)}
    fields = sorted(notice.fields, key=lambda field: (order.get(field, len(order)), field))
    names = _(", ").join(field_name(field) for field in fields[:FIELDS_NAMED])
    words = {"task": both(notice.task, "title"), "fields": names}
    if len(fields) > FIELDS_NAMED:
        return ngettext(
            "%(num)s field of “%(task)s” changed: %(fields)s …",
            "%(num)s fields of “%(task)s” changed: %(fields)s …",
            len(fields),
            **words,
        )
    return ngettext(
        "%(num)s field of “%(task)s” changed: %(fields)s",
        "%(num)s fields of “%(task)s” changed: %(fields)s",
        len(fields),
        **words,
    )


def _channel_failed(notice: Any) -> str:
    name, *why = notice.fields or [""]
    if why:
        return _("The channel “%(name)s” does not take our messages. %(why)s", name=name, why=trouble_words(why[0]))
    return _("The channel “%(name)s” does not take our messages", name=name)


def _request(notice: Any) -> str:
    approval = notice.approval
    actor = notice.actor.name if notice.actor else ""
    return approval_words(notice.kind, approval.state, actor, approval.operation, approval.asked_for.about)


def _automation(notice: Any) -> str:
    """What the automation is called is told inside the workspace only."""
    name, text = notice.fields
    if not name:
        return _("“%(about)s”: %(text)s", about=_about(notice), text=text)
    return _("“%(automation)s” on “%(about)s”: %(text)s", automation=name, about=_about(notice), text=text)


def _automation_stopped(notice: Any) -> str:
    name, *others = notice.fields
    if others:
        circle = _("The automation “%(name)s” was switched off: it and %(others)s set each other off", name=name,
                   others=quoted(others))  # fmt: skip
        return circle
    return _("The automation “%(name)s” was switched off: it ran in a circle, or far too often", name=name)


def _automation_paused(notice: Any) -> str:
    return _("The automation “%(name)s” was switched off: it names something that is gone", name=notice.fields[0])


def quoted(names: Iterable[str]) -> str:
    return _(" and ").join(_("“%(name)s”", name=name) for name in names)


def _about(notice: Any) -> str:
    return both(notice.task, "title") if notice.task else both(notice.project, "name")


_SAID: dict[str, Callable[[Any], str]] = {
    "due": _due,
    "overdue": _overdue,
    "escalated": _escalated,
    "started": _started,
    "gate": _gate,
    "approval": _approval,
    "expiring": _expiring,
    "cutoff": _cutoff,
    "idle": _idle,
    "held": _held,
    "released": _released,
    "emergency": _emergency,
    "emergency_reopened": _emergency,
    "emergency_over": _emergency_over,
    "changed": _changed,
    "channel_failed": _channel_failed,
    "automation": _automation,
    "automation_stopped": _automation_stopped,
    "automation_paused": _automation_paused,
    "approval_asked": _request,
    "approval_decided": _request,
}


def why_words(notice: Any) -> str:
    """Why its reader was told."""
    if notice.kind in _WHY:
        return str(_WHY[notice.kind])
    if notice.task and notice.task.owner_id == notice.user_id:
        return _("You get this because the task is yours.")
    if notice.kind in ("changed", "commented"):
        return _("You get this because you watch the task or help with it.")
    if (notice.project or notice.task.project).owner_id == notice.user_id:
        return _("You get this because the project is yours.")
    return _("You get this because you look after the projects of the workspace.")


_WHY = {
    "assigned": _l("You get this because the task was given to you."),
    "staffed": _l("You get this because the task was given to you."),
    "mentioned": _l("You get this because you were mentioned by name."),
    "handed_over": _l("You get this because the note was written to you."),
    "waiver_asked": _l("You get this because you may decide it."),
    "approval_asked": _l("You get this because you may decide it."),
    "approval": _l("You get this because you may decide it."),
    "waiver_decided": _l("You get this because you asked for it."),
    "approval_decided": _l("You get this because you asked for it."),
    "emergency": _l("You get this because you stand in the line of those who are called in an emergency."),
    "emergency_reopened": _l("You get this because you were told of the emergency."),
    "emergency_over": _l("You get this because you were told of the emergency."),
    "channel_failed": _l("You get this because you made the channel."),
    "automation": _l("You get this because an automation of the workspace is to tell you."),
    "automation_stopped": _l("You get this because the automation acts in your name."),
    "automation_paused": _l("You get this because the automation acts in your name."),
}


def _days_left(notice: Any) -> int | None:
    """From the day of the notice, where its reader is, to the day that it is about; None where that is a moment."""
    if "T" in notice.reminder.version:
        return None
    told_on = notice.created_at.astimezone(ZoneInfo(notice.user.timezone)).date()
    return (date.fromisoformat(notice.reminder.version) - told_on).days


def _when(notice: Any) -> str:
    """The day that a reminder is about, or the moment in its reader's zone."""
    version = notice.reminder.version
    if "T" in version:
        return full_moment(datetime.fromisoformat(version), notice.user.timezone)
    return day(date.fromisoformat(version))


def _number(notice: Any) -> int:
    return int(notice.reminder.facts.get("waiting") or notice.reminder.step)


def _fact(notice: Any, name: str) -> str:
    names = notice.reminder.facts[name]
    return in_language(names.get("zh"), names.get("en"))


def approval_words(kind: str, state: str, actor: str, operation: str, about: dict[str, str | None]) -> str:
    """What happened to a request, for the inbox and for the subject of a mail."""
    words = {"name": actor, "operation": OPERATION_NAMES[operation]}
    words["about"] = in_language(about["zh"], about["en"])
    if kind == "approval_asked":
        return _("%(name)s asks for your approval: %(operation)s, “%(about)s”", **words)
    if state == "done":
        return _("Approved and done: %(operation)s, “%(about)s”", **words)
    if state == "agreed":
        return _("%(name)s approved: %(operation)s, “%(about)s”", **words)
    if state == "failed":
        return _("Approved, but it could not be done: %(operation)s, “%(about)s”", **words)
    return _("%(name)s declined: %(operation)s, “%(about)s”", **words)


def roles_in_words(keys: list[str]) -> str:
    return _(", ").join(str(ROLE_NAMES[key]) for key in keys)


def platform_name(key: str | None) -> str:
    return PLATFORM_NAMES.get(key or "", "")


def priority_name(key: str) -> str:
    return str(PRIORITY_NAMES[key])


def severity_name(key: str) -> str:
    level = next((each for each in packs.emergency_flow().severity if each.key == key), None)
    return in_language(level.zh, level.en) if level else key


def trigger_name(key: str) -> str:
    return str(TRIGGER_NAMES.get(key, key))


def field_name(key: str) -> str:
    return str(FIELD_NAMES.get(key, key))


def yes_no(value: bool) -> str:
    return _("yes") if value else _("no")


def hours_words(value: float) -> str:
    """8 · 2.5"""
    return f"{round(value, 1):g}"


def amount_words(value: float, unit: str) -> str:
    """0.5 working days · 3 hours · 30 calendar days"""
    one, count = 1 if value == 1 else 2, f"{value:g}"
    if unit == "hour":
        return ngettext("%(count)s hour", "%(count)s hours", one, count=count)
    if unit == "calendar_day":
        return ngettext("%(count)s calendar day", "%(count)s calendar days", one, count=count)
    return ngettext("%(count)s working day", "%(count)s working days", one, count=count)


def size_words(count: int) -> str:
    """486 MB, 1.2 GB: as on the label of a disk, a kilobyte is 1000 bytes."""
    for unit, bytes_in_it in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= bytes_in_it:
            amount = count / bytes_in_it
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return f"{count} B"


def trouble_words(text: str | None) -> str:
    """What is kept of a failure, for people: our sentence where there is one, and what the other side said."""
    code, _space, said = (text or "").partition(" ")
    known = DELIVERY_TROUBLES.get(SAME_TROUBLES.get(said, said)) if code.isdigit() and said else None
    known = known or DELIVERY_TROUBLES.get(SAME_TROUBLES.get(code, code))
    if known is None and len(code) == 3 and code.isdigit():
        known = DELIVERY_TROUBLES["500" if code >= "500" else "400"]
    if known is None:
        return text or ""
    if code.isdigit() or said:
        return _("%(sentence)s (%(said)s)", sentence=known, said=text)
    return str(known)
