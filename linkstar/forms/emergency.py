from collections.abc import Iterable

from wtforms import BooleanField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, StopValidation

from linkstar import packs
from linkstar.forms import Form, Pick, Text, number, stripped
from linkstar.i18n import _, _l, both, ngettext
from linkstar.models import Project
from linkstar.words import TRIGGER_NAMES, severity_name

LEAST = 20  # letters of what was learnt


class EmergencyForm(Form):
    """What happened, how bad it is, and what it hits."""

    trigger = Pick(_l("What happened"))
    severity = RadioField(_l("Severity"), [InputRequired(_l("Choose one."))], validate_choice=False)
    title = StringField(_l("Which listing, product or account"), [Text(200, required=True)], filters=[stripped])
    project = Pick(_l("Which project it hits"), coerce=number)
    posts = BooleanField(_l("Hold posts that are not published yet as well"))
    note = TextAreaField(_l("What is known so far"), [Text(5000)], filters=[stripped])
    drill = BooleanField(_l("This is a drill"))

    def offer(self, projects: Iterable[Project]) -> "EmergencyForm":
        flow = packs.emergency_flow()
        self.trigger.offer(*((key, str(TRIGGER_NAMES.get(key, key))) for key in flow.trigger_keys))
        self.severity.choices = [(level.key, severity_name(level.key)) for level in flow.severity]
        self.project.offer(("", _("None in particular")), *((each.id, both(each, "name")) for each in projects))
        return self

    def validate_severity(self, field: RadioField) -> None:
        if field.data not in {level.key for level in packs.emergency_flow().severity}:
            raise StopValidation(_("Choose one."))


class ReopeningForm(Form):
    why = StringField(_l("Why it is not over"), [Text(300, required=True)], filters=[stripped])


class ClosureForm(Form):
    retrospective = TextAreaField(_l("What we learnt"), [Text(5000, required=True)], filters=[stripped])

    def validate_retrospective(self, field: TextAreaField) -> None:
        if len(field.data or "") < LEAST:
            raise StopValidation(ngettext("Write at least %(num)s letter.", "Write at least %(num)s letters.", LEAST))
