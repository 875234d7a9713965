from collections.abc import Iterable

from wtforms import StringField

from linkstar.forms import Form, Pick, Text, number, stripped
from linkstar.i18n import _, _l, both
from linkstar.models import Project


class InletForm(Form):
    """What other programs may post to the address, and about which project where they name none."""

    name = StringField(_l("Name"), [Text(80, required=True)], filters=[stripped])
    purpose = Pick(_l("What it is for"))
    project = Pick(_l("Project, where the message names none"), coerce=number)

    def offer(self, projects: Iterable[Project]) -> "InletForm":
        self.purpose.offer(("emergency", _("Declare emergencies")), ("automation", _("Set automations going")))
        self.project.offer(("", _("None in particular")), *((each.id, both(each, "name")) for each in projects))
        return self
