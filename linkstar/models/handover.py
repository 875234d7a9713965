from functools import cached_property
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models.api_token import ApiToken
from linkstar.models.approval import Approval
from linkstar.models.audit_event import new_change
from linkstar.models.automation import Automation
from linkstar.models.channel import Channel
from linkstar.models.emergency import Emergency, Inlet
from linkstar.models.membership import Membership
from linkstar.models.project import Project, ProjectMember
from linkstar.models.refusal import CannotTakeOver
from linkstar.models.reminder import Reminder
from linkstar.models.task import Participant, Task
from linkstar.models.template import Template
from linkstar.models.user import User


class Handover:
    """What somebody who leaves a workspace looks after in it, and who takes it over."""

    def __init__(self, membership: Membership) -> None:
        self.membership = membership
        self.workspace_id, self.user = membership.workspace_id, membership.user

    @cached_property
    def tasks(self) -> list[Task]:
        """Those that are not done; those in the trash as well, for they can come back. Done ones keep their owner."""
        query = (
            select(Task)
            .where(Task.workspace_id == self.workspace_id, Task.owner_id == self.user.id)
            .where(Task.completed_at.is_(None))
            .options(joinedload(Task.project))
            .order_by(Task.project_id, Task.id)
        )
        return list(db.session.scalars(query))

    @cached_property
    def projects(self) -> list[Project]:
        query = select(Project).where(Project.workspace_id == self.workspace_id, Project.owner_id == self.user.id)
        return list(db.session.scalars(query.order_by(Project.id)))

    @cached_property
    def templates(self) -> list[Template]:
        query = select(Template).where(Template.workspace_id == self.workspace_id, Template.owner_id == self.user.id)
        return list(db.session.scalars(query.order_by(Template.id)))

    @property
    def is_needed(self) -> bool:
        return bool(self.tasks or self.projects or self.templates)

    @cached_property
    def successors(self) -> list[Membership]:
        """Who could take over: people from inside who see every project in which there is something to take over."""
        concerned = {task.project_id for task in self.tasks} | {project.id for project in self.projects}
        query = (
            select(Membership)
            .join(Membership.user)
            .where(Membership.workspace_id == self.workspace_id, User.active, Membership.id != self.membership.id)
            .options(joinedload(Membership.user).selectinload(User.memberships))
            .order_by(User.id)
        )
        inside = [each for each in db.session.scalars(query).unique() if not each.external]
        joined: dict[int, set[int]] = {}
        for row in db.session.scalars(select(ProjectMember).where(ProjectMember.project_id.in_(concerned))):
            joined.setdefault(row.user_id, set()).add(row.project_id)
        return [
            each
            for each in inside
            if each.scope("view") == "all"
            or (each.scope("view") == "member" and concerned <= joined.get(each.user_id, set()))
            or not concerned
        ]

    def run(self, successor: User | None, *, by: User) -> str:
        """Gives everything to the successor and lets the person go, as one change; returns its name."""
        Approval.withdraw_all(self.workspace_id, self.user, by=by)  # first, as a vote holds a request before anything
        self.membership.hold()
        for looked_at in ("tasks", "projects", "templates", "successors"):
            self.__dict__.pop(looked_at, None)  # somebody may have given more to the person since
        if self.is_needed and successor not in [each.user for each in self.successors]:
            raise CannotTakeOver
        change = new_change()
        if successor:
            self._give(successor, by, change)
        here = select(Task.id).where(Task.workspace_id == self.workspace_id)
        for statement in (
            delete(Participant).where(Participant.user_id == self.user.id, Participant.task_id.in_(here)),
            delete(ApiToken).where(ApiToken.user_id == self.user.id, ApiToken.workspace_id == self.workspace_id),
        ):
            db.session.execute(statement.execution_options(synchronize_session=False))
        self._quieten(successor)
        taken_up = Emergency.taken_up_by(self.user, self.workspace_id)
        self.membership.end(successor, by=by, change=change)
        for emergency in taken_up:
            emergency.abandon(by=by)
        return change

    def _quieten(self, successor: User | None) -> None:
        """What would go on by itself in the person's name stops: nobody is reminded, what the person had made waits
        switched off for the successor to look at, and addresses that the person knows take nothing more."""
        statements: list[Any] = [
            update(Reminder)
            .where(Reminder.user_id == self.user.id, Reminder.workspace_id == self.workspace_id)
            .where(Reminder.state == "due")
            .values(state="dropped"),
            delete(Inlet).where(Inlet.owner_id == self.user.id, Inlet.workspace_id == self.workspace_id),
        ]
        for model in (Channel, Automation):
            theirs = update(model).where(model.owner_id == self.user.id, model.workspace_id == self.workspace_id)
            statements.append(theirs.values(active=False, owner_id=(successor or self.user).id))
        for statement in statements:
            db.session.execute(statement.execution_options(synchronize_session=False))

    def _give(self, successor: User, by: User, change: str) -> None:
        for project in self.projects:
            project.hand_to(successor, by=by, change=change)
        for task in self.tasks:
            values = {"owner_id": successor.id} | ({"unassigned": True} if task.unassigned else {})
            task.edit(values, by=by, change=change)
        for template in self.templates:
            template.edit(by=by, sop_url=template.sop_url, owner=successor)
