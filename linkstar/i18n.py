"""Two languages: which one a request is answered in, and how days, moments and names are written in it."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_time, get_timezone_location
from babel.lists import format_list
from flask import Flask, g, has_request_context, request, session
from flask_babel import force_locale, get_domain, get_locale, gettext, lazy_gettext, ngettext
from flask_login import current_user
from markupsafe import Markup

from linkstar import clock
from linkstar.extensions import babel

__all__ = ["_", "_l", "both", "day", "force_locale", "in_language", "language", "moment", "ngettext", "selected_locale"]

_ = gettext
_l = lazy_gettext

LANGUAGES = {"zh": "zh_Hans", "en": "en"}
NATIVE_NAMES = {"zh": "中文", "en": "English"}
BEIJING = "Asia/Shanghai"


def init_app(app: Flask) -> None:
    babel.init_app(app, locale_selector=selected_locale, timezone_selector=selected_timezone)
    app.jinja_env.globals.update(_=_said, ngettext=_counted)


def _said(sentence: str, **holes: Any) -> str:
    """A template's _(). A page says about a hundred sentences, so this one is short: one look into the catalogue,
    and what goes into the holes is escaped."""
    words = _translations().ugettext(sentence)
    return Markup(words) % holes if holes else words


def _counted(one: str, many: str, number: int, **holes: Any) -> str:
    words = _translations().ungettext(one, many, number)
    return Markup(words) % {"num": number, **holes}


def _translations() -> Any:
    """The reader's catalogue, looked up once a request; mails are written in one language after another."""
    locale = get_locale()
    held = g.get("translations")
    if held is None or held[0] is not locale:
        held = g.translations = (locale, get_domain().get_translations())
    return held[1]


def remember_language() -> None:
    """?lang=zh or ?lang=en on any page is kept for the next ones."""
    if request.args.get("lang") in LANGUAGES:
        session["language"] = request.args["lang"]
        if "_user_id" not in session:
            session.permanent = True  # after sign-in the person says how long the cookie lives


def selected_locale() -> str:
    """Flask-Babel's selector: the address, then the choice kept in the cookie, the person's own, the browser's."""
    if has_request_context():
        chosen = session.get("language")
        if chosen in LANGUAGES:
            return LANGUAGES[chosen]
        if "_user_id" in session and current_user.is_authenticated:
            return LANGUAGES[current_user.language]
        best = request.accept_languages.best_match(["zh", "en"])
        if best:
            return LANGUAGES[best]
    return LANGUAGES["zh"]


def speaking(language: str) -> AbstractContextManager[None]:
    """For the page behind a link in a mail: the language of the mail, unless the reader has chosen another one."""
    chosen = "language" in session or "_user_id" in session
    return force_locale(selected_locale() if chosen else LANGUAGES[language])


def selected_timezone() -> str | None:
    if has_request_context() and "_user_id" in session and current_user.is_authenticated:
        return str(current_user.timezone)
    return None


def language() -> str:
    """'zh' or 'en': the language that this answer is written in."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def in_language(zh: str | None, en: str | None) -> str:
    """The text in the reader's language, or in the other one where only that exists."""
    return (en or zh or "") if language() == "en" else (zh or en or "")


def listed(words: Iterable[str], style: Literal["standard", "or"] = "standard") -> str:
    """甲、乙和丙 · A, B, and C"""
    return format_list(list(words), style=style, locale=LANGUAGES[language()])


def both(record: object, field: str) -> str:
    """A record's bilingual field (name_zh, name_en …) for the reader."""
    return in_language(getattr(record, f"{field}_zh"), getattr(record, f"{field}_en"))


def day(value: date | None) -> str:
    """10-16 周五 · Fri Oct 16; with the year where it is not this one."""
    if value is None:
        return ""
    this_year = value.year == clock.today(ZoneInfo("UTC")).year
    if language() == "en":
        return format_date(value, "EEE MMM d" if this_year else "EEE MMM d, y", locale="en")
    return format_date(value, "MM-dd EEE" if this_year else "y-MM-dd EEE", locale="zh_Hans")


def whole_day(value: date) -> str:
    """11 月 22 日，周日 · Sunday, November 22"""
    if language() == "en":
        return format_date(value, "EEEE, MMMM d", locale="en")
    return format_date(value, "M 月 d 日，EEE", locale="zh_Hans")


def weekday(value: date) -> str:
    return format_date(value, "EEE", locale=LANGUAGES[language()])


def moment(value: datetime | None, zone: str) -> str:
    """A moment in the reader's own zone: 今天 09:02 · 昨天 10:05 · 10-09 周五 16:20 · Today 9:02 AM."""
    if value is None:
        return ""
    local = value.astimezone(ZoneInfo(zone))
    time = _time(local)
    today = clock.today(ZoneInfo(zone))
    if local.date() == today:
        return _("today %(time)s", time=time)
    if local.date() == today - timedelta(days=1):
        return _("yesterday %(time)s", time=time)
    return f"{day(local.date())} {time}"


def full_moment(value: datetime, zone: str) -> str:
    """The same without today and yesterday, for what is read later."""
    local = value.astimezone(ZoneInfo(zone))
    return f"{day(local.date())} {_time(local)}"


def zoned_moment(value: datetime, zone: str) -> str:
    """10-13 周二 14:30（北京时间） · Tue Oct 13 2:30 PM, Beijing time: for what is read far from any page."""
    return _("%(moment)s, %(city)s time", moment=full_moment(value, zone), city=city_of(zone))


def time_of_day(value: datetime, zone: str) -> str:
    """09:02 · 9:02 AM"""
    return _time(value.astimezone(ZoneInfo(zone)))


def month(value: date) -> str:
    """2026 年 10 月 · October 2026"""
    if language() == "en":
        return format_date(value, "MMMM y", locale="en")
    return format_date(value, "y 年 M 月", locale="zh_Hans")


def city_of(zone: str) -> str:
    """What people call a zone: of China it is Beijing."""
    if zone == BEIJING:
        return _("Beijing")
    return city_name(zone, language())


@cache
def city_name(zone: str, speech: str) -> str:
    """加尔各答 · Kolkata: what a zone is called after. The catalogue knows some under the zone's older name only."""
    locale, aliases = Locale.parse(LANGUAGES[speech]), get_global("zone_aliases")
    now = aliases.get(zone, zone)
    names = (locale.time_zones.get(each, {}).get("city") for each in (now, *_older_names().get(now, ())))
    found = next((name for name in names if name), None)
    return found or get_timezone_location(zone, locale=locale, return_city=True).rpartition("/")[2]


@cache
def _older_names() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for older, now in get_global("zone_aliases").items():
        found.setdefault(now, []).append(older)
    return found


def _time(local: datetime) -> str:
    if language() == "en":
        return format_time(local, "h:mm a", locale="en").replace("\u202f", " ")
    return format_time(local, "HH:mm", locale="zh_Hans")
