from collections.abc import Iterator
from functools import cache
from zoneinfo import available_timezones

from babel.core import get_global
from wtforms import Form
from wtforms.fields.choices import SelectChoice

from linkstar.forms import Pick
from linkstar.i18n import _, _l, city_name, language

COMMON = {
    "Asia/Shanghai": _l("Beijing, Shanghai, Shenzhen"),
    "America/Los_Angeles": _l("Los Angeles, Seattle"),
    "America/Denver": _l("Denver"),
    "America/Chicago": _l("Chicago, Dallas"),
    "America/New_York": _l("New York, Miami"),
    "Asia/Hong_Kong": _l("Hong Kong"),
    "Europe/London": _l("London"),
    "UTC": _l("Coordinated Universal Time"),
}
AREAS = {
    "Asia": _l("Asia"), "America": _l("America"), "Europe": _l("Europe"), "Australia": _l("Australia"),
    "Pacific": _l("Pacific"), "Africa": _l("Africa"), "Atlantic": _l("Atlantic"), "Indian": _l("Indian Ocean"),
    "Arctic": _l("Arctic"), "Antarctica": _l("Antarctica"),
}  # fmt: skip


class Zone(Pick):
    """Any of the world's time zones by its city, the common ones first. Each city stands there once; the other names
    of its zone are taken as well."""

    def offer_all(self, present: str) -> None:
        self.choices = list(_choices(self.data if self.data in _other_names() else present))

    def pre_validate(self, form: Form) -> None:
        if self.data not in _other_names():
            super().pre_validate(form)


def _choices(present: str) -> Iterator[SelectChoice]:
    for zone, words in COMMON.items():
        yield SelectChoice(zone, str(words), optgroup=_("Common"))
    cities = _cities(language())
    if present not in cities and present not in COMMON:
        city = f"{city_name(present, language())} · " if present in _other_names() else ""
        yield SelectChoice(present, f"{city}{present}", optgroup=_("Common"))
    for area, words in AREAS.items():
        for zone, city in cities.items():
            if zone.startswith(f"{area}/") and zone not in COMMON:
                yield SelectChoice(zone, f"{city} · {zone}", optgroup=str(words))


@cache
def _cities(speech: str) -> dict[str, str]:
    """Zone → its city in the reader's language, in the order of the zones' names."""
    return {zone: city_name(zone, speech) for zone in sorted(_zones() - _other_names())}


@cache
def _zones() -> frozenset[str]:
    return frozenset(zone for zone in available_timezones() if zone.partition("/")[0] in AREAS)


@cache
def _other_names() -> frozenset[str]:
    """Of zones that are there by their own names: Asia/Chongqing is Asia/Shanghai."""
    return frozenset(zone for zone in _zones() if get_global("zone_aliases").get(zone) in _zones())
