from wtforms import HiddenField, PasswordField, StringField

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _l


class CodeForm(Form):
    code = StringField(_l("Verification code"), [Text(40, required=True)], filters=[stripped])


class SecondFactorForm(CodeForm):
    """The first code of an app; `secret` is what the page proposed, sealed."""

    secret = HiddenField(validators=[Text(300, required=True)])


class ConfirmationForm(CodeForm):
    """Shows once more who it is, before something is taken away that guards the account."""

    password = PasswordField(_l("Present password"), [Text(1000)])
