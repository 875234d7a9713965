from typing import Any

from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import NumberRange, Optional

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Day, DaysBefore, Form, Hours, Pick, Text, Whole, number, stripped
from linkstar.i18n import NATIVE_NAMES, _, _l, both
from linkstar.models import PLATFORMS, PRIORITIES, Project, Task, User
from linkstar.words import FIELD_NAMES, platform_name, priority_name

LONGEST_LABEL = 40


class QuickTaskForm(Form):
    """One line at the foot of a column."""

    title = StringField(_l("Task title"), [Text(200, required=True)], filters=[stripped])
    due_on = Day(_l("Due date"))
    stage_id = Whole(validators=[Optional()])
    phase_id = Whole(validators=[Optional()])
    owner_id = Whole(validators=[Optional()])
    platform = StringField(filters=[stripped])


class TaskForm(Form):
    """All that can be written on a task. `version` is the one that the writer saw."""

    title_zh = StringField(_l("Title in Chinese"), [Text(200)], filters=[stripped])
    title_en = StringField(_l("Title in English"), [Text(200)], filters=[stripped])
    brief_zh = TextAreaField(_l("Brief in Chinese"), [Text(20_000)], filters=[stripped])
    brief_en = TextAreaField(_l("Brief in English"), [Text(20_000)], filters=[stripped])
    wanted_zh = TextAreaField(FIELD_NAMES["wanted_zh"], [Text(4_000)], filters=[stripped])
    wanted_en = TextAreaField(FIELD_NAMES["wanted_en"], [Text(4_000)], filters=[stripped])
    unwanted_zh = TextAreaField(FIELD_NAMES["unwanted_zh"], [Text(4_000)], filters=[stripped])
    unwanted_en = TextAreaField(FIELD_NAMES["unwanted_en"], [Text(4_000)], filters=[stripped])
    source_language = Pick(_l("Written first in"))
    owner_id = Pick(_l("Owner"), coerce=number)
    start_on = Day(_l("Start date"))
    due_on = Day(_l("Due date"))
    estimate = Hours(FIELD_NAMES["estimate"], least=0.5, most=999)
    remind_before = DaysBefore(FIELD_NAMES["remind_before"])
    priority = Pick(_l("Priority"))
    platform = Pick(_l("Platform"))
    phase_id = Pick(_l("Phase"), coerce=number)
    labels = StringField(_l("Labels"), [Text(300)], filters=[stripped])
    blocking = BooleanField(_l("Blocks the tasks after it until it is done"))
    milestone = BooleanField(_l("Milestone"))
    boxes = HiddenField()
    version = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])

    def offer(self, project: Project, owner: User, reader: User) -> "TaskForm":
        """Fills the choices with what the project has and the reader may know."""
        people = project.people_for(reader)
        if owner not in people:
            people.append(owner)
        self.owner_id.offer(*((person.id, person.name) for person in people))
        self.phase_id.offer(("", _("No phase")), *((phase.id, both(phase, "name")) for phase in project.phases))
        self.priority.offer(*((key, priority_name(key)) for key in PRIORITIES))
        self.platform.offer(("", _("No platform")), *((key, platform_name(key)) for key in PLATFORMS))
        self.source_language.offer(*NATIVE_NAMES.items())
        return self

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        if not self.title_zh.data and not self.title_en.data:
            self.title_zh.errors = [*self.title_zh.errors, _("Write a title in one of the two languages.")]
            passed = False
        if any(len(name) > LONGEST_LABEL for name in self.label_names()):
            sentence = _("A label has at most %(most)s characters.", most=LONGEST_LABEL)
            self.labels.errors = [*self.labels.errors, sentence]
            passed = False
        if self.start_on.data and self.due_on.data and self.start_on.data > self.due_on.data:
            self.due_on.errors = [*self.due_on.errors, _("The due date is before the start date.")]
            passed = False
        return passed

    def label_names(self) -> list[str]:
        """What was typed, split at commas of either language."""
        typed = (self.labels.data or "").replace("，", ",").replace("、", ",").split(",")
        return list(dict.fromkeys(name.strip() for name in typed if name.strip()))

    def values(self) -> dict[str, Any]:
        """Field → value, only for the fields that came with the request. An unticked box does not come: boxes count
        where `boxes` says that they stood on the form."""
        return {
            name: field.data
            for name, field in self._fields.items()
            if (self.boxes.data if isinstance(field, BooleanField) else field.raw_data)
            and name not in ("version", "labels", "boxes")
        }

    def labels_came(self) -> bool:
        return bool(self.labels.raw_data)


def fill(task: Task) -> dict[str, Any]:
    """A task's values as the form shows them."""
    names = [name for name in TaskForm.__dict__ if hasattr(task, name) and name not in ("labels", "validate")]
    return {**{name: getattr(task, name) for name in names}, "labels": ", ".join(label.name for label in task.labels)}
