from collections.abc import Mapping
from hashlib import sha256

from werkzeug.datastructures import MultiDict

from linkstar.i18n import _
from linkstar.models import PERMISSIONS, ROLES, Workspace
from linkstar.models.role import choices


class MatrixForm:
    """What the roles may do: one choice a cell, and a box for each role that signs in with a second factor. `seen`
    is the matrix that the writer saw, `confirmed` the one whose effects he has read. What does not come stays."""

    def __init__(self, workspace: Workspace, data: "MultiDict[str, str] | None" = None) -> None:
        self.before, self.asked_before = workspace.matrix, set(workspace.second_factor_roles)
        came: Mapping[str, str] = data if data is not None else {}
        self.seen, self.confirmed = came.get("seen"), came.get("confirmed")
        self.matrix = {
            role: {each: came.get(f"{role}-{each}", self.before[role][each]) for each in PERMISSIONS} for role in ROLES
        }
        boxes = data.getlist("second_factor") if data is not None and "boxes" in data else self.asked_before
        self.second_factor = set(boxes)
        self.trouble: str | None = None

    def validate(self) -> bool:
        """Only what is offered, and nothing that the server would not enforce."""
        right = all(
            scope in choices(role, each) or scope == self.before[role][each]
            for role, scopes in self.matrix.items()
            for each, scope in scopes.items()
        )
        if not right or not self.second_factor <= set(ROLES):
            self.trouble = _("That is not one of the choices any more. Choose again.")
        return self.trouble is None

    @property
    def changes(self) -> list[tuple[str, str, str, str]]:
        """(role, permission, before, after) of every cell that would be another."""
        return [
            (role, each, self.before[role][each], scope)
            for role, scopes in self.matrix.items()
            for each, scope in scopes.items()
            if scope != self.before[role][each]
        ]

    @property
    def factor_changes(self) -> list[tuple[str, bool]]:
        """(role, whether it would be asked for a second factor) where that would be another."""
        return [(role, role in self.second_factor) for role in ROLES if role in self.second_factor ^ self.asked_before]

    @property
    def fingerprint(self) -> str:
        """Stands for what would be written."""
        return sha256(repr((self.matrix, sorted(self.second_factor))).encode()).hexdigest()[:16]
