"""The nouns with their rules. Everyone else says `from linkstar.models import Task`."""

from linkstar.models.workspace import Workspace
from linkstar.models.user import SignIn, User
from linkstar.models.membership import PERMISSIONS, ROLES, Membership
from linkstar.models.audit_event import AuditEvent
from linkstar.models.notification import Delivery, Notification
from linkstar.models.label import Label, TaskLabel
from linkstar.models.project import Project, ProjectMember
from linkstar.models.phase import Phase
from linkstar.models.stage import Stage
from linkstar.models.task import PLATFORMS, PRIORITIES, Participant, Task
from linkstar.models.checklist import Checklist, ChecklistItem
from linkstar.models.dependency import Dependency
from linkstar.models.comment import Comment, Mention
from linkstar.models.saved_view import SavedView
from linkstar.models.idempotent_request import IdempotentRequest
from linkstar.models.refusal import (
    KeyReused,
    MoveRefused,
    NotAllowed,
    PositionGone,
    Refusal,
    StaleVersion,
    UndoRefused,
)
from linkstar.models.undo import Undo
from linkstar.models.bulk_edit import BulkEdit

__all__ = [
    "PERMISSIONS",
    "PLATFORMS",
    "PRIORITIES",
    "ROLES",
    "AuditEvent",
    "BulkEdit",
    "Checklist",
    "ChecklistItem",
    "Comment",
    "Delivery",
    "Dependency",
    "IdempotentRequest",
    "KeyReused",
    "Label",
    "Membership",
    "Mention",
    "MoveRefused",
    "NotAllowed",
    "Notification",
    "Participant",
    "Phase",
    "PositionGone",
    "Project",
    "ProjectMember",
    "Refusal",
    "SavedView",
    "SignIn",
    "Stage",
    "StaleVersion",
    "Task",
    "TaskLabel",
    "Undo",
    "UndoRefused",
    "User",
    "Workspace",
]
