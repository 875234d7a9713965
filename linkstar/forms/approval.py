from wtforms import TextAreaField

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _l


class RequestForm(Form):
    """Why somebody asks for what others decide on."""

    reason = TextAreaField(_l("Why (for those who decide)"), [Text(2000)], filters=[stripped])
