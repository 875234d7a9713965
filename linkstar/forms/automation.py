import re
from collections.abc import Callable
from typing import Any

from flask import request
from flask_babel import LazyString
from werkzeug.datastructures import MultiDict
from wtforms import Field, StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from linkstar import packs
from linkstar.extensions import LARGEST_ID
from linkstar.forms import Form, Pick, Text, Whole, number, stripped
from linkstar.i18n import _, _l, both
from linkstar.models import Automation, Project
from linkstar.planning.automating import IF, OF_A_TASK, THEN, WHEN
from linkstar.words import severity_name

MOST = 10  # conditions, and actions
GONE = "gone"  # stands for a choice that is not there any more
Offer = Callable[[str, str], list[tuple[str, str]]]  # what there is to choose from for a kind in its place
KINDS = {"trigger": WHEN, "conditions": IF, "actions": THEN}
KIND_LABELS = {"trigger": _l("What happens"), "conditions": _l("What is asked"), "actions": _l("What is done")}
KIND_NAMES: dict[str, dict[str, LazyString]] = {
    "trigger": {
        "moved": _l("a task moves"),
        "late": _l("a task becomes late"),
        "gate": _l("a task passes its gate"),
        "ticked": _l("a checklist item is ticked"),
        "complete": _l("a task’s checklists are complete"),
        "date": _l("a day is reached"),
        "webhook": _l("another program sends a message"),
    },
    "conditions": {
        "project": _l("the project is"),
        "phase": _l("the phase is"),
        "role": _l("the owner’s role is"),
        "platform": _l("the platform is"),
        "owner": _l("the owner is"),
        "priority": _l("the priority is"),
        "label": _l("it has the label"),
        "blocking": _l("it blocks the tasks after it"),
        "milestone": _l("it is a milestone"),
        "title": _l("the title has in it"),
    },
    "actions": {
        "move": _l("move the task"),
        "assign": _l("give the task to somebody"),
        "due": _l("set the due day"),
        "checklist": _l("add a checklist"),
        "create": _l("add a task"),
        "notify": _l("tell somebody"),
        "post": _l("post to a channel"),
        "declare": _l("declare an emergency"),
    },
}
LABELS: dict[tuple[str, str], LazyString] = {  # of what a kind takes, where it has a name of its own there
    ("moved", "choice"): _l("Into the stage"),
    ("ticked", "text"): _l("Words in the item, or empty for any"),
    ("date", "days"): _l("Number of days, 0 for the day itself"),
    ("date", "choice"): _l("Counted from"),
    ("webhook", "choice"): _l("Address for other programs"),
    ("move", "choice"): _l("To the stage"),
    ("assign", "choice"): _l("To whom"),
    ("due", "choice"): _l("Counted from"),
    ("due", "days"): _l("Number of working days"),
    ("checklist", "choice"): _l("Checklist of the library"),
    ("create", "text"): _l("Title in Chinese"),
    ("create", "choice"): _l("Owner"),
    ("create", "days"): _l("Working days until it is due, or empty"),
    ("notify", "choice"): _l("Whom"),
    ("notify", "text"): _l("What they are told"),
    ("post", "choice"): _l("Channel"),
    ("declare", "choice"): _l("What happened"),
    ("title", "text"): _l("Words"),
}
NONE_YET = {  # where a list can be empty, and what to do then
    "webhook": _l("There is no address for automations yet. Somebody who keeps the workspace makes one."),
    "post": _l("There is no channel here yet. Somebody who keeps the workspace makes one."),
    "label": _l("No task has a label yet."),
    "phase": _l("There is no phase here yet."),
    "checklist": _l("No pack with checklists is installed."),
}


