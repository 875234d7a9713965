"""What a form takes and how it is said when it is not taken. One file a resource."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, Field, FloatField, IntegerField, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import StopValidation

from linkstar.extensions import LARGEST_ID
from linkstar.i18n import _, _l
from linkstar.planning.reminding import LONGEST, MOST, days_before

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")  # no width, or turning the line around
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


class Form(FlaskForm):
    """Our forms: the CSRF token is checked for every request before any form is read."""

    class Meta:
        csrf = False


def stripped(value: Any) -> Any:
    """A filter: text without the white space around it; nothing where only that was typed."""
    return (value.strip().replace("\r\n", "\n") or None) if isinstance(value, str) else value


def seen(value: Any) -> Any:
    """A filter for people's names: without the characters that nobody sees, so that no two look the same."""
    return stripped(UNSEEN.sub("", value)) if isinstance(value, str) else value


def number(value: Any) -> int | None:
    """An id out of a form; nothing where nothing was chosen."""
    text = str(value if value is not None else "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(text)
    return int(text) if text else None


def word(value: Any) -> str | None:
    return value or None


class Whole(IntegerField):
    """A whole number, as long as the database's are; wtforms' own check of a range breaks on longer ones."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and abs(self.data) > LARGEST_ID:
            self.data = None
            raise ValueError(self.gettext("Not a valid integer value."))


class Pick(SelectField):
    """One of the records or words that are offered; what is not among them is refused with a sentence."""

    def __init__(self, label: Any, coerce: Callable[[Any], Any] = word, **options: Any) -> None:
        trouble = _l("That is not one of the choices any more. Choose again.")
        super().__init__(label, coerce=coerce, invalid_value_message=trouble, invalid_choice_message=trouble, **options)

    def offer(self, *choices: tuple[Any, str]) -> None:
        self.choices = [SelectChoice(str(value), label) for value, label in choices]


class Text:
    """A validator: at most `most` characters, none of them a control character."""

    def __init__(self, most: int, *, required: bool = False) -> None:
        self.most, self.required = most, required

    def __call__(self, form: FlaskForm, field: Field) -> None:
        text = field.data
        if not text:
            if self.required:
                raise StopValidation(_("Write something here."))
            return
        if len(text) > self.most:
            raise StopValidation(
                _("That is %(count)s characters; at most %(most)s fit here.", count=len(text), most=self.most)
            )
        if CONTROL.search(text):
            raise StopValidation(_("There are invisible control characters in it. Type it again by hand."))


class Hours(FloatField):
    """A number of hours between two bounds, or nothing."""

    def __init__(self, label: Any, validators: Any = (), *, least: float, most: float, **options: Any) -> None:
        super().__init__(label, validators, **options)
        self.least, self.most = least, most

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        try:
            super().process_formdata([value.strip() for value in valuelist if value.strip()])
        except ValueError:
            raise ValueError(_("Write a number.")) from None

    def pre_validate(self, form: FlaskForm) -> None:
        if self.data is not None and not self.least <= self.data <= self.most:
            raise ValidationError(_("Write a number from %(least)s to %(most)s.", least=self.least, most=self.most))

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else "" if self.data is None else f"{self.data:g}"


class DaysBefore(StringField):
    """Some numbers of days, the furthest first, or nothing; separated as people write them."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        words = [word for word in re.split(r"[\s,，、;；]+", valuelist[0] if valuelist else "") if word]
        try:
            if not all(word.isascii() and word.isdigit() and len(word) < 4 for word in words):
                raise ValueError(words)
            self.data = days_before([int(word) for word in words]) or None
        except ValueError:
            sentence = _("Write at most %(most)s numbers from 0 to %(longest)s.", most=MOST, longest=LONGEST)
            raise ValueError(sentence) from None

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else ", ".join(map(str, self.data or ()))


class Day(DateField):
    """A day between 2000 and 2100, or nothing."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        try:
            self.data = date.fromisoformat(valuelist[0].strip())
        except ValueError:
            self.data = None
            raise ValidationError(_("There is no such day. Write it as 2026-10-16.")) from None
        if not FIRST_DAY <= self.data <= LAST_DAY:
            raise ValidationError(_("Choose a day between 2000 and 2100."))
