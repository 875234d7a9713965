from wtforms import StringField

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _l


class BaselineForm(Form):
    name = StringField(_l("Name"), [Text(80, required=True)], filters=[stripped])
