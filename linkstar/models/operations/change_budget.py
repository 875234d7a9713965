from decimal import Decimal
from typing import Any, Self

from linkstar.models.operations.operation import Operation
from linkstar.models.project import Project
from linkstar.models.refusal import Overtaken
from linkstar.models.user import User

SHARE, DOLLARS = Decimal("1.10"), Decimal(1000)


class ChangeBudget(Operation):
    """A project may spend more than 10 % or 1,000 US dollars more than was agreed."""

    key = "budget_change"
    project: Project

    @classmethod
    def of(cls, project: Project, budget: Decimal | None, currency: str) -> Self:
        wanted = {"budget": None if budget is None else str(budget), "currency": currency}
        return cls(project.workspace_id, wanted, project=project)

    @property
    def is_needed(self) -> bool:
        """Another currency is another sum; and a budget that was taken away and set anew is one that was raised."""
        old, new = self.project.budget or Decimal(0), Decimal(self.arguments["budget"] or 0)
        if self.project.currency != self.arguments["currency"]:
            return new > 0
        return new > old * SHARE or (self.project.currency == "USD" and new - old > DOLLARS)

    def may_be_asked_by(self, user: User) -> bool:
        return self.project.allows(user, "edit") and self.project.shows(user, "budget")

    def difference(self, *, by: User) -> list[list[Any]]:
        before = self.seen()
        told = [["budget", before[0], self.arguments["budget"]], ["currency", before[1], self.arguments["currency"]]]
        return [row for row in told if row[1] != row[2]]

    def seen(self) -> Any:
        project = self.project
        return [None if project.budget is None else f"{project.budget:.2f}", project.currency]

    def run(self, *, by: User, asked_by: User) -> str | None:
        if self.project.trashed_at:
            raise Overtaken("gone")
        budget = self.arguments["budget"]
        values = {"budget": None if budget is None else Decimal(budget), "currency": self.arguments["currency"]}
        return self.project.edit(values, by=by)
