from wtforms import StringField, ValidationError

from linkstar.forms import Form, Text, stripped
from linkstar.i18n import _, _l
from linkstar.models import is_rule


class WorkspaceForm(Form):
    code_rule = StringField(_l("Naming rule for project codes"), [Text(80, required=True)], filters=[stripped])

    def validate_code_rule(self, field: StringField) -> None:
        if not is_rule(field.data or ""):
            raise ValidationError(
                _(
                    "Write capital letters, digits and hyphens, {number} once, and {platform}, {quarter} and {word} at"
                    " most once, such as US-{platform}-{quarter}-{word}-{number}. The longest code has 40 characters."
                )
            )
