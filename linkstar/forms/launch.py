"""A project from a template: what is asked, and the launch that comes of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    HiddenField,
    SelectMultipleField,
    StringField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import NumberRange, Optional
from wtforms.widgets import CheckboxInput

from linkstar import clock, packs
from linkstar.forms import FIRST_DAY, LAST_DAY, Day, Form, Pick, Text, Whole, number, stripped
from linkstar.i18n import _, _l, both
from linkstar.models import WORD, Launch, Membership, TemplateVersion, User, example, follows_rule
from linkstar.models.role import EXTERNAL_ROLES
from linkstar.planning.working_days import OutOfRange
from linkstar.words import ROLE_NAMES

COLUMNS = ("name_zh", "name_en", "platforms", "content_types", "store", "brand", "sku")


class Picks(SelectMultipleField):
    """Some of the words that are offered, each with a box to tick."""

    def __init__(self, label: Any, **options: Any) -> None:
        trouble = _l("That is not one of the choices any more. Choose again.")
        super().__init__(
            label, option_widget=CheckboxInput(), invalid_value_message=trouble, invalid_choice_message=trouble,
            **options,
        )  # fmt: skip

    def offer(self, parts: Any) -> None:
        self.choices = [SelectChoice(part.key, both(part, "name")) for part in parts]


class Moment(DateTimeLocalField):
    """An hour of a day between 2000 and 2100, in the zone of the person who writes it."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            moment = datetime.fromisoformat(valuelist[0].strip())
        except ValueError:
            raise ValidationError(_("There is no such time. Write it as 2026-10-16T09:30.")) from None
        if not FIRST_DAY <= moment.date() <= LAST_DAY:
            raise ValidationError(_("Choose a day between 2000 and 2100."))
        self.data = moment.replace(tzinfo=None)


def _texts(value: Any) -> list[str]:
    """As a browser sends it; nothing where nothing was chosen."""
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    if isinstance(value, datetime):
        return [value.isoformat(timespec="minutes")]
    return [] if value in (None, False, "") else ["y" if value is True else str(value)]


