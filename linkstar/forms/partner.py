from typing import Any

from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, NumberRange

from linkstar.forms import Text, Whole, stripped
from linkstar.forms.plan import Answered
from linkstar.forms.publication import TimeOfDay
from linkstar.forms.working_hours import WorkingHours
from linkstar.forms.zone import Zone
from linkstar.i18n import _l
from linkstar.models.partner import FIELDS

ENDS_TOO_LATE = _l("With these answers the plan would go on after 2100.")
DAYS = _l("Write a whole number of days, from 0 to 60.")


class PartnerForm(WorkingHours, Answered):
    """`known` is the mark of the values that the writer saw."""

    name = StringField(_l("Name"), [Text(80, required=True)], filters=[stripped])
    timezone = Zone(_l("Time zone"))
    works_from = TimeOfDay(_l("Works from"), [InputRequired(_l("Choose a time."))])
    works_until = TimeOfDay(_l("Works until"), [InputRequired(_l("Choose a time."))])
    answer_days = Whole(_l("Working days until they answer"), [InputRequired(DAYS), NumberRange(0, 60, DAYS)])
    known = HiddenField()

    def offer(self, present: str) -> "PartnerForm":
        self.timezone.offer_all(present)
        return self

    def values(self) -> dict[str, Any]:
        return {name: self[name].data for name in FIELDS}
