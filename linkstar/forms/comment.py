from wtforms import BooleanField, TextAreaField

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _l


class CommentForm(Form):
    body = TextAreaField(_l("Comment"), [Text(10_000, required=True)], filters=[stripped])
    shared = BooleanField(_l("Visible to people outside the team"))