class PartForm(Form):
    """One row of the builder: its kind, and what the kind takes; what it does not take is not there."""

    kind = Pick(_l("What is done"))
    choice = Pick(_l("Which one"))
    days = Whole()
    text = StringField(filters=[stripped])
    text_en = StringField(_l("Title in English"), filters=[stripped])
    severity = Pick(_l("Severity"))

    place = ""
    was_kept = False  # it comes out of an automation, not of a form
    was_unknown = False  # what was sent is no kind; another one is drawn, and nothing is saved

    def offer(self, place: str, offered: Offer) -> "PartForm":
        self.place = place
        self.kind.offer(*((key, str(name)) for key, name in KIND_NAMES[place].items()))
        if self.kind.data not in KINDS[place]:
            self.was_unknown = self.kind.raw_data is not None
            self.kind.data = next(iter(KINDS[place]))
        kind = self.kind.data
        self.kind.label.text = str(KIND_LABELS[place])
        for name in ("choice", "days", "text", "text_en", "severity"):
            if name not in KINDS[place][kind]:
                delattr(self, name)
            elif label := LABELS.get((kind, name)):
                self[name].label.text = str(label)
        if self.choice is not None:
            self.choice.offer(*self._with_what_is_gone(offered(place, kind)))
        if self.severity is not None:
            levels = [(each.key, severity_name(each.key)) for each in packs.emergency_flow().severity]
            self.severity.data = self.severity.data if self.severity.data in dict(levels) else ""
            self.severity.offer(("", _("Choose one.")), *levels)  # the worst is nobody's default
        self._ask_for_what_is_needed(kind)
        return self

    def _with_what_is_gone(self, offered: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Where what was chosen is not there any more nothing else takes its place unseen."""
        chosen = self.choice.data
        if self.was_kept and chosen and chosen not in dict(offered):
            self.choice.data = GONE
            self.choice.errors = [_("That is not one of the choices any more. Choose again.")]
        return [(GONE, _("something that is gone")), *offered] if self.choice.data == GONE else offered

    def _ask_for_what_is_needed(self, kind: str) -> None:
        if self.days is not None:
            few = NumberRange(0, 365, _l("Write a number of days from 0 to 365."))
            needed = InputRequired(_l("Write a number of days from 0 to 365."))
            self.days.validators = [Optional() if kind == "create" else needed, few]
            self.days.flags.required = False
        if self.text is not None:
            self.text.validators = [Text(200, required=kind in ("title", "notify"))]
        if self.text_en is not None:
            self.text_en.validators = [Text(200)]

    @property
    def hint(self) -> str:
        """Why there is nothing to choose."""
        empty = self.choice is not None and not self.choice.choices
        return str(NONE_YET.get(self.kind.data, "")) if empty else ""

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        for field, wrong in ((self.kind, self.was_unknown), (self.choice, self.choice and self.choice.data == GONE)):
            if wrong:
                field.errors = [_("That is not one of the choices any more. Choose again.")]
                passed = False
        if self.severity is not None and not self.severity.data:
            self.severity.errors = [_("Choose one.")]
            passed = False
        if self.kind.data == "create" and not (self.text.data or self.text_en.data):
            self.text.errors = [*self.text.errors, _("Write a title in one of the two languages.")]
            passed = False
        return passed

    @property
    def taken(self) -> list[Field]:
        """What the kind takes, in its order; a list that nothing is in is left out."""
        fields = [self[name] for name in KINDS[self.place][self.kind.data]]
        return [each for each in fields if each is not self.choice or self.choice.choices]

    def part(self) -> dict[str, Any]:
        taken = ("kind", *KINDS[self.place][self.kind.data])
        return {name: self[name].data for name in taken}


class AutomationForm(Form):
    """The builder: when, if, then. `trigger` is one row, `conditions` and `actions` are lists of them."""

    name = StringField(_l("Name"), [Text(80, required=True)], filters=[stripped])
    project_id = Pick(_l("Where"), coerce=number)
    version = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])

    trigger: PartForm
    conditions: list[PartForm]
    actions: list[PartForm]
    errors_of_parts: list[str]

    @classmethod
    def typed(cls) -> "AutomationForm":
        """What came with the request, after the rows that somebody asked for are there or gone."""
        form = cls()
        form._read_rows(request.form)
        return form

    @classmethod
    def of(cls, automation: Automation | None) -> "AutomationForm":
        form = cls(formdata=None, obj=automation)
        parts = automation or Automation(trigger={"kind": "moved"}, conditions=[], actions=[{"kind": "move"}])
        form.trigger = PartForm(formdata=None, prefix="trigger", data=parts.trigger)
        form.conditions = [_filled("conditions", at, part) for at, part in enumerate(parts.conditions)]
        form.actions = [_filled("actions", at, part) for at, part in enumerate(parts.actions)]
        for row in (form.trigger, *form.conditions, *form.actions) if automation else ():
            row.was_kept = True
        return form

    def _read_rows(self, sent: MultiDict[str, str]) -> None:
        self.trigger = PartForm(prefix="trigger")
        for place in ("conditions", "actions"):
            numbers = {int(found[1]) for key in sent if (found := re.fullmatch(rf"{place}-(\d{{1,2}})-kind", key))}
            rows = [PartForm(prefix=f"{place}-{at}") for at in sorted(numbers - {self._removed(place)})][:MOST]
            if self.pressed == f"add:{place}" and len(rows) < MOST:
                rows.append(PartForm(formdata=None, prefix=f"{place}-{max(numbers, default=-1) + 1}"))
            setattr(self, place, rows)

    def _removed(self, place: str) -> int | None:
        found = re.fullmatch(rf"remove:{place}:(\d{{1,2}})", self.pressed)
        return int(found[1]) if found else None

    @property
    def pressed(self) -> str:
        """Which button sent it: save, rehearse, redraw, add:… or remove:…"""
        return request.form.get("do", "save")

    @property
    def saves(self) -> bool:
        return self.pressed == "save"

    @property
    def rehearses(self) -> bool:
        return self.pressed == "rehearse"

    def offer(self, projects: list[Project], offered: Offer, *, whole: bool) -> "AutomationForm":
        self.errors_of_parts = []
        everywhere = [("", _("All projects"))] if whole else []
        self.project_id.offer(*everywhere, *((each.id, both(each, "name")) for each in projects))
        self.trigger.offer("trigger", offered)
        for place in ("conditions", "actions"):
            for row in getattr(self, place):
                row.offer(place, offered)
        return self

    def validate(self, extra_validators: Any = None) -> bool:
        rows = [self.trigger, *self.conditions, *self.actions]
        passed: bool = all([super().validate(extra_validators), *(row.validate() for row in rows)])
        if not self.actions:
            self.errors_of_parts.append(_("Choose at least one thing to do."))
        about_no_task = self.trigger.kind.data == "date" and (self.trigger.choice.data or "").startswith("anchor")
        if about_no_task and any(row.kind.data in OF_A_TASK for row in self.actions):
            self.errors_of_parts.append(
                _("A launch day is no task: nothing can be moved, given away or dated then. Add a task, tell or post.")
            )
        if about_no_task and any(row.kind.data != "project" for row in self.conditions):
            self.errors_of_parts.append(_("A launch day is no task: only the project can be asked for."))
        return passed and not self.errors_of_parts

    def values(self) -> dict[str, Any]:
        return {
            "name": self.name.data, "trigger": self.trigger.part(),
            "conditions": [row.part() for row in self.conditions], "actions": [row.part() for row in self.actions],
        }  # fmt: skip


def _filled(place: str, at: int, part: dict[str, Any]) -> PartForm:
    return PartForm(formdata=None, prefix=f"{place}-{at}", data=part)
