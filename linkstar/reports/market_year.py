"""A year of the market's calendar, as a workspace keeps it."""

from datetime import date
from functools import cached_property
from itertools import groupby

from linkstar.planning.working_days import FIRST, LAST
from linkstar.reports.market_days import MarketDay, all_days, days_without_rule
from linkstar.words import MARKET_KIND_NAMES


class MarketYear:
    def __init__(self, workspace_id: int, year: int, kind: str | None) -> None:
        self.workspace_id, self.year = workspace_id, year
        self.kind = kind if kind in MARKET_KIND_NAMES else None

    @property
    def earlier(self) -> int | None:
        return self.year - 1 if self.year > FIRST.year else None

    @property
    def later(self) -> int | None:
        return self.year + 1 if self.year < LAST.year else None

    @cached_property
    def days(self) -> list[MarketDay]:
        """Those that begin in the year, also where the workspace hides them."""
        found = all_days(self.workspace_id, date(self.year, 1, 1), date(self.year, 12, 31))
        return [day for day in found if day.first_on.year == self.year and self.kind in (None, day.kind)]

    @property
    def months(self) -> list[tuple[date, list[MarketDay]]]:
        return [(month, list(days)) for month, days in groupby(self.days, lambda day: day.first_on.replace(day=1))]

    @property
    def unknown(self) -> list[MarketDay]:
        """The pack's events of which nobody has said yet when they are in this year."""
        written = {day.key for day in self.days}
        days = days_without_rule(self.year)
        return [day for day in days if day.key not in written and self.kind in (None, day.kind)]
