from typing import Any

from wtforms import StringField
from wtforms.validators import InputRequired

from linkstar.forms import Day, Form, Pick, Text, number, stripped
from linkstar.i18n import _, _l
from linkstar.models import Membership

MOST_DAYS = 366


class AbsenceForm(Form):
    user_id = Pick(_l("Who"), coerce=number)
    first_on = Day(_l("First day"), [InputRequired(_l("Choose a day."))])
    last_on = Day(_l("Last day"))
    note = StringField(_l("Note"), [Text(200)], filters=[stripped])

    def offer(self, members: list[Membership]) -> "AbsenceForm":
        self.user_id.offer(*((member.user_id, member.user.name) for member in members))
        return self

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if passed and self.first_on.data and self.last_on.data:
            days = (self.last_on.data - self.first_on.data).days
            if days < 0:
                self.last_on.errors = [_("The last day is before the first.")]
            elif days >= MOST_DAYS:
                self.last_on.errors = [_("That is more than a year. Write it down in parts.")]
        return passed and not self.last_on.errors
