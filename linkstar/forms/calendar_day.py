from datetime import date
from typing import Any

from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice

from linkstar.forms import Day, Form, Text, stripped
from linkstar.i18n import _, _l


class CalendarDayForm(Form):
    day = Day(_l("Day"))
    works = RadioField(
        _l("What it is"),
        choices=[SelectChoice("off", _l("Day off")), SelectChoice("worked", _l("Working day"))],
        default="off",
        validate_choice=False,
    )
    name_zh = StringField(_l("Name in Chinese"), [Text(60)], filters=[stripped])
    name_en = StringField(_l("Name in English"), [Text(60)], filters=[stripped])

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if not isinstance(self.day.data, date) and not self.day.errors:
            self.day.errors = [_("Choose a day.")]
            passed = False
        if self.works.data not in ("off", "worked"):
            self.works.errors = [_("Choose whether it is a day off or a working day.")]
            passed = False
        return passed
