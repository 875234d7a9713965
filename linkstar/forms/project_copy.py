from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from wtforms import DateTimeLocalField, Field, RadioField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice

from linkstar import clock
from linkstar.forms import FIRST_DAY, LAST_DAY, Day, Text, stripped
from linkstar.forms.template import NamedForm
from linkstar.i18n import _, _l
from linkstar.models import User
from linkstar.models.project_code import WORD


class Moment(DateTimeLocalField):
    """A day and an hour where the writer lives, or nothing."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_("There is no such moment. Write it as 2026-10-16T09:30.")) from None


class ProjectCopyForm(NamedForm):
    word = StringField(_l("Word for the code"), [Text(8, required=True)], filters=[stripped])
    anchor_on = Day(_l("Launch day"))
    anchor_at = Moment(_l("Begins at"), format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
    people = RadioField(
        _l("People"),
        choices=[
            SelectChoice("same", _l("The same people own the same tasks")),
            SelectChoice("roles", _l("Roles only: tasks are to be assigned")),
        ],
        default="same",
        validate_choice=True,
    )

    def of(self, person: User, unit: str) -> "ProjectCopyForm":
        """The writer and the unit of the plan: a plan of hours begins at a moment."""
        self.person, self.unit = person, unit
        return self

    @property
    def day(self) -> Field:
        return self.anchor_at if self.unit == "hour" else self.anchor_on

    @property
    def anchor(self) -> date | datetime:
        if self.unit == "hour":
            return self.anchor_at.data.replace(tzinfo=ZoneInfo(self.person.timezone)).astimezone(UTC)
        return self.anchor_on.data  # type: ignore[return-value]

    def validate_word(self, field: StringField) -> None:
        if not WORD.fullmatch(field.data or ""):
            raise ValidationError(_("Write two to eight capital letters or digits, such as LAMP."))

    def validate_anchor_on(self, field: Day) -> None:
        if self.unit != "hour":
            self._refuse_the_past(field, field.data)

    def validate_anchor_at(self, field: Moment) -> None:
        if self.unit == "hour":
            self._refuse_the_past(field, field.data and field.data.date())

    def _refuse_the_past(self, field: Field, day: date | None) -> None:
        if field.errors:
            return
        if day is None:
            raise ValidationError(_("Choose the day that everything leads to."))
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(_("Choose a day between 2000 and 2100."))
        if day < clock.today(ZoneInfo(self.person.timezone)):
            raise ValidationError(_("This day is in the past. Choose a later one."))
