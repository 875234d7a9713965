"""What automations name that is not there any more."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from sqlalchemy import or_, select

from linkstar import packs
from linkstar.extensions import db
from linkstar.models.automation import Automation
from linkstar.models.channel import Channel
from linkstar.models.emergency import Inlet
from linkstar.models.label import Label
from linkstar.models.membership import Membership
from linkstar.models.phase import Phase
from linkstar.models.project import Project
from linkstar.models.stage import Stage
from linkstar.models.template import library_of
from linkstar.models.user import User
from linkstar.planning.automating import Part

PERSON = "person:"
BY_NAME: dict[str, type[Any]] = {"moved": Stage, "move": Stage, "phase": Phase}
BY_ID: dict[str, type[Any]] = {"project": Project, "webhook": Inlet, "post": Channel}


class Missing:
    """Of some automations of one workspace, by a flat number of queries: one for each sort of thing they name."""

    def __init__(self, workspace_id: int, automations: Iterable[Automation]) -> None:
        self.workspace_id, self.automations = workspace_id, list(automations)

    def of(self, automation: Automation) -> list[Part]:
        return [part for part in automation.parts if not self._is_there(automation, part)]

    def _is_there(self, automation: Automation, part: Part) -> bool:
        kind, choice = part["kind"], part.get("choice") or ""
        if choice.startswith("name:"):
            here = self._named[BY_NAME[kind]].get(choice.removeprefix("name:"), set())
            return bool(here) if automation.project_id is None else automation.project_id in here
        if kind in BY_ID:
            return choice in self._ids[BY_ID[kind]]
        if kind == "owner" or choice.startswith(PERSON):
            return choice.removeprefix(PERSON) in self._people
        if kind == "declare":
            flow = packs.emergency_flow()
            return choice in flow.trigger_keys and part["severity"] in {each.key for each in flow.severity}
        if kind == "label":
            return choice in self._labels
        return kind != "checklist" or choice in library_of(self.workspace_id)

    def _choices(self, *kinds: str) -> Iterator[str]:
        for automation in self.automations:
            yield from (each["choice"] for each in automation.parts if each["kind"] in kinds and each.get("choice"))

    @cached_property
    def _named(self) -> dict[type[Any], dict[str, set[int]]]:
        """Name → the living projects that have a stage or a phase of that name."""
        found: dict[type[Any], dict[str, set[int]]] = {Stage: {}, Phase: {}}
        for model, names in found.items():
            wanted = {each.removeprefix("name:") for each in self._choices(*_kinds_of(model, BY_NAME))}
            called = or_(model.name_zh.in_(wanted), model.name_en.in_(wanted))
            here = Project.workspace_id == self.workspace_id, Project.trashed_at.is_(None)
            query = select(model.project_id, model.name_zh, model.name_en).join(model.project).where(*here, called)
            for row in db.session.execute(query) if wanted else ():
                for name in {row.name_zh, row.name_en} & wanted:
                    names.setdefault(name, set()).add(row.project_id)
        return found

    @cached_property
    def _ids(self) -> dict[type[Any], set[str]]:
        found: dict[type[Any], set[str]] = {}
        for model in BY_ID.values():
            wanted = _numbers(self._choices(*_kinds_of(model, BY_ID)))
            query = select(model.id).where(model.id.in_(wanted), model.workspace_id == self.workspace_id)
            if model is Project:
                query = query.where(Project.trashed_at.is_(None))
            found[model] = {str(key) for key in db.session.scalars(query)} if wanted else set()
        return found

    @cached_property
    def _people(self) -> set[str]:
        wanted = _numbers(each.removeprefix(PERSON) for each in self._choices("owner", "assign", "create", "notify"))
        here = Membership.workspace_id == self.workspace_id, Membership.user_id.in_(wanted), User.active
        query = select(Membership.user_id).join(Membership.user).where(*here)
        return {str(key) for key in db.session.scalars(query)} if wanted else set()

    @cached_property
    def _labels(self) -> set[str]:
        wanted = set(self._choices("label"))
        query = select(Label.name).where(Label.workspace_id == self.workspace_id, Label.name.in_(wanted))
        return set(db.session.scalars(query)) if wanted else set()


def _kinds_of(model: type[Any], kinds: dict[str, type[Any]]) -> list[str]:
    return [kind for kind, each in kinds.items() if each is model]


def _numbers(keys: Iterable[str]) -> set[int]:
    return {int(key) for key in keys if key.isdigit()}
