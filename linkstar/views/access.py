"""Finds a record through the person who asks. Not visible is 404, visible but not allowed is 403."""

from flask import abort
from flask_login import current_user

from linkstar.extensions import db
from linkstar.models import ChecklistItem, NotAllowed, Notification, Project, SavedView, Task


def get_project(project_id: int, permission: str = "view") -> Project:
    project = db.session.scalar(Project.visible_to(current_user).where(Project.id == project_id)) or abort(404)
    if permission != "view" and not project.allows(current_user, permission):
        raise NotAllowed(permission)
    return project


def get_task(task_id: int, permission: str = "view") -> Task:
    task = db.session.scalar(Task.visible_to(current_user).where(Task.id == task_id)) or abort(404)
    if permission != "view" and not task.allows(current_user, permission):
        raise NotAllowed(permission)
    return task


def get_checklist_item(item_id: int, permission: str) -> ChecklistItem:
    item = db.session.get(ChecklistItem, item_id) or abort(404)
    get_task(item.checklist.task_id, permission)
    return item


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
