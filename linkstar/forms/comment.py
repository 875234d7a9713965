from wtforms import BooleanField, TextAreaField
from wtforms.validators import NumberRange, Optional

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Form, Text, Whole, stripped
from linkstar.i18n import _l


class CommentForm(Form):
    body = TextAreaField(_l("Comment"), [Text(10_000, required=True)], filters=[stripped])
    shared = BooleanField(_l("Visible to people outside the team"))


class CommentEditForm(Form):
    body = TextAreaField(_l("Comment"), [Text(10_000, required=True)], filters=[stripped])
    version = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])
