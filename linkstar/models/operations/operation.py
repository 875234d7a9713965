from dataclasses import dataclass, field
from typing import Any, ClassVar

from linkstar import packs
from linkstar.extensions import db
from linkstar.models.audit_event import in_both
from linkstar.models.project import Project
from linkstar.models.task import Task
from linkstar.models.user import User


@dataclass
class Operation:
    """Something that one person alone may not do. Who asks, how many of whom decide, and how long it can still be
    stopped, says the pack under the operation's key. `arguments` is JSON: what the verb needs, as ids."""

    key: ClassVar[str]

    workspace_id: int
    arguments: dict[str, Any] = field(default_factory=dict)
    project: Project | None = None  # what it is about: who does not see it, does not see the request
    task: Task | None = None

    @property
    def rule(self) -> packs.Operation:
        return packs.pack().operation(self.key)

    @property
    def subject(self) -> str:
        """What it is about, in a word, so that the same is not asked twice."""
        return f"task {self.task.id}" if self.task else f"project {self.project.id if self.project else None}"

    @property
    def about(self) -> dict[str, str | None]:
        """Its name, in both languages; of what was deleted for good the one that it had."""
        if "about" in self.arguments:
            return dict(self.arguments["about"])
        if self.task:
            return in_both(self.task.title_zh, self.task.title_en)
        return in_both(self.project.name_zh, self.project.name_en) if self.project else in_both(None, None)

    @property
    def told(self) -> dict[str, tuple[Any, Any]]:
        """What the trail keeps of this, for good: of people nothing but their ids."""
        return {"subject": (None, self.about)}

    def may_be_asked_by(self, user: User) -> bool:
        raise NotImplementedError

    def may_be_decided_by(self, user: User) -> bool:
        """Beside what the pack says of roles: may the person do what comes with it?"""
        return True

    def difference(self, *, by: User) -> list[list[Any]]:
        """[field, before, after], and the id of the task where there are several; as the trail would keep them."""
        return []

    def seen(self) -> Any:
        """The state that the request is made on, as JSON; where it is another when it is carried out, it is not."""
        return None

    def lock(self) -> None:
        """Nobody changes what it is about between the last look and the run."""
        project = self.task.project if self.task else self.project
        if project:
            project.lock()
            db.session.refresh(self.task or project)

    def run(self, *, by: User, asked_by: User) -> str | None:
        """Does it by the usual verbs and returns the name of the change. `by` decided last. A Refusal fails it."""
        raise NotImplementedError
