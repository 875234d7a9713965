from datetime import datetime, time
from typing import Any, Self
from zoneinfo import ZoneInfo

from wtforms import BooleanField, HiddenField, TimeField, ValidationError
from wtforms.validators import InputRequired, NumberRange, Optional

from linkstar.extensions import LARGEST_ID
from linkstar.forms import Day, Form, Pick, Whole
from linkstar.forms.zone import Zone
from linkstar.i18n import _, _l
from linkstar.models import PLATFORMS, Task
from linkstar.planning.moments import SkippedTime, moment_at
from linkstar.words import FIELD_NAMES, platform_name

USUAL_AUDIENCE, USUAL_TIME = "America/Los_Angeles", time(9)
USUAL = {"day": None, "time": USUAL_TIME, "audience_timezone": USUAL_AUDIENCE, "cheerful": True}


class TimeOfDay(TimeField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([text.strip() for text in valuelist])
        except ValueError:
            self.data = None
            raise ValidationError(_("There is no such time. Write it as 09:30.")) from None


class PublicationForm(Form):
    """When a post goes online, on the clock of its audience. `version` is the one of the task that the writer saw."""

    day = Day(_l("Day"), [InputRequired(_l("Choose a day."))])
    time = TimeOfDay(_l("Time"), [InputRequired(_l("Choose a time."))])
    audience_timezone = Zone(FIELD_NAMES["audience_timezone"])
    platform = Pick(_l("Platform"))
    cheerful = BooleanField(_l("Cheerful tone: jokes, celebration, discounts"))
    answer = HiddenField()
    seen = HiddenField()
    version = Whole(validators=[Optional(), NumberRange(1, LARGEST_ID)])

    moment: datetime | None = None

    def offer(self, task: Task | None = None) -> Self:
        self.audience_timezone.offer_all((task and task.audience_timezone) or USUAL_AUDIENCE)
        self.platform.offer(("", _("No platform")), *((key, platform_name(key)) for key in PLATFORMS))
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.audience_timezone.data)

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        return passed and self.work_out()

    def work_out(self) -> bool:
        """Finds the moment, if there is a day and the audience's clock shows that time on it."""
        if self.day.data is None or self.time.data is None:
            return False
        try:
            self.moment = moment_at(self.day.data, self.time.data, self.zone)
        except SkippedTime:
            sentence = _("There the clocks are put forward that day, and this time does not exist. Choose another.")
            self.time.errors = [*self.time.errors, sentence]
            return False
        return True

    def values(self) -> dict[str, Any]:
        return {
            "publish_at": self.moment,
            "audience_timezone": self.audience_timezone.data,
            "platform": self.platform.data,
            "cheerful": self.cheerful.data,
        }


def fill(task: Task) -> dict[str, Any]:
    """What the form begins with: the post as it is planned, or nine in Los Angeles on the day the task is due."""
    zone = task.audience_timezone or USUAL_AUDIENCE
    local = task.publish_at.astimezone(ZoneInfo(zone)) if task.publish_at else None
    return {
        "day": local.date() if local else task.due_on,
        "time": local.time() if local else USUAL_TIME,
        "audience_timezone": zone,
        "platform": task.platform,
        "cheerful": task.cheerful,
    }
