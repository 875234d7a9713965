from collections.abc import Iterator
from functools import cache
from zoneinfo import available_timezones

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
    """Any of the world's time zones by its city, the common ones first.."""

    def offer_all(self, present: str) -> None:
        self.choices = list(_choices(present))


def _choices(present: str) -> Iterator[SelectChoice]:
    for zone, words in COMMON.items():
        yield SelectChoice(zone, str(words), optgroup=_("Common"))
    cities = _cities(language())
    if present not in cities and present not in COMMON:
        yield SelectChoice(present, present, optgroup=_("Common"))
    for area, words in AREAS.items():
        for zone, city in cities.items():
            if zone.startswith(f"{area}/") and zone not in COMMON:
                yield SelectChoice(zone, f"{city} · {zone}", optgroup=str(words))


@cache
def _cities(speech: str) -> dict[str, str]:
    """Zone → its city in the reader's language, in the order of the zones' names."""
    zones = sorted(zone for zone in available_timezones() if zone.partition("/")[0] in AREAS)
    return {zone: city_name(zone, speech) for zone in zones}
