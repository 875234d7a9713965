from typing import Any

from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired

from linkstar.forms import Day, Form, Pick, Text, stripped
from linkstar.i18n import _, _l
from linkstar.words import FIELD_NAMES, MARKET_KIND_NAMES

LONGEST = 366  # days


class CalendarEventForm(Form):
    """A day of the workspace's own or, with `told` (a MarketDay), what it says of one of the pack's in one year.
    `seen` is the fingerprint of the row that the writer saw."""

    kind = Pick(_l("Kind"))
    name_zh = StringField(_l("Name in Chinese"), [Text(80)], filters=[stripped])
    name_en = StringField(_l("Name in English"), [Text(80)], filters=[stripped])
    first_on = Day(_l("First day"), [InputRequired(_l("Choose a day."))])
    last_on = Day(_l("Last day"))
    note_zh = TextAreaField(FIELD_NAMES["note_zh"], [Text(400)], filters=[stripped])
    note_en = TextAreaField(FIELD_NAMES["note_en"], [Text(400)], filters=[stripped])
    sensitive = BooleanField(_l("Sensitive day: cheerful posts get a warning"))
    hidden = BooleanField(_l("Do not show it this year"))

    seen = HiddenField()

    told: Any = None

    def offer(self, told: Any) -> "CalendarEventForm":
        self.told = told
        if told:
            del self.kind
        else:
            del self.hidden
            self.kind.offer(*((key, str(name)) for key, name in reversed(MARKET_KIND_NAMES.items())))
        return self

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if not self.told and not (self.name_zh.data or self.name_en.data):
            self.name_zh.errors = [*self.name_zh.errors, _("Write a name in one of the two languages.")]
            passed = False
        first, last = self.first_on.data, self.last_on.data
        if first and last and last < first:
            self.last_on.errors = [*self.last_on.errors, _("The last day is before the first one.")]
            passed = False
        if first and last and (last - first).days >= LONGEST:
            self.last_on.errors = [*self.last_on.errors, _("That is more than a year. Write it down in parts.")]
            passed = False
        if first and self.told and abs(first.year - self.told.year) > 1:
            sentence = _("That is too far from %(year)s. Choose a day of that year.", year=self.told.year)
            self.first_on.errors = [*self.first_on.errors, sentence]
            passed = False
        return passed

    def values(self) -> dict[str, Any]:
        """By the columns of a CalendarEvent; words that are the pack's own are left to the pack."""
        words = {name: self[name].data for name in ("name_zh", "name_en", "note_zh", "note_en")}
        values = {"first_on": self.first_on.data, "last_on": self.last_on.data or self.first_on.data}
        values["sensitive"] = self.sensitive.data
        if not self.told:
            return {"kind": self.kind.data} | words | values
        words = {name: text if text != getattr(self.told, name) else None for name, text in words.items()}
        return {"kind": self.told.kind, "hidden": self.hidden.data} | words | values
