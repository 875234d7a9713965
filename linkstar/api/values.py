"""What stands in a body or an address: the kinds of values, each strict about what it takes."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_dump

from linkstar.extensions import LARGEST_ID, record_id
from linkstar.forms import CONTROL, FIRST_DAY, LAST_DAY
from linkstar.i18n import _l
from linkstar.models import MASKED
from linkstar.planning.reminding import LONGEST, MOST, days_before

MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+ -][0-9]{2}:[0-9]{2})"
)
SUM = re.compile(r"^[0-9]{1,12}(\.[0-9]{1,2})?$")
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)


class Body(Schema):
    """What is sent. A field that is not known is refused, never passed over."""

    error_messages: dict[str, Any] = {"unknown": _l("There is no such field.")}  # noqa: RUF012

    class Meta:
        unknown = RAISE


class Answer(Schema):
    """What is answered: every field is there, but those that the reader's role may not know."""

    OPTIONAL: tuple[str, ...] = ()

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = field_name not in MASKED and field_name not in self.OPTIONAL

    def shows(self, record: Any, field: str) -> bool:
        """May the reader know a masked field of this record? Nobody, unless the resource says otherwise."""
        return False

    @post_dump(pass_original=True)
    def mask(self, data: dict[str, Any], record: Any, **more: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if name not in MASKED or self.shows(record, name)}


class Strict:
    """Says what it wants in the reader's language; subclasses say what they take in taken()."""

    WANTED: Any = _l("That is not one of the choices.")
    default_error_messages: dict[str, Any] = {  # noqa: RUF012
        "required": _l("This is missing."), "null": _l("This cannot be null."),
    }  # fmt: skip

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Any:
        try:
            return self.taken(value)
        except (ValueError, OverflowError):
            raise ValidationError(str(self.WANTED)) from None

    def taken(self, value: Any) -> Any:
        raise NotImplementedError


class Text(Strict, fields.String):
    """Written by people: without white space around it, none of it a control character. Empty is none at all."""

    WANTED = _l("Write a text of that length, without control characters.")

    def __init__(self, most: int, *, required: bool = False, **more: Any) -> None:
        self.least, self.most = int(required), most
        sizes = {"maxLength": most} | ({"minLength": 1} if required else {})
        super().__init__(required=required, allow_none=not required, metadata=sizes, **more)

    def taken(self, value: Any) -> str | None:
        if not isinstance(value, str) or CONTROL.search(value):
            raise ValueError
        text = value.strip().replace("\r\n", "\n")
        if not self.least <= len(text) <= self.most:
            raise ValueError
        return text or None


class Number(Strict, fields.Integer):
    """A whole number, not one in quotes."""

    WANTED = _l("Write a whole number within the limits.")

    def __init__(self, least: int, most: int, **more: Any) -> None:
        self.least, self.most = least, most
        super().__init__(metadata={"minimum": least, "maximum": most}, **more)

    def taken(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise ValueError
        return value


class Id(Number):
    def __init__(self, **more: Any) -> None:
        super().__init__(1, LARGEST_ID, **more)


class Asked(Number):
    """A number in an address, where everything is text."""

    def taken(self, value: Any) -> int:
        number = record_id(value)
        return super().taken(number if number is not None else value)


class Flag(Strict, fields.Boolean):
    WANTED = _l("Write true or false.")

    def taken(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value


class Day(Strict, fields.Date):
    WANTED = _l("Write a day between 2000 and 2100, as 2026-10-16.")

    def taken(self, value: Any) -> date:
        if not (isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
            raise ValueError
        day = date.fromisoformat(value)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValueError
        return day


class Moment(Strict, fields.AwareDateTime):
    """An instant; answered in UTC."""

    WANTED = _l("Write an instant with its zone, as 2026-10-16T09:00:00Z.")

    def taken(self, value: Any) -> datetime:
        if not (isinstance(value, str) and MOMENT.fullmatch(value)):
            raise ValueError
        moment = datetime.fromisoformat(value.replace(" ", "+"))  # a plus in an address reads as a space
        if not EARLIEST <= moment <= LATEST:
            raise ValueError
        return moment


class Word(Strict, fields.String):
    """One of some words."""

    def __init__(self, words: Iterable[str], **more: Any) -> None:
        self.words = tuple(words)
        none = [None] if more.get("allow_none") else []
        super().__init__(metadata={"enum": [*self.words, *none]}, **more)

    def taken(self, value: Any) -> str:
        if value not in self.words:
            raise ValueError
        return str(value)


class DaysBefore(Strict, fields.List):
    """Some numbers of days, the furthest first."""

    WANTED = _l("Write at most six whole numbers from 0 to 60.")

    def __init__(self, **more: Any) -> None:
        super().__init__(Number(0, LONGEST), metadata={"maxItems": MOST}, **more)

    def taken(self, value: Any) -> list[int]:
        if not isinstance(value, list) or not all(type(each) is int for each in value):
            raise ValueError
        return days_before(value)


class Sum(Strict, fields.Decimal):
    """An amount of money, as text: 1200.50"""

    WANTED = _l('Write an amount as text, such as "1200.50".')

    def __init__(self, **more: Any) -> None:
        super().__init__(as_string=True, metadata={"pattern": SUM.pattern}, **more)

    def taken(self, value: Any) -> Decimal:
        if not (isinstance(value, str) and SUM.fullmatch(value)):
            raise ValueError
        return Decimal(value).quantize(Decimal("0.01"))


def sentence_of(messages: Any) -> str:
    """marshmallow's messages for one field, which may lie in lists and objects, as one text."""
    if isinstance(messages, dict):
        return " ".join(sentence_of(each) for each in messages.values())
    if isinstance(messages, list):
        return " ".join(sentence_of(each) for each in messages)
    return str(messages)
