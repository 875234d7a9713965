from typing import Any

from wtforms.validators import InputRequired, NumberRange, Optional

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Pick, Whole
from linkstar.forms.plan import Answered
from linkstar.i18n import _, _l
from linkstar.models import Partner, Task, User
from linkstar.words import FIELD_NAMES

MOST_TRIPS = 20
TRIPS = _l("Write a whole number from 0 to 20.")


class CounterpartForm(Answered):
    """Whose answers a task needs, and how often it goes there and back. `version` is the one that the writer saw."""

    who = Pick(_l("Who answers"))
    round_trips = Whole(FIELD_NAMES["round_trips"], [InputRequired(TRIPS), NumberRange(0, MOST_TRIPS, TRIPS)])
    version = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])

    def offer(self, task: Task, partners: list[Partner], people: list[User]) -> "CounterpartForm":
        zone = [(f"zone {task.counterpart_timezone}", task.counterpart_timezone)] if task.counterpart_timezone else []
        self.who.offer(
            ("", _("Nobody on another clock")),
            *zone,
            *((f"partner {partner.id}", partner.name) for partner in partners),
            *((f"person {person.id}", person.name) for person in people),
        )
        return self

    def values(self) -> dict[str, Any]:
        kind, _space, key = str(self.who.data or "").partition(" ")
        return {
            "partner_id": int(key) if kind == "partner" else None,
            "counterpart_id": int(key) if kind == "person" else None,
            "counterpart_timezone": key if kind == "zone" else None,
            "round_trips": self.round_trips.data,
        }


def fill(task: Task) -> dict[str, Any]:
    who = (
        f"partner {task.partner_id}" if task.partner_id
        else f"person {task.counterpart_id}" if task.counterpart_id
        else f"zone {task.counterpart_timezone}" if task.counterpart_timezone
        else ""
    )  # fmt: skip
    return {"who": who, "round_trips": task.round_trips}
