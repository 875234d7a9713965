from typing import Any

from wtforms import BooleanField, HiddenField, PasswordField, SelectMultipleField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget, PasswordInput

from linkstar.forms import Form, Pick, Text, number, stripped
from linkstar.i18n import NATIVE_NAMES, _, _l, both
from linkstar.models import EVENTS, Channel, Project
from linkstar.words import CHANNEL_EVENT_NAMES


class ChannelForm(Form):
    """The address and the secret are written and never shown again; empty is what there is."""

    name = StringField(_l("Name"), [Text(80, required=True)], filters=[stripped])
    address = PasswordField(
        _l("Address"), [Text(2000)], filters=[stripped], widget=PasswordInput(hide_value=True)
    )  # fmt: skip
    secret = PasswordField(_l("Secret"), [Text(200)], filters=[stripped], widget=PasswordInput(hide_value=True))
    forget = BooleanField(_l("Sign nothing any more"))
    events = SelectMultipleField(_l("What it is told"), widget=ListWidget(), option_widget=CheckboxInput())
    project = Pick(_l("Of which project"), coerce=number)
    language = Pick(_l("Language"))
    drills = BooleanField(_l("Only what happens in drills"))
    known = HiddenField()

    def offer(self, projects: list[Project], channel: Channel | None) -> "ChannelForm":
        self.channel = channel
        self.project.offer(("", _("All projects")), *((each.id, both(each, "name")) for each in projects))
        self.language.offer(*NATIVE_NAMES.items())
        self.events.choices = [SelectChoice(key, str(CHANNEL_EVENT_NAMES[key])) for key in EVENTS]
        return self

    def validate_events(self, field: SelectMultipleField) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one."))

    def validate_address(self, field: StringField) -> None:
        if not field.data and not (self.channel and self.channel.address):
            raise ValidationError(_("Write something here."))

    def values(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "name": self.name.data, "events": [event for event in EVENTS if event in (self.events.data or [])],
            "project_id": self.project.data, "language": self.language.data, "drills": self.drills.data,
        }  # fmt: skip
        if self.address.data:
            values["address"] = self.address.data
        if self.secret.data or self.forget.data:
            values["secret"] = self.secret.data or None
        return values
