"""When a post goes online: on the clocks of those who care, and what the days of the market say of it."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from linkstar.i18n import BEIJING, _, city_of, day, full_moment
from linkstar.models import User
from linkstar.reports.market_days import MarketDay, days_for_audience


@dataclass(frozen=True)
class LocalTime:
    city: str
    words: str
    iso: str


class Publication:
    def __init__(
        self, workspace_id: int, moment: datetime, zone: str, reader: User, *, cheerful: bool,
        seen_from: str | None = None,
    ) -> None:  # fmt: skip
        self.workspace_id, self.moment, self.zone, self.reader = workspace_id, moment, zone, reader
        self.cheerful = cheerful
        self.seen_from = seen_from or reader.timezone  # by whose days it is planned

    @property
    def day(self) -> date:
        """The one that the audience has then."""
        return self.moment.astimezone(ZoneInfo(self.zone)).date()

    @property
    def there(self) -> LocalTime:
        return self._in(self.zone)

    @property
    def elsewhere(self) -> list[LocalTime]:
        """The same moment in Beijing, and where the reader is, unless that is the audience's clock."""
        return [self._in(zone) for zone in dict.fromkeys((BEIJING, self.reader.timezone)) if zone != self.zone]

    @property
    def other_day(self) -> str | None:
        """Said where the audience does not have the day yet, or no more, on which it is planned."""
        planned = self.moment.astimezone(ZoneInfo(self.seen_from)).date()
        if self.day < planned:
            return _("For the audience it is still %(day)s.", day=day(self.day))
        return _("For the audience it is already %(day)s.", day=day(self.day)) if self.day > planned else None

    @cached_property
    def market_days(self) -> list[MarketDay]:
        """What the audience has on its calendar that day."""
        return days_for_audience(self.workspace_id, self.day, self.zone)

    @property
    def warnings(self) -> list[MarketDay]:
        """Why nothing cheerful should go online then, where this is cheerful."""
        return [day for day in self.market_days if day.sensitive and self.cheerful]

    @property
    def fingerprint(self) -> str:
        """Of what somebody has to confirm."""
        return " ".join([self.moment.isoformat(), self.zone, *(day.key for day in self.warnings)])

    def _in(self, zone: str) -> LocalTime:
        local = self.moment.astimezone(ZoneInfo(zone))
        return LocalTime(city_of(zone), full_moment(self.moment, zone), local.isoformat())
