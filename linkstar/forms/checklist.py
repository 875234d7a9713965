from wtforms import BooleanField, StringField
from wtforms.validators import NumberRange, Optional

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Form, Pick, Text, Whole, stripped
from linkstar.i18n import _, _l
from linkstar.models import EVIDENCE
from linkstar.words import EVIDENCE_NAMES


class ChecklistItemForm(Form):
    checklist_id = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])
    text = StringField(_l("Checklist item"), [Text(400, required=True)], filters=[stripped])
    required = BooleanField(_l("Required"))
    evidence_kind = Pick(_l("Evidence that it asks for"))

    def offer(self) -> "ChecklistItemForm":
        self.evidence_kind.offer(("", _("No evidence")), *((kind, str(EVIDENCE_NAMES[kind])) for kind in EVIDENCE))
        return self


class ChecklistForm(Form):
    """A list of the library by its key; or an own one by its title."""

    key = StringField(_l("Checklist"), filters=[stripped])
    title = StringField(_l("Title of your own list"), [Text(120)], filters=[stripped])
