from datetime import datetime, timedelta

from wtforms import SelectMultipleField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from linkstar import clock
from linkstar.forms import Form, Pick, Text, number, stripped
from linkstar.i18n import _, _l, both, ngettext
from linkstar.models import SCOPES, Membership, User
from linkstar.words import API_SCOPE_NAMES

LASTS = (30, 90, 365)  # days


class ApiTokenForm(Form):
    name = StringField(_l("Name"), [Text(80, required=True)], filters=[stripped])
    workspace_id = Pick(_l("Workspace"), coerce=number)
    scopes = SelectMultipleField(_l("What it may do"), widget=ListWidget(), option_widget=CheckboxInput())
    days = Pick(_l("Runs out"), coerce=number)

    def offer(self, user: User) -> "ApiTokenForm":
        self.workspace_id.offer(*((each.workspace_id, both(each.workspace, "name")) for each in inside(user)))
        self.scopes.choices = [SelectChoice(key, str(API_SCOPE_NAMES[key])) for key in SCOPES]
        self.days.offer(*((days, ngettext("in %(num)s day", "in %(num)s days", days)) for days in LASTS))
        return self

    def validate_scopes(self, field: SelectMultipleField) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one."))

    @property
    def expires_at(self) -> datetime:
        return clock.now() + timedelta(days=self.days.data or LASTS[0])


def inside(user: User) -> list[Membership]:
    """Where the person may make tokens: not where an outsider is."""
    return [membership for membership in user.memberships if not membership.external]
