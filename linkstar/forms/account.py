from datetime import time

from wtforms import StringField
from wtforms.validators import Optional

from linkstar.forms import Pick, Text, seen
from linkstar.forms.publication import TimeOfDay
from linkstar.forms.working_hours import WorkingHours
from linkstar.forms.zone import Zone
from linkstar.i18n import NATIVE_NAMES, _l
from linkstar.models import User


class AccountForm(WorkingHours):
    name = StringField(_l("Your name"), [Text(80, required=True)], filters=[seen])
    language = Pick(_l("Language"))
    timezone = Zone(_l("Time zone"))
    works_from = TimeOfDay(_l("Works from"), [Optional()])  # where it is left empty it stays
    works_until = TimeOfDay(_l("Works until"), [Optional()])

    def offer(self, user: User) -> "AccountForm":
        self.language.offer(*NATIVE_NAMES.items())
        self.timezone.offer_all(user.timezone)
        self.user = user
        return self

    def hours(self) -> tuple[time, time]:
        return self.works_from.data or self.user.works_from, self.works_until.data or self.user.works_until
