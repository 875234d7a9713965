from collections.abc import Collection

from email_validator import EmailNotValidError, validate_email
from wtforms import RadioField, StringField

from linkstar.forms import Form, Pick, Text, number, seen, stripped
from linkstar.forms.invitation import COMMON_ZONES, LONGEST_NAME
from linkstar.i18n import NATIVE_NAMES, _, _l

NEW = 0  # in the list of people: somebody who is not in it yet


class OutsiderForm(Form):
    """With which creator a task is shared, and what the creator is to it; one of the workspace, or a new one."""

    user_id = Pick(_l("Creator"), coerce=number)
    part = RadioField(_l("What the creator does"), default="owner")
    name = StringField(_l("Name"), [Text(LONGEST_NAME)], filters=[seen])
    email = StringField(_l("E-mail"), [Text(254)], filters=[stripped])
    language = Pick(_l("Language"), default="en")
    timezone = Pick(_l("Time zone"), default="America/Los_Angeles")

    def offer(self, people: Collection[tuple[int, str]], *, invites: bool) -> "OutsiderForm":
        new = [(NEW, _("Somebody new"))] if invites else []
        self.user_id.offer(*people, *new)
        self.part.choices = [("owner", _("Owns the task")), ("collaborator", _("Helps with it"))]
        self.language.offer(*NATIVE_NAMES.items())
        self.timezone.offer(*((zone, zone.replace("_", " ")) for zone in COMMON_ZONES))
        return self

    @property
    def is_new(self) -> bool:
        return self.user_id.data == NEW

    def validate(self, extra_validators: object = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if not self.is_new:
            return passed
        if not self.name.data:
            self.name.errors = [*self.name.errors, _("Write something here.")]
            passed = False
        try:
            found = validate_email(self.email.data or "", check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError:
            self.email.errors = [*self.email.errors, _("This is not an e-mail address.")]
            return False
        self.email.data = found.normalized.lower()
        return passed
