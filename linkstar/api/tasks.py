from typing import Any

from flask import Blueprint, request
from flask_login import current_user
from marshmallow import fields, post_dump
from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import selectinload

from linkstar.api.approvals import ApprovalAnswer
from linkstar.api.operation import operation, refuse_if_changed
from linkstar.api.paging import Page, PageQuery, page
from linkstar.api.problems import not_taken
from linkstar.api.values import Answer, Asked, Body, Day, DaysBefore, Flag, Id, Moment, Text, Word
from linkstar.extensions import LARGEST_ID, commit, db
from linkstar.forms.task import LONGEST_LABEL
from linkstar.i18n import NATIVE_NAMES, _, _l
from linkstar.models import PLATFORMS, PRIORITIES, Approval, AuditEvent, Label, Project, Stage, Task, User
from linkstar.models.operations import DeleteTask
from linkstar.models.stage import KINDS
from linkstar.reports.task_filter import TaskFilter
from linkstar.views import access

blueprint = Blueprint("tasks", __name__)

MOST_LABELS = 20
COUNTS = ("comment_count", "file_count", "check_count", "checked_count", "waiver_count")  # of what is inside as well
BRIEF = (  # what there is for a creator
    "id", "title_zh", "title_en", "brief_zh", "brief_en", "wanted_zh", "wanted_en", "unwanted_zh",
    "unwanted_en", "source_language", "platform", "start_on", "due_on", "start_at", "due_at", "stage_kind",
    "created_at", "completed_at",
)  # fmt: skip

FOR_CREATORS = {"platform", "due_from", "due_until", "q", "limit", "cursor"}  # what a creator asks by


class TaskAnswer(Answer):
    id = Id()
    code = fields.String()
    workspace_id = Id()
    project_id = Id()
    number = fields.Integer()
    stage_id = Id()
    stage_kind = Word(KINDS, attribute="stage.kind")
    phase_id = Id(allow_none=True)
    parent_id = Id(allow_none=True)
    owner_id = Id()
    author_id = Id()
    title_zh = fields.String(allow_none=True)
    title_en = fields.String(allow_none=True)
    brief_zh = fields.String(allow_none=True)
    brief_en = fields.String(allow_none=True)
    wanted_zh = fields.String(allow_none=True)
    wanted_en = fields.String(allow_none=True)
    unwanted_zh = fields.String(allow_none=True)
    unwanted_en = fields.String(allow_none=True)
    source_language = Word(NATIVE_NAMES)
    translation_outdated = Flag()
    priority = Word(PRIORITIES)
    platform = Word(PLATFORMS, allow_none=True)
    start_on = Day(allow_none=True)
    due_on = Day(allow_none=True)
    start_at = Moment(allow_none=True)
    due_at = Moment(allow_none=True)
    blocking = Flag()
    milestone = Flag()
    locked = Flag()
    deliverable_zh = fields.String(allow_none=True)
    deliverable_en = fields.String(allow_none=True)
    remind_before = DaysBefore(allow_none=True)
    labels = fields.Function(
        lambda task: sorted(label.name for label in task.labels),
        metadata={"type": "array", "items": {"type": "string"}},
    )
    comment_count = fields.Integer()
    file_count = fields.Integer()
    check_count = fields.Integer()
    checked_count = fields.Integer()
    waiver_count = fields.Integer()
    version = fields.Integer()
    created_at = Moment()
    completed_at = Moment(allow_none=True)
    completed_by_id = Id(allow_none=True)

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = field_name in BRIEF

    @post_dump(pass_original=True)
    def mask(self, data: dict[str, Any], record: Task, **more: Any) -> dict[str, Any]:
        membership = current_user.membership_in(record.workspace_id)
        if membership.role == "creator":
            return {name: data[name] for name in BRIEF}
        return {name: value for name, value in data.items() if not (membership.external and name in COUNTS)}


class TaskQuery(PageQuery):
    project = Asked(1, LARGEST_ID)
    stage = Asked(1, LARGEST_ID)
    phase = Asked(1, LARGEST_ID)
    owner = Asked(1, LARGEST_ID)
    priority = Word(PRIORITIES)
    platform = Word(PLATFORMS)
    due_from = Day()
    due_until = Day()
    updated_since = Moment()
    q = Text(100)


class TaskChange(Body):
    title_zh = Text(200)
    title_en = Text(200)
    brief_zh = Text(20_000)
    brief_en = Text(20_000)
    wanted_zh = Text(20_000)
    wanted_en = Text(20_000)
    unwanted_zh = Text(20_000)
    unwanted_en = Text(20_000)
    source_language = Word(NATIVE_NAMES)
    owner_id = Id()
    phase_id = Id(allow_none=True)
    priority = Word(PRIORITIES)
    platform = Word(PLATFORMS, allow_none=True)
    start_on = Day(allow_none=True)
    due_on = Day(allow_none=True)
    blocking = Flag()
    milestone = Flag()
    remind_before = DaysBefore(allow_none=True)
    labels = fields.List(Text(LONGEST_LABEL, required=True), metadata={"maxItems": MOST_LABELS})


class NewTask(TaskChange):
    stage_id = Id()
    parent_id = Id(allow_none=True)


@blueprint.get("/tasks")
@operation("work:read", _l("Tasks that you see"), answer=TaskAnswer, many=True, query=TaskQuery, for_creators=True)
def index(asked: dict[str, Any]) -> Page:
    if current_user.only_creates and (inside := asked.keys() - FOR_CREATORS):
        raise not_taken(**dict.fromkeys(sorted(inside), _("There is no such field.")))
    query = Task.visible_to(current_user).where(Task.project_id.not_in(Project.drafts()), *_conditions(asked))
    return page(query.options(selectinload(Task.labels), selectinload(Task.stage)), Task.id, asked)


