from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Mapped

from linkstar.models.partner import Partner
from linkstar.models.user import User
from linkstar.planning.overlap import Away, Side
from linkstar.planning.working_days import ELSEWHERE, WorkingDays, country_of

if TYPE_CHECKING:
    from linkstar.models.project import Project

OPENS, CLOSES = time(9), time(18)


@dataclass(frozen=True)
class OtherSide:
    """Whose answers a task needs, on the other side of an ocean; no name where only the zone is known. A person may
    answer within the day, a company takes its days."""

    name: str | None
    timezone: str
    works_from: time
    works_until: time
    answer_days: int  # of its working days
    user_id: int | None = None  # of a person


def side_of(one: "OtherSide | Partner | User", calendars: Mapping[str, WorkingDays], away: Away = ()) -> Side:
    return Side(ZoneInfo(one.timezone), one.works_from, one.works_until, calendars[country_of(one.timezone)], away)


def _person(user: User) -> OtherSide:
    return OtherSide(user.name, user.timezone, user.works_from, user.works_until, 0, user.id)


class TwoSided:
    """A task that needs answers from somebody who works while this side sleeps."""

    if TYPE_CHECKING:
        completed_at: Mapped[datetime | None]
        owner_id: Mapped[int]
        owner: Mapped[User]
        counterpart_id: Mapped[int | None]
        partner_id: Mapped[int | None]
        counterpart_timezone: Mapped[str | None]
        round_trips: Mapped[int]
        counterpart: Mapped[User | None]
        partner: Mapped[Partner | None]
        project: Mapped[Project]
        seen_whole_by: Callable[[User], bool]

    @property
    def other_side(self) -> OtherSide | None:
        if partner := self.partner:
            return OtherSide(
                partner.name, partner.timezone, partner.works_from, partner.works_until, partner.answer_days
            )
        if person := self.counterpart:
            return _person(person)
        if self.counterpart_timezone:
            return OtherSide(None, self.counterpart_timezone, OPENS, CLOSES, 0)
        return None

    def other_side_of(self, reader: User) -> OtherSide | None:
        """As the reader has it: who is asked looks back at who asks. Outsiders are not told whom a task waits for, but
        in a task of their own, and never of a company."""
        between_people = self.partner_id is None
        if between_people and reader.id == self.counterpart_id != self.owner_id:
            return _person(self.owner)
        if self.seen_whole_by(reader) or (between_people and reader.id == self.owner_id):
            return self.other_side
        return None

    @property
    def answer_buffer(self) -> int:
        """Working days there until the other side has answered as often as it is asked; only then the next may begin.
        The plan gives a person one, a company what it usually takes."""
        if self.completed_at or self.project.unit == "hour":
            return 0
        days = self.partner.answer_days if self.partner else 1 if self.counterpart_id else 0
        return days * self.round_trips

    @property
    def answered_in(self) -> str:
        """The country whose working days these are."""
        other = self.other_side
        return country_of(other.timezone) if other else ELSEWHERE
