"""The nouns with their rules. Everyone else says `from linkstar.models import Task`."""

from linkstar.models.role import EXTERNAL_ROLES, MASKED, PERMISSIONS, READ_ONLY_ROLES, ROLES
from linkstar.models.workspace import Workspace
from linkstar.models.user import SignIn, User
from linkstar.models.identity import Identity, RecoveryCode
from linkstar.models.membership import Departure, Membership
from linkstar.models.audit_event import AuditEvent, AuditLink
from linkstar.models.notification import Delivery, Notification
from linkstar.models.mailed_link import MailedLink
from linkstar.models.api_token import SCOPES, ApiToken
from linkstar.models.label import Label, TaskLabel
from linkstar.models.calendar_day import CalendarDay, calendars_of
from linkstar.models.template import (
    InstalledPack,
    Template,
    TemplateVersion,
    is_template_keeper,
    keeps_templates,
    library_of,
    packs_of,
    start_blank,
)
from linkstar.models.project import Project, ProjectMember
from linkstar.models.stage import Stage
from linkstar.models.attachment import Attachment, AttachmentVersion, Upload
from linkstar.models.evidence import EVIDENCE, Evidence
from linkstar.models.checklist import Checklist, ChecklistItem
from linkstar.models.phase import Phase, PhaseGate
from linkstar.models.dependency import Dependency
from linkstar.models.waiver import Waiver, WaiverVote
from linkstar.models.gate_passage import GatePassage
from linkstar.models.task import PLATFORMS, PRIORITIES, Participant, Task
from linkstar.models.comment import Comment, Mention
from linkstar.models.approval import Approval, ApprovalVote
from linkstar.models.saved_view import SavedView
from linkstar.models.idempotent_request import IdempotentRequest
from linkstar.models.refusal import (
    AlreadySplit,
    CodesUsedUp,
    CycleRefused,
    DayPassed,
    EvidenceMissing,
    FlowBroken,
    KeyReused,
    MoveRefused,
    NotAllowed,
    PositionGone,
    Refusal,
    StaleVersion,
    StillUsed,
    UndoRefused,
)
from linkstar.models.project_code import (
    PARTS,
    WORD,
    example,
    follows_rule,
    free_code,
    free_key,
    is_rule,
    next_code,
    set_rule,
)
from linkstar.models.plan import Clash, Plan, Replan, Shift
from linkstar.models.split import Split
from linkstar.models.launch import Launch
from linkstar.models.outline import Outline
from linkstar.models.template_draft import TemplateDraft
from linkstar.models.project_copy import ProjectCopy
from linkstar.models.undo import Undo
from linkstar.models.bulk_edit import BulkEdit

__all__ = [
    "EVIDENCE",
    "EXTERNAL_ROLES",
    "MASKED",
    "PARTS",
    "PERMISSIONS",
    "PLATFORMS",
    "PRIORITIES",
    "READ_ONLY_ROLES",
    "ROLES",
    "SCOPES",
    "WORD",
    "AlreadySplit",
    "ApiToken",
    "Approval",
    "ApprovalVote",
    "Attachment",
    "AttachmentVersion",
    "AuditEvent",
    "AuditLink",
    "BulkEdit",
    "CalendarDay",
    "Checklist",
    "ChecklistItem",
    "Clash",
    "CodesUsedUp",
    "Comment",
    "CycleRefused",
    "DayPassed",
    "Delivery",
    "Departure",
    "Dependency",
    "Evidence",
    "EvidenceMissing",
    "FlowBroken",
    "GatePassage",
    "IdempotentRequest",
    "Identity",
    "InstalledPack",
    "KeyReused",
    "Label",
    "Launch",
    "MailedLink",
    "Membership",
    "Mention",
    "MoveRefused",
    "NotAllowed",
    "Notification",
    "Outline",
    "Participant",
    "Phase",
    "PhaseGate",
    "Plan",
    "PositionGone",
    "Project",
    "ProjectCopy",
    "ProjectMember",
    "RecoveryCode",
    "Refusal",
    "Replan",
    "SavedView",
    "Shift",
    "SignIn",
    "Split",
    "Stage",
    "StaleVersion",
    "StillUsed",
    "Task",
    "TaskLabel",
    "Template",
    "TemplateDraft",
    "TemplateVersion",
    "Undo",
    "UndoRefused",
    "Upload",
    "User",
    "Waiver",
    "WaiverVote",
    "Workspace",
    "calendars_of",
    "example",
    "follows_rule",
    "free_code",
    "free_key",
    "is_rule",
    "is_template_keeper",
    "keeps_templates",
    "library_of",
    "next_code",
    "packs_of",
    "set_rule",
    "start_blank",
]
