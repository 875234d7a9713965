from typing import Any

from flask import Blueprint
from flask_login import current_user
from marshmallow import fields
from sqlalchemy import or_
from sqlalchemy.exc import IntegrityError

from linkstar.api.approvals import ApprovalAnswer
from linkstar.api.operation import operation, refuse_if_changed
from linkstar.api.paging import Page, PageQuery, page
from linkstar.api.problems import not_taken
from linkstar.api.values import Answer, Asked, Body, Day, DaysBefore, Id, Moment, Sum, Text, Word
from linkstar.extensions import LARGEST_ID, commit, db
from linkstar.forms.project import CODE, KEY
from linkstar.i18n import _, _l
from linkstar.models import MASKED, Approval, NotAllowed, Project, Stage, free_key
from linkstar.models.operations import ChangeBudget
from linkstar.views import access

blueprint = Blueprint("projects", __name__, url_prefix="/projects")

CURRENCIES = ("USD", "CNY")


class ProjectAnswer(Answer):
    id = Id()
    workspace_id = Id()
    code = fields.String()
    key = fields.String()
    name_zh = fields.String(allow_none=True)
    name_en = fields.String(allow_none=True)
    anchor_on = Day(allow_none=True)
    anchor_at = Moment(allow_none=True)
    unit = fields.String()
    platforms = fields.List(fields.String())
    categories = fields.List(fields.String())
    content_types = fields.List(fields.String())
    store = fields.String(allow_none=True)
    brand = fields.String(allow_none=True)
    sku = fields.String(allow_none=True)
    owner_id = Id()
    created_at = Moment()
    budget = Sum(allow_none=True)
    currency = fields.String()
    suppliers = fields.String(allow_none=True)
    remind_before = DaysBefore()

    def shows(self, record: Project, field: str) -> bool:
        return record.shows(current_user, field)


class ProjectQuery(PageQuery):
    q = Text(100)
    owner = Asked(1, LARGEST_ID)


class NewProject(Body):
    name_zh = Text(120)
    name_en = Text(120)
    code = Text(40, required=True)
    key = Text(8, required=True)
    anchor_on = Day(allow_none=True)


class ProjectChange(Body):
    name_zh = Text(120)
    name_en = Text(120)
    store = Text(80)
    brand = Text(80)
    sku = Text(60)
    budget = Sum(allow_none=True)
    currency = Word(CURRENCIES)
    suppliers = Text(10_000)
    remind_before = DaysBefore()


@blueprint.get("")
@operation("work:read", _l("Projects that you see"), answer=ProjectAnswer, many=True, query=ProjectQuery)
def index(asked: dict[str, Any]) -> Page:
    query = Project.visible_to(current_user).where(Project.draft_of_id.is_(None))
    if text := asked.get("q"):
        names = (Project.name_zh, Project.name_en, Project.code)
        query = query.where(or_(*(name.icontains(text, autoescape=True) for name in names)))
    if owner := asked.get("owner"):
        query = query.where(Project.owner_id == owner)
    return page(query, Project.id, asked)


@blueprint.get("/<id:project_id>")
@operation("work:read", _l("One project"), answer=ProjectAnswer)
def show(project_id: int) -> Project:
    return access.get_project(project_id)


@blueprint.post("")
@operation(
    "work:write", _l("Begin a project without a template: the four usual stages, no phases"), answer=ProjectAnswer,
    body=NewProject, status=201, place="api.projects.show",
)  # fmt: skip
def create(body: dict[str, Any]) -> Project:
    membership = current_user.memberships[0]
    if membership.external or membership.scope("create") not in ("all", "member"):
        raise NotAllowed("create")
    _refuse_nameless(body.get("name_zh"), body.get("name_en"))
    if not CODE.fullmatch(body["code"]):
        raise not_taken(code=_("Write capital letters, digits and hyphens, such as US-AMZ-26Q4-EARB-003."))
    if not KEY.fullmatch(body["key"]):
        raise not_taken(key=_("Write two to eight capital letters or digits, such as LAMP."))
    if free_key(membership.workspace_id, body["key"]) != body["key"]:
        raise not_taken(key=_("The tasks of another project are called so already."))
    try:
        project = Project.create(by=current_user, workspace_id=membership.workspace_id, **body)
    except IntegrityError:
        raise not_taken(code=_("Another project has this code already.")) from None
    project.stages.extend(Stage.usual())
    commit()
    return project


@blueprint.patch("/<id:project_id>")
@operation(
    "work:write", _l("Change a project; a budget that grows by much asks for approval"), answer=ProjectAnswer,
    body=ProjectChange, guarded=True, also={202: ApprovalAnswer},
)  # fmt: skip
def update(project_id: int, body: dict[str, Any]) -> Any:
    project = access.get_project(project_id, "edit")
    for name in body:
        if name in MASKED and not project.shows(current_user, name):
            raise not_taken(**{name: _("There is no such field.")})
    project.lock()
    db.session.refresh(project)
    refuse_if_changed(project, ProjectAnswer)
    _refuse_nameless(body.get("name_zh", project.name_zh), body.get("name_en", project.name_en))
    asked = _needs_approval(project, body)
    project.edit(body, by=current_user)
    approval = Approval.ask(asked, by=current_user) if asked else None
    commit()
    return (approval, 202) if approval else project


def _needs_approval(project: Project, body: dict[str, Any]) -> ChangeBudget | None:
    """A budget that grows by much waits for somebody else; all else that was sent does not."""
    if not body.keys() & {"budget", "currency"}:
        return None
    wanted = body.get("budget", project.budget), body.get("currency", project.currency)
    change = ChangeBudget.of(project, *wanted)
    if not change.is_needed:
        return None
    body.pop("budget", None)
    body.pop("currency", None)
    return change


def _refuse_nameless(*names: str | None) -> None:
    if not any(names):
        raise not_taken(name_zh=_("Write a name in one of the two languages."))
