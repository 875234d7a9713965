import re
from typing import Any

from wtforms import StringField, ValidationError

from linkstar.forms import Day, Form, Text, stripped
from linkstar.i18n import _, _l

CODE = re.compile(r"[A-Z0-9]+(-[A-Z0-9]+)*")
KEY = re.compile(r"[A-Z][A-Z0-9]{1,7}")


class ProjectForm(Form):
    name_zh = StringField(_l("Name in Chinese"), [Text(120)], filters=[stripped])
    name_en = StringField(_l("Name in English"), [Text(120)], filters=[stripped])
    code = StringField(_l("Project code"), [Text(40, required=True)], filters=[stripped])
    key = StringField(_l("Short key for its tasks"), [Text(8, required=True)], filters=[stripped])
    anchor_on = Day(_l("Launch day"))

    def validate_code(self, field: StringField) -> None:
        if not CODE.fullmatch(field.data or ""):
            raise ValidationError(_("Write capital letters, digits and hyphens, such as US-AMZ-26Q4-EARB-003."))

    def validate_key(self, field: StringField) -> None:
        if not KEY.fullmatch(field.data or ""):
            raise ValidationError(_("Write two to eight capital letters or digits, such as LAMP."))

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if not self.name_zh.data and not self.name_en.data:
            self.name_zh.errors = [*self.name_zh.errors, _("Write a name in one of the two languages.")]
            return False
        return passed
