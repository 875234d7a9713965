from datetime import time
from typing import Any

from linkstar.forms import Form
from linkstar.forms.publication import TimeOfDay
from linkstar.i18n import _


class WorkingHours(Form):
    """From when to when somebody works. A day that ends before it begins goes on past midnight; one that ends when it
    begins would be a whole day, or none."""

    works_from: TimeOfDay
    works_until: TimeOfDay

    def validate(self, extra_validators: Any = None) -> bool:
        passed: bool = super().validate(extra_validators)
        begins, ends = self.hours()
        if begins is None or begins != ends:
            return passed
        same = _("Work ends at the time at which it begins. Choose two different times.")
        self.works_until.errors = [*self.works_until.errors, same]
        return False

    def hours(self) -> tuple[time | None, time | None]:
        return self.works_from.data, self.works_until.data
