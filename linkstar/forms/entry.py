from wtforms import StringField

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _l


class EntryForm(Form):
    """Where a new link goes."""

    email = StringField(_l("E-mail"), [Text(254, required=True)], filters=[stripped])


class CodeForm(Form):
    code = StringField(_l("Six digits"), [Text(20, required=True)], filters=[stripped])

    @property
    def digits(self) -> str:
        return "".join(letter for letter in self.code.data or "" if letter.isdigit())
