from wtforms import StringField

from linkstar.forms import Form, Pick, Text, seen
from linkstar.forms.zone import Zone
from linkstar.i18n import NATIVE_NAMES, _l
from linkstar.models import User


class AccountForm(Form):
    name = StringField(_l("Your name"), [Text(80, required=True)], filters=[seen])
    language = Pick(_l("Language"))
    timezone = Zone(_l("Time zone"))

    def offer(self, user: User) -> "AccountForm":
        self.language.offer(*NATIVE_NAMES.items())
        self.timezone.offer_all(user.timezone)
        return self
