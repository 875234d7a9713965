"""A clock for several processes: it begins at some instant and may go faster than the one on the wall.

As a program, `python -m tests.clockwork BEGAN START PACE work`, it is `flask work` under that clock.
"""

import sys
from datetime import UTC, datetime, tzinfo

from linkstar import clock


def run(began: datetime, start: datetime, pace: float) -> None:
    """In this process it was `start` when the clock on the wall said `began`."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return (start + (datetime.now(UTC) - began) * pace).astimezone(tz)

    clock._set_to = None
    clock.datetime = Shifted  # type: ignore[misc]


if __name__ == "__main__":
    from flask.cli import main

    began, start, pace, *command = sys.argv[1:]
    run(datetime.fromisoformat(began), datetime.fromisoformat(start), float(pace))
    sys.argv = ["flask", "--app", "app.py", *command]
    main()
