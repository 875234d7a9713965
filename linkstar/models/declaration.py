"""An emergency as somebody, another program or a rule declares it."""

from dataclasses import dataclass

from sqlalchemy.orm import undefer

from linkstar import clock, packs
from linkstar.extensions import db
from linkstar.i18n import LANGUAGES, _, force_locale
from linkstar.models.audit_event import new_change
from linkstar.models.emergency import Emergency, staff
from linkstar.models.launch import Launch
from linkstar.models.project import Project
from linkstar.models.project_code import next_code
from linkstar.models.refusal import NotAllowed
from linkstar.models.template import Template, TemplateVersion, library_of
from linkstar.models.user import User

WORD, REHEARSED = "EM", "DRILL"  # of the playbooks' codes
DRILL = ("演练", "drill")  # how the title of one may begin


@dataclass(kw_only=True)
class Declaration:
    """Nothing is written before declare()."""

    workspace_id: int
    trigger: str
    severity: str
    title: str
    note: str | None = None
    about: Project | None = None  # the launch that it hits
    posts: bool = False  # what is not published yet is held as well
    drill: bool = False
    source: str = "button"
    origin: str | None = None

    def declare(self, *, by: User) -> Emergency:
        """Tells legal and the others, lays the playbook from this moment, holds what is to stand still if the person
        may do so alone, and tells the channels; all in one transaction."""
        if not Emergency.may_be_declared_by(by, self.workspace_id, self.about):
            raise NotAllowed("create")
        now, flow = clock.now(), packs.emergency_flow()
        emergency = Emergency(
            workspace_id=self.workspace_id, trigger=self.trigger, severity=self.severity, title=self.title,
            note=self.note, about=self.about, drill=self.drill, source=self.source, origin=self.origin,
            declared_by=by, declared_at=now, holds_posts=self.posts,
        )  # fmt: skip
        emergency.escalates_at = now + emergency.patience
        db.session.add(emergency)
        db.session.flush()
        emergency.tell_first(by=by)
        emergency.project = self._playbook(flow.template, emergency, by)
        emergency.due_to_acknowledge()
        db.session.flush()
        change = emergency.write_down("emergency.declared", by=by, changes={"severity": (None, self.severity)})
        emergency.finish(emergency.project.anchor_key, by=by)
        if Emergency.may_hold(by, self.workspace_id, self.about):
            emergency.hold(by=by, change=change)
        emergency.announce("declared")
        return emergency

    def _playbook(self, key: str, emergency: Emergency, by: User) -> Project:
        version = self._version(key)
        template = version.read() if version else packs.template(key)
        fill = staff(self.workspace_id, self.about)
        people: dict[str, User | None] = {role: each[0] for role, each in fill.items()}
        about, word = self.about, REHEARSED if self.drill else WORD
        known = [each for each in (about.platforms if about else ()) if each in template.applies_to.platforms]
        zh, en = (self._called(language) for language in ("zh", "en"))
        code = next_code(self.workspace_id, platforms=known, anchor=emergency.declared_at.date(), word=word)
        launch = Launch(
            template=template, version=version, workspace_id=self.workspace_id, anchor=emergency.declared_at,
            owner=people.get(template.owner_role) or by, people=people,
            library={each.key: each for each in packs.pack().checklists} | library_of(self.workspace_id),
            values={
                "name_zh": zh, "name_en": en, "code": code, "key": word, "platforms": known, "drill": self.drill,
                "categories": list(about.categories) if about else [],
                "store": about.store if about else None, "brand": about.brand if about else None,
            },
        )  # fmt: skip
        return launch.create(by=by, change=new_change())

    def _version(self, key: str) -> TemplateVersion | None:
        """As the workspace keeps it; where it has none, the shipped one is laid."""
        query = TemplateVersion.newest_of(self.workspace_id).where(Template.key == key)
        return db.session.scalar(query.options(undefer(TemplateVersion.content)))

    def _called(self, language: str) -> str:
        """A title that says already that it is a drill says so once."""
        if self.drill and self.title.casefold().startswith(DRILL):
            return self.title[:120]
        with force_locale(LANGUAGES[language]):
            drill, real = _("Drill: %(title)s", title=self.title), _("Emergency: %(title)s", title=self.title)
        return (drill if self.drill else real)[:120]
