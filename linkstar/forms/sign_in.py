from wtforms import BooleanField, PasswordField, StringField

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _l


class SignInForm(Form):
    email = StringField(_l("E-mail"), [Text(254, required=True)], filters=[stripped])
    password = PasswordField(_l("Password"), [Text(1000, required=True)])
    remember = BooleanField(_l("Stay signed in on this computer"))
