"""What an auditor takes along: who may come in, what each role may do as it is enforced, and what happened."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from linkstar import clock
from linkstar.extensions import db
from linkstar.i18n import _
from linkstar.models import PERMISSIONS, ROLES, Departure, Membership, Project, ProjectMember
from linkstar.models.audit_event import verify_audit
from linkstar.reports.people import People
from linkstar.reports.spreadsheet import BEGINNING, line
from linkstar.words import PERMISSION_NAMES, REACH_NAMES, ROLE_NAMES, SCOPE_NAMES, yes_no


class AuditArchive:
    def __init__(self, reader: Membership) -> None:
        self.workspace, self.people = reader.workspace, People(reader)
        self.reader = reader

    def manifest(self) -> dict[str, Any]:
        """Dated; the head of the chain can be looked for later: flask verify-audit --expect."""
        verdict = verify_audit(self.workspace.id)
        return {
            "passed_at": clock.now().isoformat(),
            "workspace": self.workspace.key,
            "made_by": self.reader.user.email,
            "events": verdict.count,
            "head": verdict.head,
            "first_fault": verdict.fault and {"kind": verdict.fault.kind, "event": verdict.fault.event_id},
        }

    def files(self) -> dict[str, bytes]:
        return {"access.csv": _file(self._access()), "permissions.csv": _file(self._permissions())}

    def _access(self) -> Iterator[str]:
        yield line(
            _("Name"), _("E-mail"), _("Role"), _("External"), _("Second factor at sign-in"), _("Since"), _("Left"),
            _("Projects"),
        )  # fmt: skip
        projects = self._projects()
        for member in self.people.members:
            user = member.user
            yield line(
                user.name,
                user.email if self.people.shows_contact(member) else _("no access"),
                str(ROLE_NAMES[member.role]), yes_no(member.external), yes_no(user.totp_secret is not None),
                f"{member.created_at:%Y-%m-%d}", "", _(", ").join(projects.get(user.id, ())),
            )  # fmt: skip
        left = select(Departure).where(Departure.workspace_id == self.workspace.id).options(joinedload(Departure.user))
        for each in db.session.scalars(left.order_by(Departure.id)):
            yield line(each.user.name, "", str(ROLE_NAMES[each.role]), "", "", "", f"{each.at:%Y-%m-%d}", "")

    def _projects(self) -> dict[int, list[str]]:
        """A person → the codes of the projects, with how far the person reaches where that is less than the role."""
        query = (
            select(ProjectMember.user_id, Project.code, Project.narrowed)
            .join(ProjectMember.project)
            .where(Project.workspace_id == self.workspace.id, Project.draft_of_id.is_(None))
            .order_by(Project.code)
        )
        found: dict[int, list[str]] = {}
        for user_id, code, narrowed in db.session.execute(query):
            reach = narrowed.get(str(user_id))
            told = _("%(code)s (%(reach)s)", code=code, reach=REACH_NAMES[reach]) if reach else code
            found.setdefault(user_id, []).append(told)
        return found

    def _permissions(self) -> Iterator[str]:
        yield line(_("Role"), *(str(PERMISSION_NAMES[each]) for each in PERMISSIONS), _("Second factor at sign-in"))
        for role in ROLES:
            scopes = (str(SCOPE_NAMES[self.workspace.scope(role, each)]) for each in PERMISSIONS)
            yield line(str(ROLE_NAMES[role]), *scopes, yes_no(role in self.workspace.second_factor_roles))


def _file(lines: Iterator[str]) -> bytes:
    return (BEGINNING + "".join(lines)).encode()
