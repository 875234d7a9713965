"""The requests that one person decides on or has made, in the reader's words."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import joinedload, selectinload

from linkstar import clock, packs
from linkstar.extensions import db
from linkstar.i18n import _, both, in_language
from linkstar.models import MASKED, Approval, ApprovalVote, PublishTemplate, Task, User, decided_by
from linkstar.models.undo import UNDONE_WITHIN
from linkstar.reports.history import value_words
from linkstar.reports.template_difference import TemplateDifference
from linkstar.reports.waivers import Waivers
from linkstar.words import OPERATION_NAMES, TROUBLES, field_name

MOST = 50
FETCHED_WITHIN = timedelta(days=7)


class Queue:
    def __init__(self, person: User) -> None:
        self.person = person
        self.waivers = Waivers(person)

    @cached_property
    def waiting(self) -> "list[Line]":
        """The oldest first: it waits longest."""
        return self._those(Approval.waits_for(self.person), Approval.id)

    @cached_property
    def cooling(self) -> "list[Line]":
        """Agreed, and may still be stopped."""
        agreed = self._those(Approval.state == "agreed", Approval.runs_at)
        return [line for line in agreed if line.may_decide]

    @cached_property
    def asked(self) -> "list[Line]":
        return self._those(Approval.asked_by_id == self.person.id, Approval.id.desc())

    @cached_property
    def decided(self) -> "list[Line]":
        """By the person."""
        mine = Approval.votes.any(ApprovalVote.user_id == self.person.id)
        return self._those(mine & Approval.state.not_in(("asked", "agreed")), Approval.id.desc())

    def _those(self, condition: ColumnElement[bool], order: Any) -> "list[Line]":
        query = (
            Approval.visible_to(self.person)
            .where(condition)
            .options(joinedload(Approval.task), joinedload(Approval.project), joinedload(Approval.asked_by))
            .options(selectinload(Approval.votes).joinedload(ApprovalVote.user))
            .order_by(order)
            .limit(MOST)
        )
        return [Line(approval, self.person) for approval in db.session.scalars(query)]


def waiting_count(person: User) -> ColumnElement[int]:
    """How many requests and waivers wait for the person, to be asked along with other counts."""
    count: ColumnElement[int] = literal(0)
    if any(decided_by(membership.role) for membership in person.memberships):
        count += select(func.count(Approval.id)).where(Approval.waits_for(person)).scalar_subquery()
    if (waivers := Waivers(person).count_of_waiting) is not None:
        count += waivers
    return count


@dataclass(frozen=True)
class Row:
    """A field with its value before and after."""

    name: str
    old: str
    new: str


class Line:
    """One request, as one reader may see it."""

    def __init__(self, approval: Approval, reader: User) -> None:
        self.approval, self.reader = approval, reader
        self.operation = approval.asked_for

    @property
    def name(self) -> str:
        return str(OPERATION_NAMES[self.approval.operation])

    @property
    def about(self) -> str:
        name = self.operation.about
        return in_language(name["zh"], name["en"])

    @cached_property
    def may_decide(self) -> bool:
        return self.approval.may_be_decided_by(self.reader)

    @property
    def is_mine(self) -> bool:
        return self.approval.asked_by_id == self.reader.id

    @cached_property
    def nobody_decides(self) -> bool:
        return self.approval.state == "asked" and not self.approval.approvers()

    @property
    def roles(self) -> list[str]:
        return list(self.operation.rule.approvers)

    @property
    def trouble(self) -> str:
        key = self.approval.trouble or ""
        return str(TROUBLES.get(key) or _("The rules do not let it pass any more."))

    @property
    def may_undo(self) -> bool:
        """A change of many is taken back by who asked for it."""
        done = self.approval.done_at
        return (
            self.is_mine and self.approval.operation == "bulk_change" and bool(self.approval.change)
            and done is not None and done > clock.now() - UNDONE_WITHIN
        )  # fmt: skip

    @property
    def may_fetch(self) -> bool:
        return may_fetch(self.approval, self.reader)

    @cached_property
    def rows(self) -> list[Row]:
        return rows_of([row for row in self.approval.difference if self._shows(row[0])])

    @property
    def same_for_all(self) -> list[Row]:
        """What all of many tasks get, where it is the same."""
        wanted = {(row.name, row.new): row for _title, rows in self.groups for row in rows}
        return list(wanted.values()) if len(wanted) == len({name for name, _new in wanted}) else []

    @cached_property
    def groups(self) -> list[tuple[str, list[Row]]]:
        """Of a change of many tasks: each with its rows."""
        found: dict[int, list[Row]] = {}
        titles = self._titles()
        for name, old, new, *task in self.approval.difference:
            if task and self._shows(name):
                found.setdefault(task[0], []).append(_row(name, old, new))
        return [(titles[task_id], rows) for task_id, rows in found.items()]

    @property
    def deletes(self) -> bool:
        return self.approval.operation.startswith("delete_")

    @cached_property
    def difference(self) -> TemplateDifference | None:
        """Of a template, part by part."""
        if not isinstance(self.operation, PublishTemplate):
            return None
        old, new = self.operation.documents
        return TemplateDifference(packs.difference(old, new), (old, new))

    def _shows(self, field: str) -> bool:
        if field == "email" and self.approval.arguments["role"] == "creator" and not self.is_mine:
            field = "contact"
        if field not in MASKED:
            return True
        project = self.approval.task.project if self.approval.task else self.approval.project
        if project:
            return project.shows(self.reader, field)
        membership = self.reader.membership_in(self.approval.workspace_id)
        return membership is not None and membership.scope(MASKED[field]) == "all"

    def _titles(self) -> dict[int, str]:
        ids = {row[3] for row in self.approval.difference if len(row) > 3}
        if not ids:
            return {}
        tasks = db.session.scalars(select(Task).where(Task.seen_by(self.reader, trash=True), Task.id.in_(ids)))
        return dict.fromkeys(ids, _("a restricted task")) | {task.id: both(task, "title") for task in tasks}


def rows_of(difference: list[list[Any]]) -> list[Row]:
    """An operation's difference in words."""
    return [_row(name, old, new) for name, old, new, *_task in difference]


def _row(name: str, old: Any, new: Any) -> Row:
    return Row(field_name(name), value_words(name, old), value_words(name, new))


def may_fetch(approval: Approval, reader: User) -> bool:
    """An export that was agreed is there for some days, for who asked for it, as long as that person might ask."""
    return (
        approval.operation == "export_sensitive"
        and not approval.gone  # or it would be the whole workspace's
        and approval.state == "done"
        and approval.asked_by_id == reader.id
        and approval.done_at is not None
        and approval.done_at > clock.now() - FETCHED_WITHIN
        and approval.asked_for.may_be_asked_by(reader)
    )
