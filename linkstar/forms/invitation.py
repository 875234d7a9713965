from collections.abc import Collection
from dataclasses import dataclass
from email.utils import parseaddr

from email_validator import EmailNotValidError, validate_email
from wtforms import PasswordField, StringField, TextAreaField

from linkstar.forms import CONTROL, UNSEEN, Form, Pick, Text, number, seen, stripped
from linkstar.forms.password import NewPassword
from linkstar.forms.zone import Zone
from linkstar.i18n import NATIVE_NAMES, _, _l, both
from linkstar.models import ROLES, Project
from linkstar.words import ROLE_NAMES

MOST = 100  # addresses at once
LONGEST_NAME = 80
COMMON_ZONES = (
    "Asia/Shanghai", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/London",
)  # fmt: skip


@dataclass(frozen=True)
class Guest:
    email: str
    name: str


class InvitationForm(Form):
    """One address a line; all of them or none."""

    addresses = TextAreaField(_l("Addresses"), [Text(20_000, required=True)], filters=[stripped])
    role = Pick(_l("Role"))
    language = Pick(_l("Language of the mail"))
    project_id = Pick(_l("Project"), coerce=number)
    reason = TextAreaField(_l("Reason"), [Text(2000)], filters=[stripped])

    def offer(self, projects: list[Project]) -> "InvitationForm":
        self.role.offer(*((role, str(ROLE_NAMES[role])) for role in ROLES))
        self.language.offer(*NATIVE_NAMES.items())
        self.project_id.offer(("", _("No project yet")), *((each.id, both(each, "name")) for each in projects))
        return self

    def guests(self, members: Collection[str]) -> list[Guest]:
        """Who is to be invited; every line that is wrong is an error of the field, by its number. `members` are the
        addresses that are known, as far as the reader is told."""
        found: dict[str, Guest] = {}
        faults = []
        lines = (self.addresses.data or "").split("\n")
        for at, line in enumerate(lines, 1):
            if not line.strip():
                continue
            guest = _read(UNSEEN.sub("", line))
            if guest is None:
                faults.append(_("Line %(line)s: this is not an e-mail address.", line=at))
            elif CONTROL.search(guest.name) or len(guest.name) > LONGEST_NAME:
                faults.append(_("Line %(line)s: the name has at most %(most)s characters.", line=at, most=LONGEST_NAME))
            elif guest.email in members:
                faults.append(_("Line %(line)s: this person is a member already.", line=at))
            elif guest.email in found:
                faults.append(_("Line %(line)s: this address stands here twice.", line=at))
            else:
                found[guest.email] = guest
        if len(found) > MOST:
            faults.append(_("At most %(most)s addresses at once.", most=MOST))
        self.addresses.errors = [*self.addresses.errors, *faults]
        return list(found.values())

    def validate(self, extra_validators: object = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if self.role.data == "creator" and self.project_id.data:
            self.project_id.errors = [_("Creators take part in no project; they are given single tasks.")]
            passed = False
        return passed


def _read(line: str) -> Guest | None:
    name, address = parseaddr(line.strip())
    if line.count("@") > 1 or (" " in line.strip() and "<" not in line):  # the second part would be lost, or glued on
        return None
    try:
        email = validate_email(address, check_deliverability=False, allow_smtputf8=False).normalized.lower()
    except EmailNotValidError:
        return None
    return Guest(email, " ".join(name.split()) or email.partition("@")[0][:LONGEST_NAME])


class AcceptanceForm(Form):
    """What somebody who is new here says of himself."""

    name = StringField(_l("Your name"), [Text(LONGEST_NAME, required=True)], filters=[seen])
    language = Pick(_l("Language"))
    timezone = Zone(_l("Time zone"))
    password = NewPassword(_l("Password"))
    again = PasswordField(_l("The same password again"), [Text(1000, required=True)])

    def offer(self) -> "AcceptanceForm":
        self.language.offer(*NATIVE_NAMES.items())
        self.timezone.offer_all("UTC")
        return self

    def passes(self, email: str) -> bool:
        """Whether all of it is taken; the fields say what is not."""
        right = self.validate()
        if not self.again.errors and self.again.data != self.password.data:
            self.again.errors = [_("The two passwords differ.")]
            right = False
        return self.password.judge(of=[email, self.name.data or ""]) and right
