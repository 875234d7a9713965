from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from math import ceil
from typing import Any

from sqlalchemy import select

from linkstar.extensions import db
from linkstar.models.audit_event import new_change
from linkstar.models.calendar_day import calendars_of
from linkstar.models.dependency import Dependency
from linkstar.models.refusal import AlreadySplit
from linkstar.models.task import Task
from linkstar.models.user import User
from linkstar.packs import Recipe, RecipeStep
from linkstar.planning.schedule import Span

OTHER_SIDE = ("partner_id", "counterpart_id", "counterpart_timezone")


class Split:
    """A coarse task as the chain of steps that a recipe knows for it; nothing is written before run()."""

    def __init__(self, task: Task, recipe: Recipe) -> None:
        self.task, self.recipe = task, recipe
        self.rows: list[tuple[RecipeStep, User, Span | None]] = list(
            zip(recipe.steps, self._owners(), self._spans(), strict=True)
        )

    def run(self, *, by: User) -> list[Task]:
        """The steps become its subtasks; the first waits for what the task waits for, and the task itself, now the end
        of their chain, for the last, which blocks it. Raises AlreadySplit where it has subtasks."""
        self.task.redraw()
        if self.is_split(self.task):
            raise AlreadySplit
        change = new_change()
        backlog = next(stage for stage in self.task.project.stages if stage.kind == "backlog")
        steps = [
            Task.create(
                self.task.project, by=by, stage=backlog, owner=owner, change=change, phase=self.task.phase,
                parent=self.task, title_zh=step.title_zh, title_en=step.title_en, role=step.role,
                start_on=span and span.start, due_on=span and span.finish, duration=step.duration,
                elapsed_days=step.elapsed_calendar_days, waiting=step.waiting, platform=self.task.platform,
                **self._other_side(owner), blocking=step is self.recipe.steps[-1],
            )
            for step, owner, span in self.rows
        ]  # fmt: skip
        self._chain(steps, by)
        self.task.edit({"duration": self.left["duration"], "elapsed_days": None}, by=by, change=change)
        own = {"start_rule": None, "start_on": self.left["start_on"]}
        self.task.set_dates(own, by=by, revision=self.task.revision, change=change)
        return steps

    @property
    def left(self) -> dict[str, Any]:
        """What the task itself still is: an event on its last day."""
        task = self.task
        return {"duration": None if task.duration is None else 0, "start_on": task.start_on and task.due_on}

    def _other_side(self, owner: User) -> dict[str, Any]:
        """The same as the task's, so that each step shows its clock; but nobody asks himself. The plan keeps time for
        the answers once, at the end of the chain, where the task itself stands."""
        task = self.task
        if task.other_side is None or owner.id == task.counterpart_id:
            return {}
        return {"round_trips": 0} | {name: getattr(task, name) for name in OTHER_SIDE}

    @staticmethod
    def is_split(task: Task) -> bool:
        return any(not subtask.trashed_at for subtask in task.subtasks)

    def _chain(self, steps: list[Task], by: User) -> None:
        ahead = select(Dependency.predecessor_id, Dependency.lag).where(Dependency.successor_id == self.task.id)
        for predecessor_id, lag in db.session.execute(ahead).all():
            steps[0].wait_for(db.session.get_one(Task, predecessor_id), by=by, lag=lag)
        for before, after in pairwise([*steps, self.task]):
            after.wait_for(before, by=by)

    def _owners(self) -> Iterator[User]:
        """Who fills the step's role in the project; the task's own owner where nobody does."""
        people = self.task.project.people()
        for step in self.recipe.steps:
            roles = {person: person.membership_in(self.task.workspace_id) for person in (self.task.owner, *people)}
            fits = [person for person, membership in roles.items() if membership and membership.role == step.role]
            yield fits[0] if fits else self.task.owner

    def _spans(self) -> list[Span | None]:
        """The steps one after the other inside the task's own dates, closer together where these are too short."""
        if self.task.due_on is None:
            return [None for _step in self.recipe.steps]
        calendar = calendars_of(self.task.workspace_id)[self.task.owner.country]
        first, last = self.task.start_on or self.task.due_on, self.task.due_on
        days = max(1, calendar.count(first, last + timedelta(days=1)))
        whole = max(days, sum(step.duration for step in self.recipe.steps))
        spans: list[Span | None] = []
        done = 0.0
        for step in self.recipe.steps:
            start = min(int(done * days / whole), days - 1)
            done += step.duration
            finish = min(max(start, ceil(done * days / whole) - 1), days - 1)
            spans.append(Span(*(self._within(calendar.shift(first, place), last) for place in (start, finish))))
        return spans

    @staticmethod
    def _within(day: date, last: date) -> date:
        return min(day, last)
