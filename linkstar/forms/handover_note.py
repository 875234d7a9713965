from typing import Any

from wtforms import TextAreaField

from linkstar.forms import Form, Pick, Text, number, stripped
from linkstar.i18n import _, _l
from linkstar.models import User


class HandoverNoteForm(Form):
    """What the other side finds when its day begins."""

    recipient_id = Pick(_l("For whom"), coerce=number)
    done = TextAreaField(_l("Done"), [Text(4000)], filters=[stripped])
    needed = TextAreaField(_l("Still needed"), [Text(4000)], filters=[stripped])
    decide = TextAreaField(_l("To decide"), [Text(4000)], filters=[stripped])

    def offer(self, people: list[User]) -> "HandoverNoteForm":
        self.recipient_id.offer(*((person.id, person.name) for person in people))
        return self

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if passed and not (self.done.data or self.needed.data or self.decide.data):
            self.needed.errors = [_("Write at least one of the three.")]
            return False
        return passed
