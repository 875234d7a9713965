from typing import Any

from wtforms import StringField
from wtforms.validators import NumberRange, Optional

from linkstar.forms import Day, Form, Pick, Text, Whole, number, stripped
from linkstar.i18n import _, _l, both
from linkstar.models import PLATFORMS, PRIORITIES, Project
from linkstar.words import platform_name, priority_name


class BulkEditForm(Form):
    """What is to become of the chosen tasks; an empty field leaves them as they are."""

    stage_id = Pick(_l("Stage"), coerce=number)
    phase_id = Pick(_l("Phase"), coerce=number)
    owner_id = Pick(_l("Owner"), coerce=number)
    due_on = Day(_l("Due date"))
    shift_days = Whole(_l("Shift dates by days"), [Optional(), NumberRange(-3650, 3650)])
    priority = Pick(_l("Priority"))
    platform = Pick(_l("Platform"))
    label = StringField(_l("Add label"), [Text(40)], filters=[stripped])

    def offer(self, project: Project) -> "BulkEditForm":
        same = ("", _("Leave as it is"))
        self.stage_id.offer(same, *((stage.id, both(stage, "name")) for stage in project.stages))
        self.phase_id.offer(same, *((phase.id, both(phase, "name")) for phase in project.phases))
        self.owner_id.offer(same, *((person.id, person.name) for person in project.people()))
        self.priority.offer(same, *((key, priority_name(key)) for key in PRIORITIES))
        self.platform.offer(same, *((key, platform_name(key)) for key in PLATFORMS))
        return self

    def values(self) -> dict[str, Any]:
        names = ("phase_id", "owner_id", "due_on", "priority", "platform")
        return {name: self[name].data for name in names if self[name].data is not None}

    @property
    def asks_nothing(self) -> bool:
        return not (self.values() or self.stage_id.data or self.shift_days.data or self.label.data)
