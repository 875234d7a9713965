"""The fixed words of the trade in both languages: platforms, priorities, roles. From the glossary."""

from linkstar.i18n import _, _l, in_language, ngettext

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
API_SCOPE_NAMES = {
    "work:read": _l("Read projects and tasks"),
    "work:write": _l("Change projects and tasks"),
    "people:read": _l("Read who is in the workspace"),
    "audit:read": _l("Read the history"),
}
VIA_NAMES = {"web": _l("in the browser"), "api": _l("through the API"), "program": _l("by the program")}


def notice_words(kind: str, actor: str, task: str, still_blocked_by: int) -> str:
    """What happened to a task, for the inbox and for the subject of a mail."""
    if kind == "assigned":
        return _("%(name)s gave you “%(task)s”", name=actor, task=task)
    if kind == "commented":
        return _("%(name)s commented on “%(task)s”", name=actor, task=task)
    if kind == "unblocked" and still_blocked_by:
        return ngettext(
            "A blocking task of “%(task)s” is done; %(num)s still blocks it",
            "A blocking task of “%(task)s” is done; %(num)s still block it",
            still_blocked_by,
            task=task,
        )
    if kind == "unblocked":
        return _("“%(task)s” may start: nothing blocks it any more", task=task)
    if kind == "staffed":
        return _("%(name)s gave you tasks of a new project; the first is “%(task)s”", name=actor, task=task)
    if kind == "handed_over":
        return _("%(name)s left you a handover note on “%(task)s”", name=actor, task=task)
    if kind == "waiver_asked":
        return _("%(name)s asks for your signature: a waiver for “%(task)s”", name=actor, task=task)
    if kind == "waiver_decided":
        return _("%(name)s decided on the waiver for “%(task)s”", name=actor, task=task)
    return _("%(name)s mentioned you in “%(task)s”", name=actor, task=task)


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
