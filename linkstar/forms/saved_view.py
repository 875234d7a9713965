from wtforms import HiddenField, SelectField, StringField

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _l


class SavedViewForm(Form):
    name = StringField(_l("Name of this view"), [Text(40, required=True)], filters=[stripped])
    page = SelectField(choices=["board", "list", "table"], default="board")
    query = HiddenField(validators=[Text(2000)])
