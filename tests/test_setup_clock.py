from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from linkstar import clock


def test_now_is_aware_and_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_set_to", None)
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_same_moment_is_two_days() -> None:
    with clock.at(datetime(2026, 11, 1, 1, 30, tzinfo=timezone(timedelta(hours=8)))):
        assert clock.now() == datetime(2026, 10, 31, 17, 30, tzinfo=UTC)
        assert clock.today(ZoneInfo("Asia/Shanghai")) == date(2026, 11, 1)
        assert clock.today(ZoneInfo("America/Los_Angeles")) == date(2026, 10, 31)


def test_blocks_end_where_they_began_even_when_they_fail() -> None:
    outer, inner = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    with clock.at(outer):
        with pytest.raises(RuntimeError), clock.at(inner):
            raise RuntimeError
        assert clock.now() == outer


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"), clock.at(datetime(2026, 1, 1)):
        pass
