"""The one source of time, so that a test or `flask tick --at` can say what time it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, tzinfo

_set_to: datetime | None = None


def now() -> datetime:
    """This moment, aware and in UTC."""
    return _set_to or datetime.now(UTC)


def today(zone: tzinfo) -> date:
    """The day that people in that zone write on their letters."""
    return now().astimezone(zone).date()


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """It is this moment, in the whole process, until the block ends; blocks may stand inside one another."""
    global _set_to
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    before, _set_to = _set_to, instant.astimezone(UTC)
    try:
        yield
    finally:
        _set_to = before
