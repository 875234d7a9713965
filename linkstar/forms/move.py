from collections.abc import Callable
from functools import partial
from typing import Any

from wtforms import StringField
from wtforms.validators import AnyOf, NumberRange, Optional

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Day, Form, Whole, stripped
from linkstar.i18n import _, _l
from linkstar.models import PLATFORMS, Project, User

GONE = _l("That is not one of the choices any more. Choose again.")


class MoveForm(Form):
    """Where a task goes: only the fields that came are meant. An empty phase or platform means none."""

    stage_id = Whole(_l("Stage"), [Optional()])
    phase_id = Whole(_l("Phase"), [Optional()])
    owner_id = Whole(_l("Owner"), [Optional()])
    platform = StringField(_l("Platform"), [Optional()], filters=[stripped])
    before_id = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])
    after_id = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])
    from_id = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])  # the stage where the mover saw it
    place = StringField(_l("Position"), [Optional(), AnyOf(("first", "last", "up", "down"), GONE)], filters=[stripped])
    due_on = Day(_l("Due date"))
    version = Whole(validators=[Optional()])

    def target(self, project: Project, reader: User) -> dict[str, Any]:
        """What the move sets; a stage, phase or person that is not the project's is an error of its field."""
        to: dict[str, Any] = {}
        self._find("stage_id", "stage", lambda: project.stages, to, _("This stage does not belong to the project."))
        self._find("phase_id", "phase", lambda: project.phases, to, _("This phase does not belong to the project."))
        people = partial(project.people_for, reader)
        self._find("owner_id", "owner", people, to, _("This person does not take part in the project."))
        if self.platform.raw_data:
            if self.platform.data in (None, *PLATFORMS):
                to["platform"] = self.platform.data
            else:
                self.platform.errors = [GONE]
        return to

    def _find(
        self, field_name: str, name: str, records: Callable[[], list[Any]], to: dict[str, Any], sentence: str
    ) -> None:
        field = self[field_name]
        if not field.raw_data:
            return
        record = next((record for record in records() if record.id == field.data), None)
        if record is None and (field.raw_data[0].strip() or field_name != "phase_id"):
            if field_name == "owner_id" and not field.raw_data[0].strip():
                return
            field.errors = [*field.errors, sentence]
        else:
            to[name] = record

    @property
    def sentences(self) -> list[str]:
        """What is wrong and has no field in the dialog to stand beside."""
        return [str(sentence) for name, errors in self.errors.items() if name != "due_on" for sentence in errors]
