import hmac
import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

from flask import current_app
from wtforms import DecimalField, HiddenField, StringField, TextAreaField
from wtforms.validators import NumberRange, Optional

from linkstar.forms import DaysBefore, Form, Pick, Text, stripped
from linkstar.i18n import _, _l
from linkstar.models import Project, User
from linkstar.words import FIELD_NAMES

CURRENCIES = ("USD", "CNY", "EUR", "GBP", "CAD", "MXN")
FIELDS = ("name_zh", "name_en", "store", "brand", "remind_before", "budget", "currency", "suppliers")


class ProjectSettingsForm(Form):
    """What a project is called, and what it may cost. Of what the reader may not know, there is no field."""

    name_zh = StringField(_l("Name in Chinese"), [Text(120)], filters=[stripped])
    name_en = StringField(_l("Name in English"), [Text(120)], filters=[stripped])
    store = StringField(_l("Store"), [Text(80)], filters=[stripped])
    brand = StringField(_l("Brand"), [Text(80)], filters=[stripped])
    remind_before = DaysBefore(FIELD_NAMES["remind_before"])
    budget = DecimalField(_l("Budget"), [Optional(), NumberRange(0, 999_999_999_999)], places=2)
    currency = Pick(_l("Currency"))
    suppliers = TextAreaField(_l("Suppliers"), [Text(4000)], filters=[stripped])
    reason = TextAreaField(_l("Why (for those who decide)"), [Text(2000)], filters=[stripped])
    version = HiddenField()

    def offer(self, project: Project, reader: User) -> "ProjectSettingsForm":
        known = CURRENCIES if project.currency in CURRENCIES else (project.currency, *CURRENCIES)
        self.currency.offer(*((each, each) for each in known))
        for name in FIELDS:
            if not project.shows(reader, name):
                del self[name]
        if "budget" not in self:
            del self.reason
        return self

    def values(self) -> dict[str, Any]:
        """Of the fields that came with the request."""
        values = {name: self[name].data for name in FIELDS if name in self and self[name].raw_data}
        return values | ({"remind_before": values["remind_before"] or []} if "remind_before" in values else {})

    def validate_budget(self, field: DecimalField) -> None:
        if field.data is not None and not field.errors:
            field.data = field.data.quantize(Decimal("0.01"))

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if self.name_zh.raw_data and not self.name_zh.data and not self.name_en.data:
            self.name_zh.errors = [*self.name_zh.errors, _("Write a name in one of the two languages.")]
            return False
        return passed


def version_of(project: Project, reader: User) -> str:
    """Stands for what the reader sees of the settings now; nothing of them can be guessed from it."""
    seen = [str(getattr(project, name)) for name in FIELDS if project.shows(reader, name)]
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.digest(secret, json.dumps([project.id, seen]).encode(), sha256).hex()[:16]
