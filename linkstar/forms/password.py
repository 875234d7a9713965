from collections.abc import Sequence

from wtforms import PasswordField, StringField

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _, _l
from linkstar.models.password import LONGEST, SHORTEST, faults


class NewPassword(PasswordField):
    """A password that somebody chooses. `validate()` of the form, then `judge()`: the person's address and name have
    to be known for it."""

    errors: Sequence[str]

    def __init__(self, label: object = _l("New password"), **options: object) -> None:
        super().__init__(label, [Text(LONGEST, required=True)], **options)

    def judge(self, *, of: list[str]) -> bool:
        """Whether it is taken; the field says why not."""
        if not self.errors:
            self.errors = [_sentence(fault) for fault in faults(self.data or "", of=of)]
        return not self.errors


def _sentence(fault: str) -> str:
    if fault == "short":
        return _("Take at least %(least)s characters; several words are easy to remember.", least=SHORTEST)
    if fault == "long":
        return _("Take at most %(most)s characters.", most=LONGEST)
    if fault == "yours":
        return _("That is hardly more than your name or your address. Take something that nobody knows of you.")
    return _("This password is in lists of stolen passwords, or soon guessed. Take another one.")


class PasswordWishForm(Form):
    email = StringField(_l("E-mail"), [Text(254, required=True)], filters=[stripped])


class PasswordResetForm(Form):
    password = NewPassword()


class PasswordChangeForm(Form):
    present = PasswordField(_l("Present password"), [Text(1000, required=True)])
    password = NewPassword()