def capitals(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class LaunchForm(Form):
    """What stands in launch_form() is added for the template: who fills each role, and the legs that take real days."""

    template = HiddenField()
    version = HiddenField()
    name_zh = StringField(_l("Name in Chinese"), [Text(120)], filters=[stripped])
    name_en = StringField(_l("Name in English"), [Text(120)], filters=[stripped])
    word = StringField(_l("Product word for the code"), [Text(8, required=True)], filters=[stripped, capitals])
    code = StringField(_l("A code of your own"), [Text(40)], filters=[stripped])
    platforms = Picks(_l("Platforms"))
    store = StringField(_l("Store"), [Text(80)], filters=[stripped])
    brand = StringField(_l("Brand"), [Text(80)], filters=[stripped])
    sku = StringField(_l("SKU"), [Text(60)], filters=[stripped])
    category = Pick(_l("Category"))
    categories = Picks(_l("Further categories"))
    content_types = Picks(_l("Content types"))
    anchor_on = Day(_l("Launch day"))
    anchor_at = Moment(_l("Incident time"))
    later = Day()
    owner_id = Pick(_l("Owner of the project"), coerce=number)
    completed = BooleanField(_l("Add the missing part"))

    anchor_needed = True
    chosen: packs.Template
    chosen_version: TemplateVersion
    membership: Membership
    person: User
    people: Mapping[int, User]
    versions: Mapping[str, TemplateVersion]  # what sub-projects are made from
    variants: Sequence[packs.Template]  # where a missing part may be found

    @property
    def roles(self) -> list[tuple[str, Any]]:
        return [(name[5:], field) for name, field in self._fields.items() if name.startswith("role_")]

    @property
    def legs(self) -> dict[str, Any]:
        return {name[4:]: field for name, field in self._fields.items() if name.startswith("leg_")}

    @cached_property
    def without(self) -> frozenset[str]:
        return frozenset(request.form.getlist("without"))

    @property
    def counts_hours(self) -> bool:
        return self.chosen.unit == "hour"

    @property
    def anchor_field(self) -> Any:
        return self.anchor_at if self.counts_hours else self.anchor_on

    @property
    def anchor(self) -> date | datetime | None:
        if self.counts_hours:
            zone = ZoneInfo(self.person.timezone)
            return self.anchor_at.data.replace(tzinfo=zone) if self.anchor_at.data else None
        chosen: date | None = self.later.data or self.anchor_on.data
        return chosen

    @property
    def all_categories(self) -> list[str]:
        return list(dict.fromkeys(key for key in (self.category.data, *(self.categories.data or ())) if key))

    @property
    def example(self) -> str:
        return example(self.membership.workspace.code_rule)

    def carried(self, names: Collection[str]) -> list[tuple[str, str]]:
        """What these fields hold, for a page that does not show them; a name that ends with _ stands for several."""
        fields = [field for field in self if field.name in names or f"{field.name.partition('_')[0]}_" in names]
        pairs = [(field.name, text) for field in fields for text in _texts(field.data)]
        return pairs + [("without", key) for key in sorted(self.without) if "without" in names]

    def carried_but(self, names: Collection[str], legs: Collection[packs.Task]) -> list[tuple[str, str]]:
        """What all fields hold that a page does not show; it shows these names and these legs."""
        shown = {*names, "later", *(f"leg_{task.key}" for task in legs)}
        return self.carried([field.name for field in self if field.name not in shown])

    def validate_word(self, field: StringField) -> None:
        if not WORD.fullmatch(field.data or ""):
            raise ValidationError(_("Write two to eight capital letters or digits, such as LAMP."))

    def validate_code(self, field: StringField) -> None:
        rule = self.membership.workspace.code_rule
        if field.data and not follows_rule(field.data, rule):
            raise ValidationError(
                _("That does not follow the naming rule. A code looks like %(example)s.", example=self.example)
            )

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if not self.name_zh.data and not self.name_en.data:
            self.name_zh.errors = [*self.name_zh.errors, _("Write a name in one of the two languages.")]
            passed = False
        if not self.anchor_field.errors and (trouble := self._trouble_with_anchor()):
            self.anchor_field.errors = [trouble]
            passed = False
        hidden = [field.label.text for field in (*self.legs.values(), self.later) if field.errors]
        if hidden:
            self.form_errors.append(_("Write whole days from 1 to 365 for: %(legs)s.", legs=", ".join(hidden)))
        return passed and self._can_be_laid()

    def _trouble_with_anchor(self) -> str | None:
        if self.anchor is None and self.anchor_needed:
            return _("Choose the day from which the plan is laid.")
        today = clock.today(ZoneInfo(self.person.timezone))
        if self.anchor and not isinstance(self.anchor, datetime) and self.anchor < today:
            return _("That day is past. Choose today or a later one.")
        return None

    def _can_be_laid(self) -> bool:
        """A plan that runs out of 2000-2100 has no days."""
        if self.errors:
            return False
        try:
            launch = self.launch()
            for each in (launch, *(child for _sub, child in launch.children)):
                each.spans  # noqa: B018
        except (OutOfRange, OverflowError):
            self.anchor_field.errors = [_("The plan would run out of the years 2000 to 2100. Choose another day.")]
            return False
        return True

    def launch(self) -> Launch:
        """Of a form that was accepted."""
        template, categories = self.chosen, self.all_categories
        if self.completed.data:
            template = packs.completed(template, categories, self.variants)
        columns = {name: self[name].data for name in COLUMNS}
        return Launch(
            template=template,
            version=self.chosen_version,
            workspace_id=self.membership.workspace_id,
            owner=self.people[self.owner_id.data or self.person.id],
            anchor=self.anchor,
            values={**columns, "key": self.word.data, "categories": categories},
            people={role: self.people.get(field.data) for role, field in self.roles},
            legs={key: field.data for key, field in self.legs.items() if field.data},
            without=self.without,
            versions=self.versions,
        )


def launch_form(
    version: TemplateVersion, membership: Membership, person: User, people: list[User], known: list[packs.Pack]
) -> LaunchForm:
    """The form of this template: as it was sent, or with what is likely filled in."""
    template = packs.template_from(version.content, version.template.key, known)
    roles = list(dict.fromkeys(task.role for task in template.tasks.values()))
    legs = [task for task in template.tasks.values() if task.elapsed_calendar_days]
    fields = {f"role_{role}": Pick(ROLE_NAMES.get(role, role), coerce=number) for role in roles}
    spans = {f"leg_{task.key}": Whole(both(task, "title"), [Optional(), NumberRange(1, 365)]) for task in legs}
    made = type("TemplateForm", (LaunchForm,), fields | spans)
    form: LaunchForm = made(data=_likely(template, version, membership, person, people))
    form.chosen, form.chosen_version, form.membership, form.person = template, version, membership, person
    form.people = {each.id: each for each in people}
    _offer(form, membership, people)
    return form


def _offer(form: LaunchForm, membership: Membership, people: list[User]) -> None:
    pack = packs.pack()
    form.anchor_field.label.text = both(form.chosen.anchor, "name")
    form.platforms.offer(pack.platforms)
    form.category.offer(("", _("Choose a category")), *((part.key, both(part, "name")) for part in pack.categories))
    form.categories.offer(pack.categories)
    form.content_types.offer(pack.content_types)
    here = {each.id: each.membership_in(membership.workspace_id) for each in people}
    inside = [each for each in people if not here[each.id].external]  # type: ignore[union-attr]
    form.owner_id.offer(*((each.id, each.name) for each in inside))
    for role, field in form.roles:
        fit = [each for each in people if here[each.id].role == role]  # type: ignore[union-attr]
        others = [each for each in inside if each not in fit]
        if role in EXTERNAL_ROLES:
            others += [each for each in people if each not in fit and each not in inside]
        field.offer(("", _("Nobody yet")), *((each.id, each.name) for each in (*fit, *others)))


def _likely(
    template: packs.Template, version: TemplateVersion, membership: Membership, person: User, people: list[User]
) -> dict[str, Any]:
    made_for = template.applies_to.categories
    category = "general" if not made_for or "all" in made_for else made_for[0] if template.variant_of else None
    values: dict[str, Any] = {
        "template": version.template_id,
        "version": version.id,
        "platforms": [key for key in template.applies_to.platforms if key != "all"],
        "category": category,
        "owner_id": person.id,
    }
    for each in (person, *people):
        own = each.membership_in(membership.workspace_id)
        if own:
            values.setdefault(f"role_{own.role}", each.id)
    return values
