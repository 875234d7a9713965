"""The fixed words of the trade in both languages: platforms, priorities, roles. From the glossary."""

from linkstar.i18n import _, _l

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
FIELD_NAMES = {
    "title_zh": _l("Title in Chinese"),
    "title_en": _l("Title in English"),
    "brief_zh": _l("Brief in Chinese"),
    "brief_en": _l("Brief in English"),
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
}


def platform_name(key: str | None) -> str:
    return PLATFORM_NAMES.get(key or "", "")


def priority_name(key: str) -> str:
    return str(PRIORITY_NAMES[key])


def field_name(key: str) -> str:
    return str(FIELD_NAMES.get(key, key))


def yes_no(value: bool) -> str:
    return _("yes") if value else _("no")
