from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired

from linkstar.forms import Form, Hours, Pick, Text, number, stripped
from linkstar.i18n import _, _l
from linkstar.models import ROLES, Membership
from linkstar.models.role import REACHES
from linkstar.words import REACH_NAMES, ROLE_NAMES


class RoleForm(Form):
    """Another role. `seen` is the role that the writer saw, `confirmed` the one whose effects he has read."""

    role = Pick(_l("Role"))
    seen = StringField(filters=[stripped])
    confirmed = StringField(filters=[stripped])
    reason = TextAreaField(_l("Reason"), [Text(2000)], filters=[stripped])

    def offer(self) -> "RoleForm":
        self.role.offer(*((role, str(ROLE_NAMES[role])) for role in ROLES))
        return self


class ContactForm(Form):
    contact = TextAreaField(_l("Contact"), [Text(2000)], filters=[stripped])


class HoursForm(Form):
    hours_a_day = Hours(_l("Hours a day"), [InputRequired(_l("Write a number."))], least=0.5, most=24)


class DepartureForm(Form):
    successor_id = Pick(_l("Who takes over"), coerce=number)

    def offer(self, successors: list[Membership], *, needed: bool) -> "DepartureForm":
        nobody = ("", _("Choose somebody") if needed else _("Nobody: there is nothing to hand over"))
        self.successor_id.offer(nobody, *((each.user_id, self._called(each)) for each in successors))
        return self

    @staticmethod
    def _called(membership: Membership) -> str:
        return f"{membership.user.name} · {ROLE_NAMES[membership.role]}"


class ReachForm(Form):
    reach = Pick(_l("Reach in the project"))

    def offer(self) -> "ReachForm":
        self.reach.offer(*((key, str(REACH_NAMES[key])) for key in ("role", *REACHES)))
        return self
