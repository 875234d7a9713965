from typing import Any
from urllib.parse import urlsplit

from flask_wtf.file import FileField
from wtforms import BooleanField, StringField, ValidationError
from wtforms.validators import NumberRange, Optional

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Form, Pick, Text, Whole, number, stripped
from linkstar.i18n import _, _l
from linkstar.models import User


class NamedForm(Form):
    """A name in one of the two languages, or in both."""

    name_zh = StringField(_l("Name in Chinese"), [Text(120)], filters=[stripped])
    name_en = StringField(_l("Name in English"), [Text(120)], filters=[stripped])

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if not self.name_zh.data and not self.name_en.data:
            self.name_zh.errors = [*self.name_zh.errors, _("Write a name in one of the two languages.")]
            return False
        return passed


class TemplateForm(Form):
    sop_url = StringField(_l("Link to the procedure (SOP)"), [Text(500)], filters=[stripped])
    owner_id = Pick(_l("Owner"), coerce=number)

    def offer(self, people: list[User]) -> "TemplateForm":
        self.owner_id.offer(*((person.id, person.name) for person in people))
        return self

    def validate_sop_url(self, field: StringField) -> None:
        if not field.data:
            return
        try:
            parts = urlsplit(field.data)
            good = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            good = False
        if not good:
            raise ValidationError(_("Write a whole address, such as https://wiki.example.com/sop."))


class TemplateVersionForm(NamedForm):
    """`seen` is the number of the newest version that the publisher knew."""

    note = StringField(_l("What is new in it"), [Text(300)], filters=[stripped])
    seen = Whole(validators=[Optional(), NumberRange(0, LARGEST_ID)])


class ProjectTemplateForm(NamedForm):
    """What of a project goes into a template, besides its tasks."""

    dependencies = BooleanField(_l("Dependencies with their lags"), default=True)
    checklists = BooleanField(_l("Checklists, with nothing ticked"), default=True)
    roles = BooleanField(_l("Who does what, by role"), default=True)


class PackForm(Form):
    """One of the shipped packs by its key, or a file."""

    key = StringField(filters=[stripped])
    file = FileField(_l("Pack file (YAML, at most 2 MB)"))