def _conditions(asked: dict[str, Any]) -> list[ColumnElement[bool]]:
    chosen = TaskFilter(
        q=asked.get("q"), owner=asked.get("owner"), priority=asked.get("priority"), platform=asked.get("platform")
    )
    found = chosen.conditions(current_user)
    places = {"project": Task.project_id, "stage": Task.stage_id, "phase": Task.phase_id}
    found += [column == asked[name] for name, column in places.items() if name in asked]
    if "due_from" in asked:
        found.append(Task.due_on >= asked["due_from"])
    if "due_until" in asked:
        found.append(Task.due_on <= asked["due_until"])
    if "updated_since" in asked:
        of_task = AuditEvent.task_id == Task.id, AuditEvent.workspace_id == Task.workspace_id
        changed = exists().where(*of_task, AuditEvent.created_at >= asked["updated_since"])
        if current_user.external:  # what is said and done inside is not even counted
            changed = changed.where(AuditEvent.action.startswith("task."))
        found.append(changed)
    return found


@blueprint.get("/tasks/<id:task_id>")
@operation("work:read", _l("One task"), answer=TaskAnswer, for_creators=True)
def show(task_id: int) -> Task:
    return access.get_task(task_id)


@blueprint.post("/projects/<id:project_id>/tasks")
@operation(
    "work:write", _l("Add a task at the end of its stage"), answer=TaskAnswer, body=NewTask, status=201,
    place="api.tasks.show",
)  # fmt: skip
def create(project_id: int, body: dict[str, Any]) -> Task:
    project = access.get_project(project_id, "create")
    owner_id = body.pop("owner_id", current_user.id)
    owner = _owner(project, owner_id, current_user._get_current_object())
    stage = _stage(project, body.pop("stage_id", None))
    phase_id, labels = body.pop("phase_id", None), body.pop("labels", [])
    parent = _parent(project, body.pop("parent_id", None))
    _refuse_phase(project, phase_id)
    _refuse_crossed(body.get("title_zh"), body.get("title_en"), body.get("start_on"), body.get("due_on"))
    phase = next((each for each in project.phases if each.id == phase_id), None)
    task = Task.create(
        project, by=current_user, stage=stage, owner=owner, phase=phase, parent=parent,
        labels=Label.named(project.workspace_id, _names(labels)), **body,
    )  # fmt: skip
    commit()
    return task


@blueprint.patch("/tasks/<id:task_id>")
@operation("work:write", _l("Change a task"), answer=TaskAnswer, body=TaskChange, guarded=True)
def update(task_id: int, body: dict[str, Any]) -> Task:
    """Dates are written for this task alone; what waits for it is moved in the plan."""
    task = access.get_task(task_id, "edit")
    task.project.lock()
    db.session.refresh(task)
    refuse_if_changed(task, TaskAnswer)
    labels = body.pop("labels", None)
    if "owner_id" in body:
        _owner(task.project, body["owner_id"], task.owner)
    _refuse_phase(task.project, body.get("phase_id"))
    _refuse_crossed(*(body.get(name, getattr(task, name)) for name in ("title_zh", "title_en", "start_on", "due_on")))
    named = None if labels is None else Label.named(task.workspace_id, _names(labels))
    task.edit(body, by=current_user, version=task.version, labels=named)
    commit()
    return task


@blueprint.delete("/tasks/<id:task_id>")
@operation(
    "work:write", _l("Move a task to the trash, or ask for it where somebody else has to agree"), status=204,
    also={202: ApprovalAnswer}, heeds_state=True,
)  # fmt: skip
def destroy(task_id: int) -> Any:
    task = access.get_task(task_id)
    if request.if_match:
        refuse_if_changed(task, TaskAnswer)
    if task.may_be_trashed_by(current_user):
        task.trash(by=current_user)
        commit()
        return None
    approval = Approval.ask(DeleteTask.of(task), by=current_user)
    commit()
    return approval, 202


def _names(labels: list[str]) -> list[str]:
    if len(labels) > MOST_LABELS:
        raise not_taken(labels=_("That is not one of the choices."))
    return list(dict.fromkeys(labels))


def _owner(project: Project, owner_id: int, usual: User) -> User:
    if owner_id == usual.id:
        return usual
    for person in project.people_for(current_user):
        if person.id == owner_id:
            return person
    raise not_taken(owner_id=_("This person does not take part in the project."))


def _stage(project: Project, stage_id: int | None) -> Stage:
    if stage_id is None:
        return project.stages[0]
    for stage in project.stages:
        if stage.id == stage_id:
            return stage
    raise not_taken(stage_id=_("This stage does not belong to the project."))


def _parent(project: Project, parent_id: int | None) -> Task | None:
    if parent_id is None:
        return None
    here = Task.visible_to(current_user).where(Task.id == parent_id, Task.project_id == project.id)
    parent = db.session.scalar(here)
    if parent is None:
        raise not_taken(parent_id=_("There is no such task in the project."))
    return parent


def _refuse_phase(project: Project, phase_id: int | None) -> None:
    if phase_id is not None and phase_id not in [phase.id for phase in project.phases]:
        raise not_taken(phase_id=_("This phase does not belong to the project."))


def _refuse_crossed(title_zh: Any, title_en: Any, start_on: Any, due_on: Any) -> None:
    if not (title_zh or title_en):
        raise not_taken(title_zh=_("Write a title in one of the two languages."))
    if start_on and due_on and start_on > due_on:
        raise not_taken(due_on=_("The due date is before the start date."))
