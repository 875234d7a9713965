from typing import Any

from wtforms import BooleanField, FloatField, StringField, ValidationError
from wtforms.validators import NumberRange, Optional

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Form, Pick, Text, Whole, stripped
from linkstar.i18n import _, _l
from linkstar.models import Task
from linkstar.words import ROLE_NAMES, START_RULE_NAMES

LARGEST = 3650


class Amount(FloatField):
    """Days or hours in steps of a quarter, or nothing."""

    def __init__(self, label: Any, least: float, **options: Any) -> None:
        super().__init__(label, [Optional()], **options)
        self.least = least

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value.strip() for value in valuelist if value.strip()])
        except ValueError:
            raise ValueError(_("Write a number.")) from None

    def pre_validate(self, form: Any) -> None:
        if self.data is None:
            return
        if not self.least <= self.data <= LARGEST:
            raise ValidationError(_("Write a number from %(least)s to %(most)s.", least=self.least, most=LARGEST))
        if self.data * 4 % 1:
            raise ValidationError(_("Write it in steps of 0.25, such as 0.5 or 2.75."))


class PlanValuesForm(Form):
    """What the plan is computed from. `version` is the one that the writer saw."""

    role = Pick(_l("Role"))
    duration = Amount(_l("Duration"), 0)
    elapsed_days = Whole(_l("Calendar days that run through weekends"), [Optional(), NumberRange(0, LARGEST)])
    start_rule = Pick(_l("How the start is set"))
    offset = Amount(_l("Start, counted from the anchor"), -LARGEST)
    offset_days = Whole(_l("Deadline in calendar days from the anchor"), [Optional(), NumberRange(-LARGEST, LARGEST)])
    optional = BooleanField(_l("Can be left out"))
    waiting = BooleanField(_l("Waiting time"))
    deliverable_zh = StringField(_l("Deliverable in Chinese"), [Text(200)], filters=[stripped])
    deliverable_en = StringField(_l("Deliverable in English"), [Text(200)], filters=[stripped])
    version = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])

    def offer(self, task: Task) -> "PlanValuesForm":
        self.role.offer(("", _("No role")), *((key, str(name)) for key, name in ROLE_NAMES.items()))
        rules = [rule for rule in START_RULE_NAMES if rule != "by_hand" or task.start_rule == rule]
        self.start_rule.offer(
            ("", _("As early as what it waits for allows")), *((rule, str(START_RULE_NAMES[rule])) for rule in rules)
        )
        return self

    def validate_start_rule(self, field: Pick) -> None:
        if field.data == "fixed" and self.offset.data is None and self.offset_days.data is None:
            raise ValidationError(_("A fixed start needs its distance from the anchor."))

    def values(self) -> dict[str, Any]:
        values = {name: field.data for name, field in self._fields.items() if name != "version"}
        if values["start_rule"] != "fixed":
            values["offset"] = None
        return values
