from wtforms import SelectField, TextAreaField
from wtforms.validators import NumberRange, Optional, StopValidation

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Form, Text, Whole, stripped
from linkstar.i18n import _, _l


class WaiverForm(Form):
    """Why a task may pass one obstacle, an item or a task, although it stands."""

    item_id = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])
    blocker_id = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])
    reason = TextAreaField(_l("Why it may pass all the same"), [Text(2000, required=True)], filters=[stripped])


class VoteForm(Form):
    answer = SelectField(choices=["agree", "decline"])
    reason = TextAreaField(_l("Reason"), [Text(2000)], filters=[stripped])

    def validate_reason(self, field: TextAreaField) -> None:
        if self.answer.data == "decline" and not field.data:
            raise StopValidation(_("Say why you decline."))
