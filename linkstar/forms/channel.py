from typing import Any

from wtforms import BooleanField, Field, PasswordField, SelectMultipleField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget, PasswordInput

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Form, Pick, Text, Whole, number, stripped
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
    version = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])

    def offer(self, projects: list[Project], channel: Channel | None) -> "ChannelForm":
        """Where its project is not there any more, nothing else takes its place unseen, least of all every project."""
        self.channel = channel
        choices = [("", _("All projects")), *((each.id, both(each, "name")) for each in projects)]
        kept = channel.project_id if channel else None
        self.gone = None if kept in {each.id for each in projects} else kept
        if self.gone:
            choices.append((self.gone, _("something that is gone")))
        self.project.offer(*choices)
        if self.gone and self.project.data == self.gone:
            self.project.errors = [_("That is not one of the choices any more. Choose again.")]
        self.language.offer(*NATIVE_NAMES.items())
        self.events.choices = [SelectChoice(key, str(CHANNEL_EVENT_NAMES[key])) for key in EVENTS]
        return self

    @property
    def sealed(self) -> list[Field]:
        """What was typed and is never shown."""
        return [each for each in (self.address, self.secret) if each.data]

    def validate_project(self, field: Pick) -> None:
        if self.gone and field.data == self.gone:
            raise ValidationError(_("That is not one of the choices any more. Choose again."))

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
