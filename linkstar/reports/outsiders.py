"""Which creators take part in a task, how they were let in, and who else could be asked."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from linkstar.extensions import db
from linkstar.models import MailedLink, Membership, Task, User, entries_to


@dataclass(frozen=True)
class Outsider:
    person: User
    owns: bool
    email: str | None  # None where the reader may not know it
    links: list[MailedLink]  # sent for this task, the newest first, then those asked for by the creator

    @property
    def open_links(self) -> list[MailedLink]:
        return [link for link in self.links if link.opens]


class Outsiders:
    def __init__(self, task: Task, reader: User) -> None:
        self.task, self.reader = task, reader

    @property
    def may_share(self) -> bool:
        return self.task.seen_whole_by(self.reader) and self.task.allows(self.reader, "edit")

    @cached_property
    def _creators(self) -> list[User]:
        """All of the workspace, by name."""
        query = (
            select(Membership)
            .join(Membership.user)
            .where(Membership.workspace_id == self.task.workspace_id, Membership.role == "creator", User.active)
            .options(joinedload(Membership.user))
            .order_by(User.name, User.id)
        )
        return [membership.user for membership in db.session.scalars(query).unique()]

    @property
    def _takes_part(self) -> set[int]:
        return {self.task.owner_id} | {each.user_id for each in self.task.participants}

    @cached_property
    def here(self) -> list[Outsider]:
        links = self.links if self.may_share else []
        return [
            Outsider(
                person, person.id == self.task.owner_id, person.email if self._shows_contacts else None,
                [link for link in links if link.user_id == person.id],
            )
            for person in self._creators
            if person.id in self._takes_part
        ]  # fmt: skip

    @property
    def links(self) -> list[MailedLink]:
        """Those sent for the task, and those that open and that creators asked for themselves."""
        asked = entries_to(self.task.workspace_id).where(
            MailedLink.task_id.is_(None), MailedLink.user_id.in_(self._takes_part)
        )
        return [*self.task.entries, *db.session.scalars(asked)]

    @cached_property
    def others(self) -> list[User]:
        taking = {outsider.person.id for outsider in self.here}
        return [person for person in self._creators if person.id not in taking]

    @property
    def choices(self) -> list[tuple[int, str]]:
        return [
            (person.id, f"{person.name} · {person.email}" if self._shows_contacts else person.name)
            for person in self.others
        ]

    @cached_property
    def _shows_contacts(self) -> bool:
        return self.task.project.shows(self.reader, "contact")
