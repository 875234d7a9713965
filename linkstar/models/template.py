import json
from datetime import datetime
from functools import lru_cache
from typing import Any, Self

from sqlalchemy import JSON, ForeignKey, Select, String, UniqueConstraint, false, or_, select
from sqlalchemy.orm import Mapped, contains_eager, mapped_column, relationship

from linkstar import clock, packs
from linkstar.extensions import Base, Instant, db
from linkstar.models.audit_event import in_both, record
from linkstar.models.membership import Membership
from linkstar.models.user import User
from linkstar.models.workspace import Workspace


class InstalledPack(Base):
    """A pack as a workspace took it: what it brought stays what it was until somebody takes a newer one."""

    __tablename__ = "installed_pack"
    __table_args__ = (UniqueConstraint("workspace_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(60))
    version: Mapped[str] = mapped_column(String(20))
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    content: Mapped[dict[str, Any]] = mapped_column(JSON, deferred=True)  # packs.pack_document()
    offered: Mapped[dict[str, Any] | None] = mapped_column(JSON, deferred=True)  # another version that was uploaded
    installed_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    installed_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    removed_at: Mapped[datetime | None] = mapped_column(Instant)  # what was made with it can still be read

    installed_by: Mapped[User] = relationship()

    @classmethod
    def visible_to(cls, user: User) -> Select[Self]:
        here = [m.workspace_id for m in user.memberships if not m.external]
        return select(cls).where(cls.removed_at.is_(None), or_(false(), cls.workspace_id.in_(here)))

    def allows(self, user: User) -> bool:
        """May the person change what the workspace has installed?"""
        return is_template_keeper(user, self.workspace_id)

    @classmethod
    def install(cls, workspace: Workspace, pack: packs.Pack, *, by: User) -> Self:
        """Brings the pack's templates and lists into the workspace; a template of that key that is there stays."""
        here = select(cls).where(cls.workspace_id == workspace.id, cls.key == pack.key)
        installed = db.session.scalar(here) or cls(workspace_id=workspace.id, key=pack.key)
        installed.installed_at, installed.installed_by, installed.removed_at = clock.now(), by, None
        installed._take(pack)
        db.session.add(installed)
        db.session.flush()
        workspace.set_up_at = workspace.set_up_at or clock.now()
        installed._publish(pack, by)
        installed._record("pack.installed", by, (None, pack.version))
        return installed

    def offer(self, pack: packs.Pack) -> None:
        """Keeps an uploaded version beside the installed one, to be looked at first."""
        self.offered = packs.pack_document(pack)

    @property
    def newer(self) -> packs.Pack | None:
        """The version that can be taken: the one that was uploaded, else a shipped one that is not the installed."""
        if self.offered is not None:
            return _read(self.key, json.dumps(self.offered))
        if self.key in packs.shipped() and packs.pack(self.key).version != self.version:
            return packs.pack(self.key)
        return None

    def update(self, pack: packs.Pack, *, by: User) -> None:
        """Takes another version: a template that differs in it gets one more version, one that it lacks goes to the
        trash; running projects keep theirs."""
        old = self.version
        self._take(pack)
        self._publish(pack, by)
        keys = {each.key for each in pack.templates}
        for template in self.templates:
            if template.key not in keys and not template.trashed_at:
                template.trash(by=by)
        self._record("pack.updated", by, (old, pack.version))

    def remove(self, *, by: User) -> None:
        """Its templates go to the trash; projects keep what they took."""
        for template in self.templates:
            if not template.trashed_at:
                template.trash(by=by)
        self.removed_at = clock.now()
        self._record("pack.removed", by, (self.version, None))

    @property
    def templates(self) -> "list[Template]":
        query = select(Template).where(Template.installed_pack_id == self.id).order_by(Template.id)
        return list(db.session.scalars(query))

    def _take(self, pack: packs.Pack) -> None:
        self.version, self.name_zh, self.name_en = pack.version, pack.name_zh, pack.name_en
        self.content, self.offered = packs.pack_document(pack), None

    def _publish(self, pack: packs.Pack, by: User) -> None:
        """What the workspace has made of a template stays the newest while the pack brings nothing new for it."""
        here = select(Template).where(Template.workspace_id == self.workspace_id)
        known = {template.key: template for template in db.session.scalars(here)}
        for each in pack.templates:
            content = packs.self_contained(each, pack)
            template = known.get(each.key)
            if template is None:
                template = Template(workspace_id=self.workspace_id, installed_pack=self, key=each.key, owner=by)
                db.session.add(template)
            elif template.installed_pack_id != self.id and not template.trashed_at:
                continue  # the workspace's own, or another pack's
            template.trashed_at, template.installed_pack = None, self
            if template.brought != content:
                template.publish(content, by=by, pack_version=pack.version)

    def _record(self, action: str, by: User, version: tuple[str | None, str | None]) -> None:
        name = in_both(self.name_zh, self.name_en)
        changes = {"pack": (name, name), "version": version}
        record(action, by=by, workspace_id=self.workspace_id, changes=changes)


class Template(Base):
    """The plan of a kind of project, in versions. What a project took from one it keeps."""

    __tablename__ = "template"
    __table_args__ = (UniqueConstraint("workspace_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id", ondelete="CASCADE"))
    installed_pack_id: Mapped[int | None] = mapped_column(ForeignKey("installed_pack.id", ondelete="SET NULL"))
    key: Mapped[str] = mapped_column(String(60))
    name_zh: Mapped[str | None] = mapped_column(String(120))
    name_en: Mapped[str | None] = mapped_column(String(120))
    sop_url: Mapped[str | None] = mapped_column(String(500))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    last_version: Mapped[int] = mapped_column(default=0)
    trashed_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

    installed_pack: Mapped[InstalledPack | None] = relationship()
    owner: Mapped[User] = relationship()
    versions: Mapped[list["TemplateVersion"]] = relationship(
        order_by="TemplateVersion.number.desc()", back_populates="template"
    )

    @classmethod
    def visible_to(cls, user: User) -> Select[Self]:
        """Everybody inside the workspaces sees their templates; outsiders see none."""
        here = [m.workspace_id for m in user.memberships if not m.external]
        return select(cls).where(cls.trashed_at.is_(None), or_(false(), cls.workspace_id.in_(here)))

    def allows(self, user: User) -> bool:
        """May the person change the workspace's templates?"""
        return is_template_keeper(user, self.workspace_id)

    def lock(self) -> None:
        """Until the end of the transaction; what was read of it is read again, under the lock."""
        db.session.scalar(select(Template.id).where(Template.id == self.id).with_for_update())
        db.session.refresh(self)

    @property
    def newest(self) -> "TemplateVersion":
        return self.versions[0]

    def version(self, number: int) -> "TemplateVersion | None":
        return next((version for version in self.versions if version.number == number), None)

    @property
    def brought(self) -> dict[str, Any] | None:
        """What its pack brought last, whatever the workspace has made of it since."""
        return next((version.content for version in self.versions if version.pack_version), None)

    @property
    def name(self) -> dict[str, str | None]:
        return in_both(self.name_zh, self.name_en)

    def edit(self, *, by: User, sop_url: str | None, owner: User) -> None:
        """What stands beside the plan: who looks after it, and where the team's own procedure is written."""
        changes: dict[str, tuple[Any, Any]] = {}
        if sop_url != self.sop_url:
            changes["sop_url"] = (self.sop_url, sop_url)
        if owner.id != self.owner_id:
            changes["owner_id"] = (self.owner_id, owner.id)
        if changes:
            self.sop_url, self.owner = sop_url, owner
            changes["template"] = (self.name, self.name)
            record("template.edited", by=by, workspace_id=self.workspace_id, changes=changes)

    def publish(
        self, content: dict[str, Any], *, by: User, note: str | None = None, pack_version: str | None = None
    ) -> "TemplateVersion":
        """Adds a version; projects that took an older one keep theirs."""
        before = self.name if self.last_version else None
        self.last_version = (self.last_version or 0) + 1
        self.name_zh, self.name_en = content["name_zh"], content["name_en"]
        version = TemplateVersion(
            number=self.last_version, content=content, published_by=by, note=note, pack_version=pack_version
        )
        self.versions.insert(0, version)
        db.session.flush()
        number = self.last_version
        changes = {"template": (before, self.name), "version": (number - 1 or None, number)}
        record("template.published", by=by, workspace_id=self.workspace_id, changes=changes)
        return version

    def trash(self, *, by: User) -> None:
        self.trashed_at = clock.now()
        record("template.trashed", by=by, workspace_id=self.workspace_id, changes={"template": (self.name, None)})


class TemplateVersion(Base):
    """One version of a template: a whole document (packs.Template) with the checklists that it uses."""

    __tablename__ = "template_version"
    __table_args__ = (UniqueConstraint("template_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    template_id: Mapped[int] = mapped_column(ForeignKey("template.id", ondelete="CASCADE"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSON, deferred=True)
    pack_version: Mapped[str | None] = mapped_column(String(20))
    note: Mapped[str | None] = mapped_column(String(300))
    published_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    published_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))

    template: Mapped[Template] = relationship(back_populates="versions")
    published_by: Mapped[User] = relationship()

    @classmethod
    def newest_of(cls, workspace_id: int) -> Select[Self]:
        """The newest version of each of the workspace's templates."""
        return (
            select(cls)
            .join(cls.template)
            .where(Template.workspace_id == workspace_id, Template.trashed_at.is_(None))
            .where(cls.number == Template.last_version)
            .options(contains_eager(cls.template))
            .order_by(Template.id)
        )

    @property
    def task_count(self) -> int:
        return sum(len(phase["tasks"]) for phase in self.content["phases"])

    def read(self) -> packs.Template:
        return packs.template_from(self.content, self.template.key, packs_of(self.template.workspace_id))


def start_blank(workspace: Workspace, *, by: User) -> None:
    """The workspace does without a pack; it can still take one later."""
    workspace.set_up_at = clock.now()
    record("workspace.set_up", by=by, workspace_id=workspace.id)


TEMPLATE_KEEPERS = frozenset({"admin", "pmo", "legal"})  # template_change of the pack's sensitive operations


def keeps_templates(membership: Membership) -> bool:
    return membership.role in TEMPLATE_KEEPERS


def is_template_keeper(user: User, workspace_id: int) -> bool:
    membership = user.membership_in(workspace_id)
    return membership is not None and keeps_templates(membership)


def packs_of(workspace_id: int) -> list[packs.Pack]:
    """The packs that the workspace has or had, as it took them: what its templates may name."""
    query = select(InstalledPack).where(InstalledPack.workspace_id == workspace_id).order_by(InstalledPack.id)
    return [_pack_of(row) for row in db.session.scalars(query)]


def library_of(workspace_id: int) -> dict[str, packs.Checklist]:
    """The checklists of all packs that the workspace has."""
    query = select(InstalledPack).where(InstalledPack.workspace_id == workspace_id, InstalledPack.removed_at.is_(None))
    rows = db.session.scalars(query.order_by(InstalledPack.id))
    return {rule.key: rule for row in rows for rule in _pack_of(row).checklists}


def _pack_of(installed: InstalledPack) -> packs.Pack:
    """As it was when the workspace took it; the shipped one is at hand already."""
    if installed.key in packs.shipped() and packs.pack(installed.key).version == installed.version:
        return packs.pack(installed.key)
    return _read(installed.key, json.dumps(installed.content))


@lru_cache(maxsize=16)
def _read(key: str, content: str) -> packs.Pack:
    """What a pack_document() holds; the same text is the same pack, whichever workspace took it."""
    return packs.pack_from(json.loads(content), f"{key}.json")
