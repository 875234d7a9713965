from decimal import Decimal
from typing import Any, Self

from sqlalchemy import select

from linkstar.extensions import Base, db
from linkstar.models.audit_event import AuditEvent
from linkstar.models.operations.operation import Operation
from linkstar.models.project import Project
from linkstar.models.refusal import Overtaken
from linkstar.models.user import User

SHARE, SUM = Decimal("1.10"), Decimal(1000)  # the sum in dollars; of another currency the same number


class ChangeBudget(Operation):
    """A project may spend more than 10 % or 1,000 US dollars more than was agreed last, however it got there since."""

    key = "budget_change"
    project: Project

    @classmethod
    def of(cls, project: Project, budget: Decimal | None, currency: str) -> Self:
        wanted = {"budget": None if budget is None else str(budget), "currency": currency}
        return cls(project.workspace_id, wanted, project=project)

    @property
    def is_needed(self) -> bool:
        """Another currency is another sum; and less than there is needs nobody."""
        new, currency = Decimal(self.arguments["budget"] or 0), self.arguments["currency"]
        if currency == self.project.currency and new <= (self.project.budget or 0):
            return False
        agreed, agreed_currency = self._agreed
        return new > 0 and (currency != agreed_currency or new > agreed * SHARE or new - agreed > SUM)

    @property
    def _agreed(self) -> tuple[Decimal, str]:
        """The budget and its currency as somebody agreed to them last, else as the project began."""
        approval = Base.metadata.tables["approval"]  # the class stands above this one
        last = (
            select(approval.c.arguments)
            .where(approval.c.project_id == self.project.id, approval.c.operation == self.key)
            .where(approval.c.state == "done")
            .order_by(approval.c.done_at.desc(), approval.c.id.desc())
            .limit(1)
        )
        if agreed := db.session.scalar(last):
            return Decimal(agreed["budget"] or 0), agreed["currency"]
        first = {"budget": self.project.budget, "currency": self.project.currency}
        here = AuditEvent.of_project(self.project), AuditEvent.action == "project.edited"
        edits = select(AuditEvent.changes).where(*here)
        for changes in db.session.scalars(edits.order_by(AuditEvent.id.desc())):
            first |= {name: changes[name][0] for name in first if name in changes}
        return Decimal(first["budget"] or 0), str(first["currency"])

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
