from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import get_timezone
from wtforms import BooleanField, FloatField, HiddenField, StringField, ValidationError
from wtforms.validators import InputRequired, NumberRange, Optional
from wtforms.widgets import DateTimeLocalInput

from linkstar.extensions import LARGEST_ID
from linkstar.forms import FIRST_DAY, LAST_DAY, Day, Form, Whole
from linkstar.i18n import _, _l
from linkstar.models import Plan, Replan, Task, calendars_of
from linkstar.planning.working_days import OutOfRange

LONGEST_LAG = 3650


class Moment(StringField):
    """A moment in the reader's zone, kept in UTC, or nothing."""

    widget = DateTimeLocalInput()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(str(get_timezone()))

    def process_formdata(self, valuelist: list[str]) -> None:
        text = (valuelist[0] if valuelist else "").strip()
        self.data: datetime | None = None
        if not text:
            return
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError(_("There is no such moment. Write it as 2026-10-16T09:30.")) from None
        if local.tzinfo is not None or not FIRST_DAY <= local.date() <= LAST_DAY:
            raise ValidationError(_("Choose a day between 2000 and 2100."))
        self.data = local.replace(tzinfo=self.zone).astimezone(UTC)

    def _value(self) -> str:
        if isinstance(self.data, datetime):
            return f"{self.data.astimezone(self.zone):%Y-%m-%dT%H:%M}"
        return self.raw_data[0] if self.raw_data else ""


class Answered(Form):
    """A change of the plan that is shown first: `seen` is the mark of the preview that was confirmed."""

    answer = HiddenField()
    seen = HiddenField()

    @property
    def confirms(self) -> str | None:
        """others: what it pushes moves too; only: nothing else does; None where it was not answered yet."""
        return self.answer.data if self.answer.data in ("others", "only") else None


class DatesForm(Answered):
    """A task's dates by hand."""

    start_on = Day(_l("Start date"))
    due_on = Day(_l("Due date"), [InputRequired(_l("Choose a day."))])
    locked = BooleanField(_l("Lock these dates: they stay when the plan moves"))

    def validate_due_on(self, field: Day) -> None:
        if field.data and self.start_on.data and self.start_on.data > field.data:
            raise ValidationError(_("The due date is before the start date."))

    def put_on(self, day: date, zone: ZoneInfo, task: Task) -> None:
        """Due on this day, and beginning as many of its owner's working days before it as it did; as many days where
        it runs through weekends."""
        if self.start_on.data and self.due_on.data:
            self.start_on.data = _begin(task, self.start_on.data, self.due_on.data, day)
        self.due_on.data = day

    def put_between(self, start: str, due: str) -> bool:
        """From one day to another, as a chart writes them, or of one day; False where that cannot be."""
        try:
            first, last = date.fromisoformat(start) if start else None, date.fromisoformat(due)
        except ValueError:
            return False
        if not FIRST_DAY <= (first or last) <= last <= LAST_DAY:
            return False
        self.start_on.data, self.due_on.data = first, last
        return True

    def replan(self, plan: Plan, task: Task) -> Replan:
        assert self.due_on.data
        return plan.with_dates(task, self.start_on.data or self.due_on.data, self.due_on.data)


class TimesForm(Answered):
    """The same in a plan that counts hours."""

    start_at = Moment(_l("Start"), [InputRequired(_l("Choose a day."))])
    due_at = Moment(_l("Due at"), [InputRequired(_l("Choose a day."))])
    locked = BooleanField(_l("Lock these dates: they stay when the plan moves"))

    def validate_due_at(self, field: Moment) -> None:
        if field.data and self.start_at.data and self.start_at.data > field.data:
            raise ValidationError(_("The due date is before the start date."))

    def put_on(self, day: date, zone: ZoneInfo, task: Task) -> None:
        """Due on this day of the zone, at the hour that it has, and beginning as long before it as it did."""
        assert self.start_at.data and self.due_at.data
        there = self.due_at.data.astimezone(zone)
        apart = self.due_at.data - self.start_at.data
        self.due_at.data = (there + (day - there.date())).astimezone(UTC)
        self.start_at.data = self.due_at.data - apart

    def put_between(self, start: str, due: str) -> bool:
        """From one instant to another; False where that cannot be."""
        try:
            first, last = _instant(start), _instant(due)
        except (ValueError, OverflowError):
            return False
        if not FIRST_DAY <= first.date() <= last.date() <= LAST_DAY or first > last:
            return False
        self.start_at.data, self.due_at.data = first, last
        return True

    def replan(self, plan: Plan, task: Task) -> Replan:
        assert self.start_at.data and self.due_at.data
        return plan.with_times(task, self.start_at.data, self.due_at.data)


class DelayForm(Answered):
    days = Whole(_l("Days late"), [NumberRange(1, 365, _l("Write a whole number of days, from 1 to 365."))])


class AnchorForm(Answered):
    day = Day(_l("New day"), [InputRequired(_l("Choose a day."))])


class AnchorTimeForm(Answered):
    day = Moment(_l("New moment"), [InputRequired(_l("Choose a day."))])


class DependencyForm(Form):
    """What a task waits for, or what waits for it."""

    direction = StringField(_l("Which comes first"))
    other = StringField(_l("Task"))
    lag = FloatField(_l("Lag in working days"), [Optional()])

    def validate_lag(self, field: FloatField) -> None:
        if field.data is not None and not (abs(field.data) <= LONGEST_LAG and field.data * 2 % 1 == 0):
            raise ValidationError(_("Write the lag in whole or half days, such as 2, 0.5 or -3."))

    @property
    def other_id(self) -> int | None:
        """The number at the end of what was picked: “LAMP-3 · Photos #17”; or the bare id."""
        digits = (self.other.data or "").rpartition("#")[2].strip()
        number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 11 else 0
        return number if 0 < number <= LARGEST_ID else None


def _begin(task: Task, start: date, due: date, day: date) -> date:
    """When the task begins that ran from start to due and is to end on another day."""
    calendar, apart = calendars_of(task.workspace_id)[task.owner.country], day - due
    if task.elapsed_days is not None:
        return start + apart
    try:
        work = calendar.count(start, due + timedelta(1))
        return calendar.shift(calendar.previous(day), 1 - work) if work > 0 else start + apart
    except OutOfRange:
        return start + apart


def _instant(text: str) -> datetime:
    """Without its offset it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)
