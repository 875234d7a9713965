"""Finds a record through the person who asks. Not visible is 404, visible but not allowed is 403."""

from flask import abort, current_app, g, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar.extensions import db
from linkstar.models import (
    Approval,
    Attachment,
    Channel,
    Checklist,
    ChecklistItem,
    Comment,
    Emergency,
    Evidence,
    GatePassage,
    InstalledPack,
    NotAllowed,
    Notification,
    Project,
    SavedView,
    Stage,
    Task,
    Template,
    Trash,
    Upload,
    Waiver,
)


def get_project(project_id: int, permission: str = "view") -> Project:
    project = db.session.scalar(Project.visible_to(current_user).where(Project.id == project_id)) or abort(404)
    if permission != "view" and not project.allows(current_user, permission):
        raise NotAllowed(permission)
    return project


def get_task(task_id: int, permission: str = "view") -> Task:
    task = db.session.scalar(Task.visible_to(current_user).where(Task.id == task_id)) or abort(404)
    if is_brief(task):
        _keep_to_brief(task)
    if permission != "view" and not task.allows(current_user, permission):
        raise NotAllowed(permission)
    return task


def is_brief(task: Task) -> bool:
    """Is the person a creator where the task is, whatever else the person is elsewhere?"""
    membership = current_user.membership_in(task.workspace_id)
    return membership is not None and membership.role == "creator"


def _keep_to_brief(task: Task) -> None:
    """Of a task a creator has what is open to creators; for who is more than that elsewhere, the door stands open."""
    view = current_app.view_functions[request.endpoint or ""]
    if getattr(view, "open_to_creators", False) or g.get("via") == "api":  # a token is of one workspace
        return
    if request.endpoint == "tasks.show":
        abort(redirect(url_for("briefs.show", task_id=task.id), 303))
    abort(404)


def get_brief(task_id: int) -> Task:
    """A task as its creator has it."""
    task = get_task(task_id)
    if not is_brief(task) or task.project.draft_of_id:
        abort(404)
    return task


def get_stage(stage_id: int, permission: str = "view") -> Stage:
    stage = db.session.get(Stage, stage_id) or abort(404)
    get_project(stage.project_id, permission)
    return stage


def get_checklist(checklist_id: int, permission: str) -> Checklist:
    checklist = db.session.get(Checklist, checklist_id) or abort(404)
    if checklist.task_id:
        get_task(checklist.task_id, permission)
    else:
        get_stage(checklist.stage_id, permission)  # type: ignore[arg-type]
    return checklist


def get_checklist_item(item_id: int, permission: str) -> ChecklistItem:
    item = db.session.get(ChecklistItem, item_id) or abort(404)
    get_checklist(item.checklist_id, permission)
    return item


def get_evidence(evidence_id: int) -> Evidence:
    """What was given for a task is seen by who sees the task; for a stage, by who sees the project."""
    evidence = db.session.get(Evidence, evidence_id) or abort(404)
    if evidence.task_id:
        get_task(evidence.task_id)
    else:
        get_checklist(evidence.item.checklist_id, "view")  # type: ignore[union-attr]
    return evidence


def get_attachment(attachment_id: int) -> Attachment:
    """Through its task, its project and its workspace, and outside the team only what is shared."""
    query = select(Attachment).where(Attachment.id == attachment_id, Attachment.seen_by(current_user))
    attachment = db.session.scalar(query) or abort(404)
    if is_brief(attachment.task):
        _keep_to_brief(attachment.task)
    return attachment


def get_upload(upload_key: str) -> Upload:
    """Nobody else's, and only as long as the file may still be added."""
    query = select(Upload).where(Upload.key == upload_key, Upload.user_id == current_user.id)
    upload = db.session.scalar(query) or abort(404)
    task = get_task(upload.task_id)
    if upload.attachment_id:
        get_attachment(upload.attachment_id)
    if not Attachment.may_be_added(task, current_user):
        raise NotAllowed("edit")
    return upload


def get_comment(task_id: int, comment_id: int) -> Comment:
    """One's own, to be changed: what others said is there to be read."""
    task = get_task(task_id)
    comment = db.session.get(Comment, comment_id)
    if comment is None or comment.task_id != task.id or not comment.is_read_by(current_user):
        abort(404)
    if comment.author_id != current_user.id:
        raise NotAllowed("edit")
    return comment


def get_waiver(waiver_id: int) -> Waiver:
    waiver = db.session.get(Waiver, waiver_id) or abort(404)
    get_task(waiver.task_id)
    return waiver


def get_gate_passage(passage_id: int) -> GatePassage:
    """It names who signed what inside, which an outsider who sees the task is not told."""
    passage = db.session.get(GatePassage, passage_id) or abort(404)
    if not get_task(passage.task_id).seen_whole_by(current_user):
        raise NotAllowed("view")
    return passage


def get_template(template_id: int, permission: str = "view") -> Template:
    template = db.session.scalar(Template.visible_to(current_user).where(Template.id == template_id)) or abort(404)
    if permission != "view" and not template.allows(current_user):
        raise NotAllowed(permission)
    return template


def get_pack(pack_id: int) -> InstalledPack:
    """For who keeps the workspace's templates; to others of the workspace it is there, but not theirs to handle."""
    pack = db.session.scalar(InstalledPack.visible_to(current_user).where(InstalledPack.id == pack_id)) or abort(404)
    if not pack.allows(current_user):
        raise NotAllowed("edit")
    return pack


def get_approval(approval_id: int) -> Approval:
    return db.session.scalar(Approval.visible_to(current_user).where(Approval.id == approval_id)) or abort(404)


def get_emergency(emergency_id: int) -> Emergency:
    return db.session.scalar(Emergency.visible_to(current_user).where(Emergency.id == emergency_id)) or abort(404)


def get_trashed_task(task_id: int) -> Task:
    return db.session.scalar(Trash(current_user).tasks().where(Task.id == task_id)) or abort(404)


def get_trashed_project(project_id: int) -> Project:
    return db.session.scalar(Trash(current_user).projects().where(Project.id == project_id)) or abort(404)


def get_trashed_attachment(attachment_id: int) -> Attachment:
    query = Trash(current_user).attachments().where(Attachment.id == attachment_id)
    return db.session.scalar(query) or abort(404)


def get_notification(notification_id: int) -> Notification:
    notification = db.session.get(Notification, notification_id)
    if notification is None or notification.user_id != current_user.id:
        abort(404)
    return notification


def get_saved_view(view_id: int) -> SavedView:
    view = db.session.get(SavedView, view_id)
    if view is None or view.user_id != current_user.id:
        abort(404)
    get_project(view.project_id)
    return view


def get_channel(channel_id: int, workspace_id: int, *, lock: bool = False) -> Channel:
    """For who keeps the workspace, and for its owner; nowhere but in its workspace."""
    query = Channel.visible_to(current_user).where(Channel.id == channel_id, Channel.workspace_id == workspace_id)
    return db.session.scalar(query.with_for_update(of=Channel) if lock else query) or abort(404)
