"""What an annotation of a part can ask of its value, and the values that many parts have."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class AtMost:
    """The most characters of a text, or the largest whole number."""

    limit: int


@dataclass(frozen=True)
class Between:
    """The smallest and the largest whole number."""

    low: int
    high: int


@dataclass(frozen=True)
class Known:
    """A key of something that is defined elsewhere."""

    what: str


@dataclass(frozen=True)
class Quarters:
    """A number of days or hours in steps of 0.25."""

    signed: bool = False


KEY_LENGTH = 60  # as long as the columns that keep keys

Key = Annotated[str, AtMost(KEY_LENGTH), "key"]
Days = Annotated[int, AtMost(3650)]
DaysBefore = Annotated[int, Between(0, 60)]
Range = Annotated[tuple[Days, ...], "range"]
Amount = Annotated[float, Quarters()]
Shift = Annotated[float, Quarters(signed=True)]
RoleKey = Annotated[str, Known("role")]
ChecklistKey = Annotated[str, Known("checklist")]
TemplateKey = Annotated[str, Known("template")]
EventKey = Annotated[str, Known("event")]
